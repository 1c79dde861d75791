"""A gate for tests in which signatures do not matter."""

from __future__ import annotations

from typing import Any


class Everybody:
    """All tenants are open."""

    def renew(self) -> None:
        return

    def closed(self, tenant: str) -> bool:
        del tenant
        return False

    def refusal(self, topic: Any, received: Any) -> None:
        del topic, received


EVERYBODY = Everybody()
