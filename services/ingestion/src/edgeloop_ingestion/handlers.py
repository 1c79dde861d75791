"""Raw record in, checked events out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from edgeloop_admission import Inadmissible, Rules, Verdict, admitted, check_shape, device_key, judge
from edgeloop_contracts import Cause, Label, ObservationBatch, ObservationRow, SeenRows, Topic, topics
from edgeloop_streaming import Effect, Forward, InvalidEvent, Received, Reject, Send, State, partition_of

from edgeloop_ingestion.core.batches import cut, of_columns, of_row, runs_of
from edgeloop_ingestion.core.columns import Columns, NotPlainError, read_rows
from edgeloop_ingestion.core.epochs import Epochs
from edgeloop_ingestion.core.intervals import SeenRuns
from edgeloop_ingestion.core.merging import OpenRuns
from edgeloop_ingestion.metrics import Metrics

RAW: tuple[Topic, ...] = (topics.OBSERVATIONS_RAW, topics.OBSERVATION_ROWS_RAW, topics.LABELS_RAW)
_RAW_BY_NAME = {topic.name: topic for topic in RAW}
# A fleet sends again and again under the same keys, and hashing one takes as long as checking a label.
_home = lru_cache(maxsize=65_536)(partition_of)


class IngestionTask:
    """Ingestion of one partition of the raw topics.

    Parameters
    ----------
    partition, partitions
        This partition and how many there are.
    state
        Seen rows, keyed ``tenant/stream/device/epoch``.
    rules_of
        Rules of a stream by ``tenant/stream``; ``None`` for an unknown one.
    metrics
        What to count into.
    """

    bulk = (topics.OBSERVATION_ROWS_RAW.name, ObservationRow)

    def __init__(self, partition: int, partitions: int, state: State, rules_of: Callable[[str], Rules | None], metrics: Metrics) -> None:
        self._partition = partition
        self._partitions = partitions
        self._state = state
        self._rules_of = rules_of
        self._metrics = metrics
        self._devices: dict[str, Epochs] = {}
        for _, seen in state.items(SeenRows):
            epochs = self._devices.setdefault(device_key(seen), Epochs())
            epochs.runs[seen.boot_epoch] = SeenRuns(seen.starts, seen.ends)
        self._changed: dict[tuple[str, int], None] = {}  # a set that keeps its order
        self._unknown: set[str] = set()
        self._open = OpenRuns()

    def handle(self, received: Received[Any]) -> Iterable[Effect]:
        """Forward what is misplaced, refuse what is invalid, drop what was seen, and let the rest in."""
        event = received.event
        try:
            key = device_key(event)
            home = _home(key, self._partitions)
            if home != self._partition:
                self._metrics.forwarded.inc()
                return [Forward(_RAW_BY_NAME[received.topic], key, home)]
            rules = self._known(f"{event.tenant}/{event.stream}")
            match event:
                case ObservationBatch():
                    return self._batch(key, event, rules, received)
                case ObservationRow():
                    return self._row(key, event, rules, received)
                case Label():
                    label = admitted(event, rules.definition)
                    self._metrics.labels_accepted.inc()
                    return [Send(topics.LABELS, key, label)]
                case _:
                    raise Inadmissible("WRONG_TYPE", f"expected a raw event, given {type(event).__name__}")
        except Inadmissible as error:
            self._count_refused(event)
            raise InvalidEvent(error.reason, error.message) from error

    def handle_all(self, bodies: Sequence[bytes], cause_of: Callable[[int], Cause]) -> list[Send] | None:
        """Take neighbouring records of ``observations.rows.raw`` at once, with the same outcome as one after another.

        Parameters
        ----------
        bodies
            Their Avro bodies, in the schema of this code.
        cause_of
            The record at a place of ``bodies`` as a cause.

        Returns
        -------
        list of Send or None
            ``None`` when one of them needs a look of its own, because it is damaged, misplaced or invalid; nothing has changed then.
        """
        try:
            devices = [(device_key(columns), columns) for columns in read_rows(bodies)]
            if len({key for key, _ in devices}) < len(devices):  # two epochs of one device: the later may drive an older one out
                return None
            offered = [batch for key, columns in devices for batch in self._offered(key, columns)]
        except (NotPlainError, Inadmissible):
            return None
        if any(verdict.complaint for _, verdict, _, _ in offered):
            return None
        taken: list[tuple[int, int, str, ObservationBatch]] = []
        for key, verdict, batch, places in offered:
            for part in self._admit(key, verdict, batch)[0]:
                at = part.first_seq - batch.first_seq
                taken.append((places[at], places[at + part.count - 1], key, part))
        sends: list[Send] = []
        for _, last, key, part in sorted(taken, key=lambda one: one[0]):  # as they came: a batch may begin with rows that were seen before
            sends += [Send(topics.OBSERVATIONS, key, *ended) for ended in self._open.add(key, part, cause_of(last))]
        return sends

    def flush(self) -> Iterable[Send]:
        """End the open runs of single rows and write down what was seen."""
        for key, epoch in self._changed:
            tenant, stream, device_id = key.split("/")
            runs = self._devices[key].runs[epoch]
            seen = SeenRows(
                tenant=tenant,
                stream=stream,
                device_id=device_id,
                boot_epoch=epoch,
                starts=tuple(runs.starts),
                ends=tuple(runs.ends),
            )
            self._state.put(f"{key}/{epoch}", seen)
        self._changed.clear()
        self._unknown.clear()
        return [Send(topics.OBSERVATIONS, device_key(batch), batch, cause) for batch, cause in self._open.close_all()]

    def _known(self, stream: str) -> Rules:
        # A refresh asks the broker: once per unknown stream and transaction is enough.
        rules = None if stream in self._unknown else self._rules_of(stream)
        if rules is None:
            self._unknown.add(stream)
            raise Inadmissible("UNKNOWN_STREAM", f"stream: expected one with a definition in 'streams', given {stream!r}")
        return rules

    def _batch(self, key: str, batch: ObservationBatch, rules: Rules, received: Received[Any]) -> list[Effect]:
        check_shape(batch, len(rules.definition.features))
        parts, complaint = self._admit(key, judge(batch, rules), batch)
        # Rows of the same device that wait for more go first, so that the device's order stays.
        effects: list[Effect] = [Send(topics.OBSERVATIONS, key, open_, cause) for open_, cause in self._open.close(key)]
        effects += [Send(topics.OBSERVATIONS, key, part, received.cause) for part in parts]
        return effects + complaint

    def _row(self, key: str, row: ObservationRow, rules: Rules, received: Received[Any]) -> list[Effect]:
        width = len(rules.definition.features)
        if len(row.features) != width:
            raise Inadmissible("INVALID_SHAPE", f"features: expected {width} values, given {len(row.features)}")
        batch = of_row(row)
        check_shape(batch, width)
        parts, complaint = self._admit(key, judge(batch, rules), batch)
        ended = [pair for part in parts for pair in self._open.add(key, part, received.cause)]
        return [*(Send(topics.OBSERVATIONS, key, batch, cause) for batch, cause in ended), *complaint]

    def _offered(self, key: str, columns: Columns) -> Iterator[tuple[str, Verdict, ObservationBatch, list[int]]]:
        """Rows of a device as batches with their verdicts, nothing taken in yet; raises what its single rows would raise."""
        if _home(key, self._partitions) != self._partition:
            raise NotPlainError("misplaced")
        rules = self._known(f"{columns.tenant}/{columns.stream}")
        (self._devices.get(key) or Epochs()).of(columns.boot_epoch)
        for batch, places in of_columns(columns):
            check_shape(batch, len(rules.definition.features))
            yield key, judge(batch, rules), batch, places

    def _admit(self, key: str, verdict: Verdict, batch: ObservationBatch) -> tuple[list[ObservationBatch], list[Effect]]:
        """Unseen valid rows of a well-shaped batch, taken in; and the complaint about the bad ones."""
        epochs = self._devices.get(key) or Epochs()
        runs = epochs.of(batch.boot_epoch)
        first = batch.first_seq
        gaps = [(a - first, b - first) for a, b in runs.unseen(first, first + batch.count)]
        taken = list(runs_of(verdict.valid, gaps)) if verdict.complaint else gaps
        parts = [part for a, b in taken for part in cut(verdict.batch, a, b)]

        accepted = sum(b - a for a, b in taken)
        refused = batch.count - int(verdict.valid.sum()) if verdict.complaint else 0
        duplicate = batch.count - accepted - refused
        self._metrics.count_rows(accepted=accepted, duplicate=duplicate, refused=refused, masked=verdict.masked)
        if taken:
            for a, b in taken:
                self._metrics.given_up.inc(runs.add(first + a, first + b))
            self._devices.setdefault(key, epochs)
            self._changed[key, batch.boot_epoch] = None
            for old in epochs.keep(batch.boot_epoch, runs):
                self._changed.pop((key, old), None)
                self._state.delete(SeenRows, f"{key}/{old}")
        return parts, [Reject(verdict.complaint.reason, verdict.complaint.message)] if verdict.complaint else []

    def _count_refused(self, event: object) -> None:
        match event:
            case ObservationBatch():
                self._metrics.count_rows(refused=max(0, event.count))
            case ObservationRow():
                self._metrics.count_rows(refused=1)
            case _:
                self._metrics.labels_refused.inc()
