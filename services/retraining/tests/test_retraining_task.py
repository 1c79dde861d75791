from dataclasses import dataclass

from edgeloop_contracts import (
    DetectionProgress,
    DriftPartial,
    DriftSignal,
    Event,
    PartialKind,
    RetrainingPolicy,
    RowPage,
    RunStatus,
    SignalKind,
    StartTraining,
    Topic,
    TrainingRequest,
    TrainingRun,
    topics,
)
from edgeloop_contracts import Policy as Given
from edgeloop_retraining.core.policy import Policy, apply_policy
from edgeloop_retraining.handlers import RetrainingTask
from edgeloop_retraining.metrics import Metrics
from edgeloop_streaming import Send, State
from edgeloop_streaming.testing import MemoryBroker, TaskDriver
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

KEY = "default/pumps"
POLICY = Policy(stages=(20, 60), quiet=(150,), window=100, budget=0)


def driver(policy: Policy = POLICY, broker: MemoryBroker | None = None) -> TaskDriver:
    """A task whose policies lie on ``broker``."""
    policies, metrics = broker or MemoryBroker(), Metrics(CollectorRegistry())

    def task(partition: int, state: State) -> RetrainingTask:
        return RetrainingTask(partition, state, policies.policies(policy, apply_policy), "cluster", metrics)

    return TaskDriver("retraining", task)


def partials(sizes: list[tuple[int, int]], version: int = 1) -> list[DriftPartial]:
    """Partials of (partition, rows), as detection's first level makes them."""
    index, offset, done = [0] * 4, [0] * 4, []
    for partition, count in sizes:
        done.append(
            DriftPartial(tenant="default", device_id="",
                stream="pumps", model_version=version, partition=partition, offset=offset[partition],
                first_index=index[partition], count=count, errors=bytes(count),
            )
        )  # fmt: skip
        index[partition] += count
        offset[partition] += 1
    return done


def signal(row: int, *, rising: bool = True, kind: SignalKind = SignalKind.ERROR_RATE) -> DriftSignal:
    return DriftSignal(tenant="default", stream="pumps", signal_id=f"s{row}", kind=kind, row=row, rising=rising)


def progress(row: int) -> DetectionProgress:
    return DetectionProgress(tenant="default", stream="pumps", row=row)


def requests(sent: list[Send]) -> list[TrainingRequest]:
    return [send.event for send in sent if isinstance(send.event, TrainingRequest)]


def rows_of(request: TrainingRequest) -> set[tuple[int, int]]:
    return {(r.partition, i) for r in request.manifest.ranges for i in range(r.first_index, r.end_index)}


def test_a_window_is_exact_to_the_row_within_batches() -> None:
    d = driver()
    for partial in partials([(0, 7), (1, 7), (0, 7), (1, 7), (0, 7)]):
        d.send(topics.DRIFT_PARTIALS, partial, KEY)
    d.send(topics.DRIFT_SIGNALS, signal(10), KEY, offset=41)
    (send,) = d.send(topics.DRIFT_SIGNALS, progress(35), KEY)
    request = send.event
    assert rows_of(request) == {(1, i) for i in range(3, 7)} | {(0, i) for i in range(7, 14)} | {(1, i) for i in range(7, 14)} | {
        (0, 14),
        (0, 15),
    }
    assert [(r.partition, r.first_offset, r.end_offset) for r in request.manifest.ranges] == [(0, 1, 3), (1, 0, 2)]
    assert (request.manifest.rows, request.manifest.topic, request.manifest.cluster_id, request.row) == (20, "examples", "cluster", 30)
    assert (request.request_id, request.campaign, request.stage, request.gate_until) == ("s10/0", "s10", 0, 70)


def test_a_request_names_the_signal_as_its_cause_also_when_rows_completed_it() -> None:
    d = driver()
    d.send(topics.DRIFT_SIGNALS, signal(10), KEY, offset=41)
    d.send(topics.DRIFT_SIGNALS, progress(35), KEY)
    (send,) = [s for partial in partials([(0, 15), (1, 20)]) for s in d.send(topics.DRIFT_PARTIALS, partial, KEY)]
    assert send.cause == send.event.cause
    assert send.cause.at == "drift.signals/0/41"
    assert send.key == KEY


def test_only_a_rising_error_asks_for_retraining() -> None:
    d = driver()
    for partial in partials([(0, 50), (0, 50)]):
        d.send(topics.DRIFT_PARTIALS, partial, KEY)
    d.send(topics.DRIFT_SIGNALS, signal(10, rising=False), KEY)
    d.send(topics.DRIFT_SIGNALS, signal(11, kind=SignalKind.INPUT), KEY)
    assert d.send(topics.DRIFT_SIGNALS, progress(100), KEY) == []


def test_blocks_of_features_are_no_labelled_rows() -> None:
    d = driver()
    assert (
        d.send(
            topics.DRIFT_PARTIALS,
            DriftPartial(tenant="default", device_id="", stream="pumps", kind=PartialKind.FEATURES, count=50, sums=(1.0,)),
            KEY,
        )
        == []
    )
    assert list(d.stored) == ["Checkpoint/"]


