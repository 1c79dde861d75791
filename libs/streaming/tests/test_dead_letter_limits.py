"""Limits of dead letters: which outcomes halt a partition, and what ends a halt."""

from __future__ import annotations

import pytest
import structlog
from edgeloop_contracts import topics
from edgeloop_kafka import KafkaSettings
from edgeloop_streaming.dead_letter_limits import DeadLetterGuard, DeadLetterLimitError, Limit, Limits, Tally
from edgeloop_streaming.telemetry import LoopMetrics
from prometheus_client import CollectorRegistry

TOPIC, PLACE = topics.OBSERVATIONS, (topics.OBSERVATIONS.name, 0)


class Bench:
    def __init__(self, limit: Limit) -> None:
        self.now = 0.0
        self.registry = CollectorRegistry()
        gauge = LoopMetrics(self.registry).halted_by_letters
        self.guard = DeadLetterGuard("labels", Limits(inside=limit), gauge, structlog.get_logger(), lambda: self.now)

    def refused(self, pending: list[bool] | None = None) -> DeadLetterLimitError | None:
        try:
            self.guard.check(TOPIC, 0, 7, "NOT_AVRO", pending or [])
        except DeadLetterLimitError as error:
            return error
        return None

    @property
    def halted(self) -> float | None:
        return self.registry.get_sample_value("edgeloop_halted_dead_letters", {"topic": TOPIC.name, "partition": "0"})


def test_a_run_counts_over_transactions_and_within_the_open_one() -> None:
    bench = Bench(Limit(run=3))
    bench.guard.committed(PLACE, TOPIC, [True])
    assert bench.refused([True]) is None
    assert bench.refused([True, True]) is not None
    assert bench.refused([True, False, True, True]) is None


def test_a_share_counts_once_the_window_is_full() -> None:
    bench = Bench(Limit(share=0.5, window=10))
    bench.guard.committed(PLACE, TOPIC, [True] * 9)
    assert bench.refused() is None, "nine records tell little"
    bench.guard.committed(PLACE, TOPIC, [False] * 8)
    assert bench.refused() is None
    bench.guard.committed(PLACE, TOPIC, [True] * 5)
    assert bench.refused() is not None, "five of the last ten"


def test_the_window_forgets_what_is_older() -> None:
    tally = Tally(Limit(share=0.5, window=4))
    tally.add([True] * 4)
    tally.add([False] * 3)
    assert (tally.dead, len(tally.outcomes)) == (1, 4)
    assert not tally.exceeded([])


def test_a_halt_shows_once_waits_five_seconds_and_ends_with_a_handled_record() -> None:
    bench = Bench(Limit(run=1))
    bench.guard.committed(PLACE, TOPIC, [True])
    error = bench.refused()
    assert error is not None
    assert bench.halted == 1
    assert not error.ready()
    bench.now = 5.0
    assert error.ready()
    bench.guard.committed(PLACE, TOPIC, [False])
    assert bench.halted is None
    assert bench.refused() is None


def test_topics_that_devices_and_outsiders_write_have_no_limit_by_default() -> None:
    limits = Limits.of(KafkaSettings(extra={}))
    assert limits.for_topic(topics.OBSERVATIONS) == Limit(100, 0.5, 1_000)
    for topic in (topics.OBSERVATIONS_RAW, topics.LABELS_RAW, topics.FLEET_REPORTED, topics.MODEL_COMMANDS):
        assert not limits.for_topic(topic)
    closed = Limits.of(KafkaSettings(extra={}, dead_letter_outside_share=0.9))
    assert closed.for_topic(topics.LABELS_RAW) == Limit(0, 0.9, 10_000)


def test_a_topic_without_limit_costs_nothing() -> None:
    bench = Bench(Limit(run=1))
    assert not bench.guard.watches(topics.LABELS_RAW)
    bench.guard.check(topics.LABELS_RAW, 0, 1, "NOT_AVRO", [True] * 100)


def test_settings_beyond_their_bounds_are_refused() -> None:
    with pytest.raises(ValueError, match="dead_letter_share"):
        KafkaSettings(extra={}, dead_letter_share=1.5)
