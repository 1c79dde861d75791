"""SIGKILL in mid-stream, to every service more than once and to the broker: nothing lost, nothing twice, in order, whole."""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from edgeloop_contracts import Feature, Label, ObservationBatch, StreamDefinition, Topic, topics
from edgeloop_local import Supervisor
from edgeloop_streaming import Context
from faults.scene import DEVICES, TOY, Feed, Item, Kind, forwarded, kill, numbered, prepared, spec, watching
from support.checker import Checker, Findings, Row, check_rows, rows_of

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]
EVENTS = 20_000
KILLS = 2
RECOVERY_S = 15.0


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Services, what they are fed, and how what they make of it is judged."""

    kinds: tuple[Kind, ...]
    items: Callable[[], Iterator[Item]]
    judge: Callable[[Checker, list[Item]], Findings]
    before: tuple[Item, ...] = ()
    more: tuple[Topic, ...] = ()


def labelled() -> Iterator[Item]:
    """An observation, then its label, for some devices in turn."""
    for n in itertools.count():
        device, seq = f"d{n % DEVICES}", n // DEVICES
        key = f"default/pumps/{device}"
        answer = "a" if n % 5 else "b"
        batch = ObservationBatch(
            stream="pumps", device_id=device, boot_epoch=1, first_seq=seq, count=1, features=bytes(8), model_version=1, answers=(answer,)
        )
        yield topics.OBSERVATIONS_RAW, key, batch
        yield topics.LABELS_RAW, key, Label(stream="pumps", device_id=device, boot_epoch=1, seq=seq, label="a")


def joined(checker: Checker, items: list[Item]) -> Findings:
    """Judge ingestion, labels and detection by what each handed to the next."""
    found = Findings()
    observed: list[Row] = [(e.device_id, e.boot_epoch, e.first_seq) for _, _, e in items if isinstance(e, ObservationBatch)]
    labels: list[Row] = [(e.device_id, e.boot_epoch, e.seq) for _, _, e in items if isinstance(e, Label)]
    seen = set(observed)
    made = {
        topic: checker.read(topic, kind)
        for topic, kind in (
            ("observations", "ObservationBatch"),
            ("labels", "Label"),
            ("examples", "ExampleBatch"),
            ("drift.partials", "DriftPartial"),
        )
    }
    for topic, sent in (("observations", observed), ("labels", labels), ("examples", [row for row in labels if row in seen])):
        check_rows(topic, sent, rows_of(made[topic]), found)
    # Each example is folded once, in the order of its partition; its number there stands for it.
    examples = [(f"p{s.partition}", 0, s.value["first_index"] + n) for s in made["examples"] for n in range(len(s.value["seqs"]))]
    errors = [s.value for s in made["drift.partials"] if s.value["kind"] == "ERRORS"]
    check_rows("partials", examples, [(f"p{v['partition']}", 0, v["first_index"] + n) for v in errors for n in range(v["count"])], found)
    for kind in REAL.kinds:
        ranges = checker.chain(kind.service, [topic.name for topic in kind.inputs], found)
        checker.causes((one for topic in kind.outputs for one in made.get(topic.name, ())), ranges, found)
    return found


DEFINITION = StreamDefinition(stream="pumps", version=1, features=(Feature(name="x"), Feature(name="y")), classes=("a", "b"))
REAL = Pipeline(
    (
        Kind(
            "ingestion",
            "edgeloop_ingestion",
            (topics.OBSERVATIONS_RAW, topics.OBSERVATION_ROWS_RAW, topics.LABELS_RAW),
            (topics.OBSERVATIONS, topics.LABELS),
        ),
        Kind("labels", "edgeloop_labels", (topics.OBSERVATIONS, topics.LABELS), (topics.EXAMPLES, topics.LABEL_CONTRADICTIONS)),
        Kind(
            "drift",
            "edgeloop_drift",
            (topics.OBSERVATIONS, topics.EXAMPLES, topics.DRIFT_PARTIALS),
            (topics.DRIFT_PARTIALS, topics.DRIFT_SIGNALS),
        ),
    ),
    labelled,
    joined,
    before=((topics.STREAMS, "default/pumps", DEFINITION),),
    more=(topics.STREAMS,),
)
PIPELINES = {"toy": Pipeline((TOY,), numbered, forwarded), "real": REAL}


def told(times: Iterable[tuple[str, float]]) -> str:
    return ", ".join(f"{name} {seconds:.1f} s" for name, seconds in times)


@pytest.mark.parametrize("name", PIPELINES)
def test_what_is_killed_in_mid_stream_loses_and_repeats_nothing(name, own, stack, tmp_path: Path) -> None:
    pipeline = PIPELINES[name]
    settings = prepared(own, pipeline.kinds, pipeline.more)
    context = Context(settings, "test")
    publisher = context.publisher()
    for topic, key, event in pipeline.before:
        publisher.publish(topic, key, event)
    assert publisher.flush(30) == 0
    full = {kind.service: settings.topic_prefix + kind.outputs[0].name for kind in pipeline.kinds}
    feed = Feed(context, itertools.islice(pipeline.items(), EVENTS), rate=200)
    feed.hold = EVENTS * 3 // 4
    recovered: list[tuple[str, float]] = []
    env = {"EDGELOOP_LABELS_DATA_DIR": str(tmp_path / "labels")}
    with (
        watching(own.bootstrap, list(full.values())) as watcher,
        Supervisor([spec(kind, settings, tmp_path, **env) for kind in pipeline.kinds]) as services,
    ):
        feed.start()
        for out in full.values():
            watcher.wait(out, lambda n: n > 50, 120)
        for turn in range(KILLS):
            for service, out in full.items():
                recovered.append((service, watcher.first_after(out, kill(services, service), 180)))
            if turn == 0:
                os.kill(stack.kafka.child.pid, signal.SIGKILL)
                time.sleep(1)
                stack.restart(stack.kafka)
                back = time.time()
                recovered += [(f"{service} after the broker", watcher.first_after(out, back, 180)) for service, out in full.items()]
        assert len(feed.sent) < EVENTS, "the last kill was not in mid-stream"
        feed.rate, feed.hold = 4_000, EVENTS
        feed.finish()
        watcher.settled(quiet_s=6, timeout=180)
    print(f"{name}: recovered in {told(recovered)}; load {os.getloadavg()[0]:.0f}")
    found = pipeline.judge(Checker(own.bootstrap, settings.topic_prefix), feed.sent)
    assert found.wrong == 0, str(found)
    assert max(seconds for _, seconds in recovered) <= RECOVERY_S, told(recovered)