def test_every_record_applied_twice_gives_every_request_once() -> None:
    d = driver()
    records: list[tuple[Topic, Event]] = [
        (topics.RETRAINING_COMMANDS, StartTraining(tenant="default", stream="pumps", command_id="c", rows=5))
    ]
    records += [(topics.DRIFT_PARTIALS, partial) for partial in partials([(0, 7), (1, 7)] * 10)]
    records += [(topics.DRIFT_SIGNALS, signal(10)), (topics.DRIFT_SIGNALS, progress(140)), (topics.TRAINING_RUNS, rejected("c"))]
    for topic, event in records:
        d.send(topic, event, KEY)
        assert d.repeat() == []
    assert [r.request_id for r in requests(d.sent)] == ["c/0", "s10/0", "s10/1"]


def rejected(campaign: str) -> TrainingRun:
    return TrainingRun(tenant="default", stream="pumps", request_id=f"{campaign}/0", campaign=campaign, status=RunStatus.REJECTED)


def test_a_first_fit_that_was_rejected_is_asked_for_again_with_the_run_as_its_cause() -> None:
    d = driver()
    d.send(topics.RETRAINING_COMMANDS, StartTraining(tenant="default", stream="pumps", command_id="c", rows=20), KEY)
    d.send(topics.DRIFT_SIGNALS, progress(100), KEY)
    first, second = partials([(0, 30), (0, 30)], version=0)
    assert [r.request_id for r in requests(d.send(topics.DRIFT_PARTIALS, first, KEY))] == ["c/0"]
    d.send(topics.TRAINING_RUNS, rejected("c"), KEY, offset=5)
    (send,) = d.send(topics.DRIFT_PARTIALS, second, KEY)
    assert (send.event.request_id, send.event.row, send.cause.at) == ("c~2/0", 40, "training.runs/0/5")


def test_a_command_without_an_id_goes_to_the_dead_letters() -> None:
    d = driver()
    d.send(topics.RETRAINING_COMMANDS, StartTraining(tenant="default", stream="pumps", rows=5), KEY)
    d.send(topics.RETRAINING_COMMANDS, StartTraining(tenant="default", stream="pumps", command_id="x" * 500_000, rows=5), KEY)
    assert [letter.reason for letter in d.dead] == ["MALFORMED", "MALFORMED"]


def test_rows_that_no_window_can_reach_are_forgotten() -> None:
    d = driver(Policy(window=600))
    for n, partial in enumerate(partials([(n % 3, 10) for n in range(400)])):
        d.send(topics.DRIFT_PARTIALS, partial, KEY)
        d.send(topics.DRIFT_SIGNALS, progress(10 * n), KEY)
    pages = [page for page in d.stored.values() if isinstance(page, RowPage)]
    assert len(pages) <= 3
    assert sum(r.count for page in pages for r in page.references) <= 600 + 2 * 500
    d.send(topics.DRIFT_SIGNALS, signal(3995), KEY)
    d.restart()
    assert d.task._streams[("default", "pumps")].state.rows == 4000


def asked(broker: MemoryBroker, *, restarted: bool = False) -> list[tuple[int, int]]:
    """Stage and rows of what is asked for after an alarm at row 10 of 300; the alarm comes after 140 rows."""
    d = driver(broker=broker)
    every = partials([(0, 10)] * 30)
    for partial in every[:14]:
        d.send(topics.DRIFT_PARTIALS, partial, KEY)
    d.send(topics.DRIFT_SIGNALS, signal(130), KEY)
    if restarted:
        d.restart()
    for partial in every[14:]:
        d.send(topics.DRIFT_PARTIALS, partial, KEY)
    d.send(topics.DRIFT_SIGNALS, progress(300), KEY)
    return [(r.stage, r.manifest.rows) for r in requests(d.sent)]


def written(event: Event, key: str = KEY, broker: MemoryBroker | None = None) -> MemoryBroker:
    broker = broker or MemoryBroker()
    broker.publisher("a person").publish(topics.POLICIES, key, event)
    return broker


EARLY = Given(tenant="default", stream="pumps", version=1, retraining=RetrainingPolicy(stages=(5, 50), quiet=()))


def test_a_policy_of_the_stream_counts_before_one_of_all_streams_before_the_settings() -> None:
    assert asked(MemoryBroker()) == [(0, 20), (1, 60), (2, 100)]
    assert asked(written(EARLY)) == asked(written(EARLY), restarted=True) == [(0, 5), (1, 50)]
    everywhere = written(Given(tenant="default", stream="", retraining=RetrainingPolicy(stages=(30,), quiet=())), "default/")
    assert asked(everywhere) == [(0, 30)]
    assert asked(written(EARLY, broker=everywhere)) == [(0, 5), (1, 50)]
    assert asked(written(EARLY, "default/fans")) == [(0, 20), (1, 60), (2, 100)]
    assert asked(written(EARLY, "acme/pumps")) == [(0, 20), (1, 60), (2, 100)]


