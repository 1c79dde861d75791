"""The verdicts find the errors that they are made for."""

from __future__ import annotations

from typing import Any

import pytest
from support import verdicts
from support.checker import Findings, Seen


def seen(**value: Any) -> Seen:
    return Seen(0, 0, 0, "", {"stream": "s", **value}, {})


def request(stage: int = 0) -> Seen:
    return seen(campaign="c", stage=stage, request_id=f"c/{stage}")


def run(status: str, stage: int = 0) -> Seen:
    return seen(request_id=f"c/{stage}", status=status)


def candidate(stage: int = 0) -> Seen:
    return seen(request_id=f"c/{stage}")


def version(number: int, stage: int = 0) -> Seen:
    return seen(request_id=f"c/{stage}", version=number, file={"digest": f"file {number}"})


def assigned(number: int, file: str = "") -> Seen:
    return seen(device_id="d", version=number, file={"digest": file or f"file {number}"})


@pytest.mark.parametrize(
    ("requests", "runs", "candidates", "wrong"),
    [
        ([request()], [run("FITTED"), run("PROMOTED")], [candidate()], []),
        ([request(), request(1)], [run("FITTED"), run("REJECTED"), run("FITTED", 1)], [], []),
        ([request()], [run("FAILED")], [], []),
        ([request(), request()], [run("FAILED")], [], ["twice"]),
        ([request()], [], [], ["lost"]),
        ([request(), request(1)], [run("FITTED"), run("FAILED", 1)], [], ["lost"]),
        ([request()], [run("FITTED"), run("PROMOTED"), run("PROMOTED")], [candidate()], ["lost", "twice"]),
        ([request()], [run("FITTED"), run("PROMOTED"), run("REJECTED")], [candidate()], ["lost"]),
        ([], [run("FAILED")], [], ["torn"]),
        ([request()], [run("FITTED"), run("PROMOTED")], [], ["lost"]),
        ([request()], [run("FITTED"), run("REJECTED")], [candidate()], ["torn"]),
    ],
)
def test_a_request_is_made_once_and_answered_by_one_run(requests, runs, candidates, wrong) -> None:
    found = Findings()
    verdicts.training(requests, runs, candidates, found)
    assert [name for name in ("lost", "torn", "twice") if getattr(found, name)] == wrong


@pytest.mark.parametrize(
    ("made", "refused", "wrong"),
    [
        ([version(1), version(2, 1)], [], []),
        ([version(1)], [candidate(1)], []),
        ([version(1)], [], ["lost"]),
        ([version(1), version(3, 1)], [], ["torn"]),
        ([version(1), version(2, 1), version(3, 1)], [], ["twice"]),
        ([version(1), version(2, 1), version(3, 2)], [], ["torn"]),
    ],
)
def test_a_candidate_is_judged_once_and_versions_have_no_gap(made, refused, wrong) -> None:
    found = Findings()
    verdicts.versions([candidate(), candidate(1)], made, refused, found)
    assert [name for name in ("lost", "torn", "twice") if getattr(found, name)] == wrong


@pytest.mark.parametrize(
    ("made", "wrong"),
    [
        ([assigned(1), assigned(2)], []),
        ([assigned(2)], []),
        ([assigned(1)], ["lost"]),
        ([assigned(1), assigned(2), assigned(2)], ["twice"]),
        ([assigned(2), assigned(1)], ["disordered"]),
        ([assigned(2, "file 1")], ["torn"]),
        ([assigned(2), assigned(3)], ["torn"]),
    ],
)
def test_a_device_is_told_each_version_once_in_rising_order_and_the_newest_surely(made, wrong) -> None:
    found = Findings()
    verdicts.assignments({"s": {1: "file 1", 2: "file 2"}}, [("s", "d")], made, found)
    assert [name for name in ("lost", "disordered", "torn", "twice") if getattr(found, name)] == wrong
