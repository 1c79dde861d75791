from collections.abc import Callable
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from edgeloop_contracts import (
    DetectionPolicy,
    DetectionProgress,
    DetectorState,
    DriftPartial,
    DriftSignal,
    Event,
    ExampleBatch,
    ObservationBatch,
    PartialKind,
    Policy,
    RolloutPolicy,
    SignalKind,
    StreamDefinition,
    StreamTask,
    Topic,
    topics,
)
from edgeloop_contracts.events import Feature
from edgeloop_drift.core.policies import apply_policy
from edgeloop_drift.core.pooled_detectors import Rules
from edgeloop_drift.handlers import DriftTask
from edgeloop_drift.io.definitions import FeatureNames, Tolerances
from edgeloop_drift.metrics import Metrics
from edgeloop_drift.settings import Settings
from edgeloop_kafka import Received
from edgeloop_streaming import Send, State
from edgeloop_streaming.testing import MemoryBroker, TaskDriver
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry


def numbered(stream: str, number: int) -> str:
    return f"feature {number}"


def driver(partition: int = 0, broker: MemoryBroker | None = None, names: Callable[[str, int], str] = numbered) -> TaskDriver:
    """A task whose policies lie on ``broker``."""
    policies, metrics = broker or MemoryBroker(), Metrics(CollectorRegistry())

    def task(p: int, state: State) -> DriftTask:
        return DriftTask(p, state, policies.policies(Rules(), apply_policy), names, lambda _: 0.0, metrics)

    return TaskDriver("drift", task, partition)


def examples(n: int, count: int, stream: str = "pumps") -> ExampleBatch:
    draw = Random(n)
    answers = tuple("b" if draw.random() < (0.1 if n < 1500 else 0.5) else "a" for _ in range(count))
    seqs = tuple(range(n, n + count))
    return ExampleBatch(
        tenant="default",
        stream=stream,
        device_id="d",
        first_index=n,
        seqs=seqs,
        labels=("a",) * count,
        answers=answers,
        model_versions=(1,) * count,
    )


def observed(n: int, count: int) -> ObservationBatch:
    rows = np.random.default_rng(n).normal(size=(count, 3)).astype("<f4")
    if n >= 3000:
        rows[:, 1] += 2
    return ObservationBatch(
        tenant="default", stream="pumps", device_id="d", boot_epoch=1, first_seq=n, count=count, features=rows.tobytes()
    )


def records(stream: str = "pumps") -> list[tuple[Topic, Event]]:
    """What levels one and two see of 5,000 rows whose input and error rate change, in order."""
    level_one = driver()
    done: list[tuple[Topic, Event]] = []
    for n in range(0, 5000, 20):
        sent = level_one.send(topics.OBSERVATIONS, observed(n, 20)) + level_one.send(topics.EXAMPLES, examples(n, 20, stream))
        done += [(send.topic, send.event) for send in sent]
    return done


def signals(sent: list[Send]) -> list[DriftSignal]:
    return [send.event for send in sent if isinstance(send.event, DriftSignal)]


def test_the_tolerance_of_a_stream_is_looked_up_when_its_first_answered_row_comes() -> None:
    broker = MemoryBroker()
    tolerances = Tolerances(broker.table(topics.STREAMS))
    unanswered, answered = replace(examples(0, 1), model_versions=(0,)), examples(0, 1)
    assert tolerances.of(unanswered) == 0
    definition = StreamDefinition(tenant="default", stream="pumps", version=1, task=StreamTask.REGRESSION, tolerance=0.25)
    broker.publisher("registry").publish(topics.STREAMS, "default/pumps", definition)
    assert (tolerances.of(answered), tolerances.of(unanswered)) == (0.25, 0.25)


def test_batches_become_partials_keyed_by_stream() -> None:
    d = driver()
    (send,) = d.send(topics.EXAMPLES, examples(0, 20), "default/pumps/d")
    assert (send.topic, send.key, send.event.kind, send.event.count) == (topics.DRIFT_PARTIALS, "default/pumps", PartialKind.ERRORS, 20)
    assert d.send(topics.OBSERVATIONS, observed(0, 40)) == []
    (send,) = d.send(topics.OBSERVATIONS, observed(40, 40))
    assert (send.event.kind, send.event.count, send.event.first_index) == (PartialKind.FEATURES, 50, 0)


