"""What ``edgeloop up`` starts."""

from __future__ import annotations

import importlib.util

import pytest
from edgeloop_cli.processes import MIRROR, OBSERVERS, observers


def test_runs_are_mirrored_only_where_mlflow_is_named_and_its_client_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    named = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:5000"}
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    assert observers(named) == (*OBSERVERS, MIRROR)
    assert observers({}) == OBSERVERS
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert observers(named) == OBSERVERS
