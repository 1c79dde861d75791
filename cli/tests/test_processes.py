"""Processes that ``edgeloop up`` starts."""

from __future__ import annotations

from edgeloop_cli.processes import observers


def test_runs_are_mirrored_only_where_mlflow_is_named() -> None:
    assert observers({"MLFLOW_TRACKING_URI": "http://127.0.0.1:5000"}) == ("monitoring", "mirror")
    assert observers({"MLFLOW_TRACKING_URI": ""}) == observers({}) == ("monitoring",)
