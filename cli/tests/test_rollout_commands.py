"""Rollouts on the command line: facts folded and told, orders checked before a cluster is asked."""

from __future__ import annotations

from typing import Any

import pytest
from edgeloop_cli.core.lineage import facts, title
from edgeloop_cli.core.rollouts import as_object, evidence, line, place, rollouts
from edgeloop_cli.main import build
from edgeloop_contracts import Assignment, ErrorWindow, RolloutCommand, RolloutEvent
from edgeloop_contracts.events import ErrorCount, RolloutFact, RolloutFinding, RolloutOrder
from typer.testing import CliRunner

RUNNER = CliRunner()
ELSEWHERE = ("--bootstrap", "127.0.0.1:9", "--schema-registry", "http://127.0.0.1:9")


def fact(kind: RolloutFact, version: int = 2, **more: Any) -> RolloutEvent:
    return RolloutEvent(**{"tenant": "t", "stream": "s", "kind": kind, "version": version, "previous": 1, "phases": 3, **more})


def test_the_newest_stage_of_a_stream_is_told_with_pins_and_versions_that_were_turned_back() -> None:
    told = [
        fact(RolloutFact.STARTED, phase=1),
        fact(RolloutFact.TURNED_BACK, who="ann", why="noise"),
        fact(RolloutFact.PINNED, 1, device_id="p1"),
        fact(RolloutFact.PINNED, 1, device_id="p2"),
        fact(RolloutFact.STARTED, 3, phase=1, at=5),
        fact(RolloutFact.PHASE_BEGUN, 3, phase=2, at=9),
        fact(RolloutFact.UNPINNED, 3, device_id="p2"),
        fact(RolloutFact.REFUSED, 3, reason="OTHER_STAGE", message="no"),
        fact(RolloutFact.POLICY_REFUSED, 0, stream=""),
        fact(RolloutFact.DONE, stream="other"),
        fact(RolloutFact.DONE, tenant="another"),
    ]
    found = rollouts(told, "t")
    assert list(found) == ["other", "s"]
    shown = found["s"]
    assert (shown.version, place(shown), shown.pinned, shown.turned_back) == (3, "running, phase 2 of 3", {"p1": 1}, {2})
    assert as_object(shown)["pinned"] == {"p1": 1}
    assert len(as_object(shown, facts=True)["facts"]) == 8
    assert place(rollouts([*told, fact(RolloutFact.OFFERED, phase=1)], "t")["s"]) == "running, phase 1 of 3"
    assert line(told[1]) == "1970-01-01T00:00:00.000Z, turned back, version 2, by ann: noise"


def test_evidence_names_its_group_rows_errors_and_interval() -> None:
    found = RolloutFinding(
        metric="errors", device_group="north", old_rows=50, new_rows=20, new_errors=4, difference=0.2, lower=0.1, upper=0.3
    )
    assert evidence(found) == "errors in group north: 4 of 20 new rows, 0 of 50 old rows, +20.0 points (+10.0 to +30.0)"


def test_the_causes_of_a_way_back_are_told() -> None:
    order = RolloutCommand(tenant="t", stream="s", command_id="c", order=RolloutOrder.ROLLBACK, who="ann", why="noise")
    assert title(order) == "ann ordered: rollback (noise)"
    assert facts(order)["why"] == "noise"
    counted = ErrorWindow(tenant="t", stream="s", counts=(ErrorCount(device_id="p1", model_version=2, rows=9, errors=4),))
    assert (title(counted), facts(counted)) == ("answers of 1 devices were counted", {"rows": 9, "wrong": 4})
    back = Assignment(tenant="t", stream="s", device_id="p1", version=1, serial=2)
    assert facts(back)["sent_back_times"] == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("pause", "pumps", "--why", " "), "--why: expected a text of 1 to 1000 characters, given 1"),
        (("approve", "pumps", "--why", "seen", "--expires", "soon"), "--expires: expected an age such as 90s, 15m, 2h or 3d, given 'soon'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_bad_input_is_told_before_a_cluster_is_asked(words: tuple[str, ...], told: str) -> None:
    done = RUNNER.invoke(build(), ["rollout", *words, *ELSEWHERE])
    assert (done.exit_code, done.stderr) == (2, f"edgeloop: {told}\n")
