"""The failure that a start reports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from edgeloop_cli import cluster_setup
from edgeloop_cli.platform import Platform
from edgeloop_local.errors import ProcessDiedError
from edgeloop_local.stack import LocalStack

FIRST = ProcessDiedError("the schema registry", 1, Path("registry.log"), ["no memory"])


class Away(Exception):
    """Kafka is away."""


def test_the_end_of_a_server_is_told_and_not_what_follows_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ends(stack: LocalStack) -> None:
        raise FIRST

    def follows(*_: Any) -> None:
        raise Away

    platform = Platform(tmp_path)
    monkeypatch.setattr(platform, "_start_stack", lambda: lambda: None)
    monkeypatch.setattr(Platform, "cluster", property(lambda _: None))
    monkeypatch.setattr(cluster_setup, "create_topics", follows)
    with pytest.raises(Away):
        platform.start()
    monkeypatch.setattr(LocalStack, "first_end", lambda _: FIRST)
    with pytest.raises(ProcessDiedError, match="the schema registry ended with exit code 1 while starting"):
        platform.start()
    monkeypatch.setattr(LocalStack, "first_end", lambda _: None)
    monkeypatch.undo()
    monkeypatch.setattr(LocalStack, "start", ends)
    monkeypatch.setattr(cluster_setup, "create_topics", follows)
    with pytest.raises(ProcessDiedError):
        Platform(tmp_path).start()
