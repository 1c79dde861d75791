"""A further listener of the broker, whose clients sign in and may do what access control lists give them, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeloop_local.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule"


@dataclass(frozen=True, slots=True)
class SigningIn:
    """
    Clients sign in by SASL/PLAIN, without TLS: for the loopback interface.

    Attributes
    ----------
    port : int
        Of the listener.
    passwords : Mapping[str, str]
        By user; letters and digits only.
    """

    port: int
    passwords: Mapping[str, str]

    @property
    def bootstrap(self) -> str:
        """The address for these clients."""
        return f"{LOOPBACK}:{self.port}"

    def settings(self, own: Mapping[str, str | int]) -> dict[str, str]:
        """
        Settings of the broker that bring it.

        Parameters
        ----------
        own : Mapping[str, str | int]
            Those that it has anyway. Whoever comes through its other listener stays free to do everything.
        """
        users = " ".join(f'user_{name}="{password}"' for name, password in self.passwords.items())
        return {
            "listeners": f"{own['listeners']},SIGNIN://{self.bootstrap}",
            "advertised.listeners": f"{own['advertised.listeners']},SIGNIN://{self.bootstrap}",
            "listener.security.protocol.map": f"{own['listener.security.protocol.map']},SIGNIN:SASL_PLAINTEXT",
            "listener.name.signin.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.signin.plain.sasl.jaas.config": f"{_LOGIN} required {users};",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        }