def test_a_policy_that_is_withdrawn_or_makes_no_sense_is_as_good_as_none() -> None:
    assert asked(written(Given(tenant="default", stream="pumps", version=2, withdrawn=True), broker=written(EARLY))) == asked(
        MemoryBroker()
    )
    assert asked(written(Given(tenant="default", stream="pumps", retraining=RetrainingPolicy(stages=(9, 3))))) == asked(MemoryBroker())


def test_a_policy_that_comes_in_mid_stream_counts_from_the_next_transaction() -> None:
    broker = MemoryBroker()
    d = driver(broker=broker)
    every = partials([(0, 10)] * 30)
    for partial in every:
        d.send(topics.DRIFT_PARTIALS, partial, KEY)
    d.send(topics.DRIFT_SIGNALS, signal(10), KEY)
    d.send(topics.DRIFT_SIGNALS, progress(40), KEY)
    # One fit has been asked for, and another would have been due at a row that is decided: neither comes again.
    written(
        Given(tenant="default", stream="pumps", retraining=RetrainingPolicy(stages=(5, 25, 70, 280), quiet=(), window=1_000)), broker=broker
    )
    d.restart()
    d.send(topics.DRIFT_SIGNALS, progress(300), KEY)
    assert [(r.stage, r.row, r.manifest.rows) for r in requests(d.sent)] == [(0, 30, 20), (2, 80, 70), (3, 290, 280)]


def test_a_larger_window_takes_what_is_still_known() -> None:
    broker = MemoryBroker()
    d = driver(Policy(stages=(20,), quiet=(), window=100), broker)
    for n, partial in enumerate(partials([(0, 10)] * 200)):
        d.send(topics.DRIFT_PARTIALS, partial, KEY)
        d.send(topics.DRIFT_SIGNALS, progress(10 * n), KEY)
    written(
        Given(tenant="default", stream="pumps", retraining=RetrainingPolicy(stages=(20,), quiet=(), window=5_000, back=5_000)),
        broker=broker,
    )
    d.send(topics.DRIFT_SIGNALS, signal(1_995), KEY)
    d.send(topics.DRIFT_SIGNALS, progress(1_998), KEY)
    (partial,) = partials([(0, 10)] * 203)[200:201]
    d.send(topics.DRIFT_PARTIALS, partial, KEY)
    d.send(topics.DRIFT_PARTIALS, partials([(0, 10)] * 203)[201], KEY)
    d.send(topics.DRIFT_SIGNALS, progress(2_020), KEY)
    (request,) = requests(d.sent)
    assert request.row == 2_015
    assert 115 <= request.manifest.rows < 2_015


@dataclass
class World:
    sizes: list[tuple[int, int]]
    alarms: list[int]


WORLDS = st.builds(
    World,
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 25)), min_size=10, max_size=40),
    st.lists(st.integers(1, 500), unique=True, max_size=5),
)


@settings(max_examples=60)
@given(WORLDS, st.data())
def test_requests_depend_neither_on_which_topic_is_quicker_nor_on_transactions_nor_on_restarts(world: World, data: st.DataObject) -> None:
    rows = [(topics.DRIFT_PARTIALS, partial) for partial in partials(world.sizes)]
    total = sum(count for _, count in world.sizes)
    alarms = sorted(row for row in world.alarms if row <= total)
    command = [(topics.RETRAINING_COMMANDS, StartTraining(tenant="default", stream="pumps", command_id="c", rows=30))]

    def signals(steps: list[int]) -> list[tuple[Topic, Event]]:
        done: list[tuple[Topic, Event]] = []
        for before, step in zip([0, *steps], steps, strict=False):
            done += [(topics.DRIFT_SIGNALS, signal(row)) for row in alarms if before < row <= step]
            done.append((topics.DRIFT_SIGNALS, progress(step)))
        return done

    # In step: detection follows at once, one record a transaction.
    plain = driver()
    steps = signals([*range(1, total), total])
    for topic, event in command + rows + steps:
        plain.send(topic, event, KEY)

    other = driver()
    other.send(*command[0], KEY)
    queues = [rows, signals(sorted({*data.draw(st.lists(st.integers(1, total), max_size=10)), total}))]
    while any(queues):
        batch = []
        for _ in range(data.draw(st.integers(1, 8))):
            queue = data.draw(st.sampled_from([queue for queue in queues if queue]))
            batch.append(other.receive(*queue.pop(0), KEY))
            if not any(queues):
                break
        other.transaction(batch)
        if data.draw(st.booleans()):
            other.restart()
    assert [(r.request_id, r.manifest, r.row, r.gate, r.gate_until) for r in requests(other.sent)] == [
        (r.request_id, r.manifest, r.row, r.gate, r.gate_until) for r in requests(plain.sent)
    ]
