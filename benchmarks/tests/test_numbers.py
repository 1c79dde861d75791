"""The benchmark of streams of numbers works, on a few rows."""

from __future__ import annotations

from benchmarks import numbers
from benchmarks.loop_quality.ours import DEFAULT


def test_the_default_and_a_peer_are_asked_the_same_rows() -> None:
    table = numbers.streams(400)["still"]
    default, peer = (numbers.played((learner, "still"), table) for learner in (DEFAULT, "linear regression"))
    assert 0 < default.error <= 1.1 * default.static
    assert 0.5 < peer.error / default.static < 2


def test_streams_are_the_same_every_time() -> None:
    one, other = numbers.streams(200), numbers.streams(200)
    assert {name: table.labels for name, table in one.items()} == {name: table.labels for name, table in other.items()}