def test_answers_are_counted_once_by_device_and_version_for_streams_with_phases_alone_and_detection_is_the_same() -> None:
    broker = MemoryBroker()
    with_phases = Policy(tenant="default", stream="pumps", version=1, rollout=RolloutPolicy(phases=(0.1, 1.0)))
    broker.publisher("cli").publish(topics.POLICIES, "default/pumps", with_phases)
    plain, counting = driver(), driver(partition=2, broker=broker)
    both = replace(examples(0, 20), model_versions=(0,) + (1,) * 9 + (2,) * 10, answers=("a",) * 5 + ("b",) * 15)
    corrected = replace(examples(20, 20), corrects=True)
    for batch, stream in ((both, "pumps"), (corrected, "pumps"), (examples(0, 20, "fans"), "fans")):
        expected = plain.send(topics.EXAMPLES, batch, f"default/{stream}/d")
        sent = counting.send(topics.EXAMPLES, batch, f"default/{stream}/d")
        windows = [send for send in sent if send.topic is topics.ERROR_WINDOWS]
        others = [send.event for send in sent if send not in windows]
        assert [replace(e.event, partition=2) for e in expected] == others
        counts = [(one.device_id, one.model_version, one.rows, one.errors) for send in windows for one in send.event.counts]
        assert counts == ([("d", 1, 9, 5), ("d", 2, 10, 10)] if batch is both else [])
        assert all(send.key == "default/pumps" for send in windows)
    batches = [counting.receive(topics.EXAMPLES, examples(n, 20), "default/pumps/d") for n in (20, 40)]
    (window,) = [send.event for send in counting.transaction(batches) if send.topic is topics.ERROR_WINDOWS]
    assert [one.rows for one in window.counts] == [40]


def test_partials_become_signals_with_progress_after_them() -> None:
    d = driver(partition=3)
    for topic, event in records():
        sent = d.send(topic, event)
        assert all(send.topic == topics.DRIFT_SIGNALS and send.partition == 3 for send in sent)
        if event.kind == PartialKind.ERRORS:
            assert isinstance(sent[-1].event, DetectionProgress)
            assert sent[-1].key == "default/pumps"
    found = signals(d.sent)
    (error,) = [s for s in found if s.kind == SignalKind.ERROR_RATE and s.rising and s.row > 1500][:1]
    assert (error.detector, error.model_version, error.row <= 1700) == ("ADWIN(stream)", 1, True)
    (changed,) = [s for s in found if s.kind == SignalKind.INPUT]
    assert (changed.feature, changed.rising, changed.detector) == ("feature 1", True, "PageHinkley")
    assert [send.key for send in d.sent if isinstance(send.event, DriftSignal)] == [f"default/pumps/{s.signal_id}" for s in found]


@settings(max_examples=8)
@given(st.integers(0, 2**32))
def test_signals_and_state_do_not_depend_on_transactions_or_restarts(seed: int) -> None:
    draw = Random(seed)
    waiting = records()
    plain, other = driver(), driver()
    for topic, event in waiting:
        plain.send(topic, event)
    while waiting:
        count = draw.randint(1, 60)
        other.transaction([other.receive(topic, event) for topic, event in waiting[:count]])
        waiting = waiting[count:]
        if draw.random() < 0.5:
            other.restart()
    assert signals(other.sent) == signals(plain.sent)
    kept = {key: value for key, value in plain.stored.items() if isinstance(value, DetectorState)}
    assert len(kept) == 2
    assert {key: other.stored[key] for key in kept} == kept


def test_a_policy_in_mid_stream_starts_another_detector_and_keeps_the_count_of_rows() -> None:
    broker = MemoryBroker()
    d, plain = driver(broker=broker), driver()
    rows = [(topic, event) for topic, event in records() if event.kind == PartialKind.ERRORS]
    for topic, event in rows[:50]:
        d.send(topic, event)
        plain.send(topic, event)
    given = Policy(tenant="default", stream="pumps", version=1, detection=DetectionPolicy(detector="DDM"))
    broker.publisher("a person").publish(topics.POLICIES, "default/pumps", given)
    for number, (topic, event) in enumerate(rows[50:]):
        if number == 20:
            d.restart()
        d.send(topic, event)
        plain.send(topic, event)
    assert {s.detector for s in signals(plain.sent)} == {"ADWIN(stream)"}
    found = signals(d.sent)
    assert {s.detector for s in found} == {"DDM(stream)"}
    assert any(1500 < s.row <= 1800 for s in found if s.rising)
    assert [s.event.row for s in d.sent if isinstance(s.event, DetectionProgress)][-1] == 5000


def test_a_policy_about_other_things_changes_no_detector() -> None:
    broker = MemoryBroker()
    d, plain = driver(broker=broker), driver()
    for number, (topic, event) in enumerate(records()):
        if number == 100:
            given = Policy(tenant="default", stream="pumps", version=1, gate_minimum=9)
            broker.publisher("a person").publish(topics.POLICIES, "default/pumps", given)
        d.send(topic, event)
        plain.send(topic, event)
    assert signals(d.sent) == signals(plain.sent) != []


def test_every_record_applied_twice_gives_every_signal_once() -> None:
    once, twice = driver(), driver()
    for topic, event in records():
        once.send(topic, event)
        twice.send(topic, event)
        assert not signals(twice.repeat())
    assert signals(once.sent) == signals(twice.sent)
    level_one = driver()
    sent = [level_one.send(topics.OBSERVATIONS, observed(0, 60)), level_one.repeat()]
    assert [len(s) for s in sent] == [1, 0]


def test_a_streams_name_changes_nothing_but_the_ids() -> None:
    rows = []
    for stream in ("pumps", "another name"):
        d = driver()
        for topic, event in records(stream):
            if event.kind == PartialKind.ERRORS:
                d.send(topic, event)
        rows.append([(s.row, s.before, s.after) for s in signals(d.sent)])
    assert rows[0] == rows[1] != []


def test_labelled_rows_do_not_rewrite_the_input_detectors() -> None:
    d = driver()
    for topic, event in records()[:200]:
        d.send(topic, event)
    before = dict(d.stored)
    d.send(
        topics.DRIFT_PARTIALS,
        DriftPartial(tenant="default", device_id="", stream="pumps", first_index=5000, count=1, errors=b"\1", partition=0),
    )
    assert [key for key in d.stored if d.stored[key] is not before.get(key)] == ["DetectorState/errors/default/pumps", "Checkpoint/"]


@pytest.mark.parametrize(
    ("topic", "event"),
    [
        (
            topics.OBSERVATIONS,
            ObservationBatch(tenant="default", device_id="", boot_epoch=0, first_seq=-1, stream="pumps", count=3, features=b"12345"),
        ),
        (topics.EXAMPLES, ExampleBatch(tenant="default", device_id="", stream="pumps", seqs=(1,), labels=("a", "b"))),
        (topics.DRIFT_PARTIALS, DriftPartial(tenant="default", device_id="", stream="pumps", count=3, errors=b"\0")),
        (
            topics.DRIFT_PARTIALS,
            DriftPartial(tenant="default", device_id="", stream="pumps", kind=PartialKind.FEATURES, count=50, sums=(1.0,)),
        ),
    ],
)
def test_what_does_not_fit_together_goes_to_the_dead_letters(topic: Topic, event: Event) -> None:
    d = driver()
    assert d.send(topic, event) == []
    assert [letter.reason for letter in d.dead] == ["MALFORMED"]


class Definitions:
    def __init__(self, *names: str) -> None:
        self.definition = StreamDefinition(tenant="default", stream="pumps", features=tuple(Feature(name=name) for name in names))

    def refresh(self) -> None:
        pass

    def get(self, key: str) -> Received[StreamDefinition] | None:
        return Received(self.definition, "streams", 0, 0, 0, key, "", "") if key == "default/pumps" else None


def test_a_feature_has_the_name_of_its_definition_or_else_its_number() -> None:
    names = FeatureNames(Definitions("volts", "amps"))
    assert [names("default/pumps", 1), names("default/pumps", 2), names("default/fans", 0)] == ["amps", "2", "0"]


def test_a_feature_with_categories_gives_no_signal_as_the_mean_of_indexes_says_nothing() -> None:
    definitions = Definitions("heat", "site", "load")
    heat, site, load = definitions.definition.features
    definitions.definition = replace(definitions.definition, features=(heat, replace(site, categories=("north", "south")), load))
    names = FeatureNames(definitions)
    assert [names("default/pumps", number) for number in range(3)] == ["heat", "", "load"]
    d = driver(names=names)
    sent = [send for topic, event in records() if isinstance(event, DriftPartial) for send in d.send(topic, event)]
    assert not [signal for signal in signals(sent) if signal.kind is SignalKind.INPUT]


def test_settings_choose_detectors(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().rules == Rules()
    monkeypatch.setenv("EDGELOOP_DRIFT_DETECTOR", "DDM")
    monkeypatch.setenv("EDGELOOP_DRIFT_PARAMETERS", '{"warm_start": 50}')
    monkeypatch.setenv("EDGELOOP_DRIFT_SCOPES", "version, stream")
    rules = Settings().rules
    assert (rules.errors.name, rules.errors.make().warm_start, rules.scopes) == ("DDM", 50, ("version", "stream"))
    monkeypatch.setenv("EDGELOOP_DRIFT_SCOPES", "device")
    with pytest.raises(ValueError, match="scopes: expected some of stream, alone and version, given device"):
        Settings()
    monkeypatch.setenv("EDGELOOP_DRIFT_SCOPES", "stream")
    monkeypatch.setenv("EDGELOOP_DRIFT_DETECTOR", "Adwin")
    with pytest.raises(ValueError, match="ADWIN"):
        Settings()
