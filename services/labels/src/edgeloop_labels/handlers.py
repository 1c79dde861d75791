"""The task of the label join: observations and labels in, examples out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from edgeloop_contracts import Cause, DeviceKey, JoinState, Label, LabelContradicted, LabelledRows, ObservationBatch, WaitingLabel, topics
from edgeloop_contracts.plausibility import ragged
from edgeloop_kafka import Received
from edgeloop_streaming import BackpressureError, Effect, InvalidEventError, Send, State

from edgeloop_labels.core.blocks import ROWS, block_of, blocks_of, count_of, label_of, with_label
from edgeloop_labels.core.dead_letters import no_observation
from edgeloop_labels.core.early_labels import WaitingLabels, waiting_key
from edgeloop_labels.core.examples import Pair, example_batch, grouped
from edgeloop_labels.core.pending_batch import Pending
from edgeloop_labels.core.rules import Rules
from edgeloop_labels.io.cache import PendingCache
from edgeloop_labels.io.cache_recovery import Reader, Rebuild
from edgeloop_labels.metrics import Metrics
from edgeloop_labels.spec import SPEC

MOST_ROWS = topics.OBSERVATIONS.max_bytes // 4  # a row has at least one value of four bytes


class LabelsTask:
    """The label join of one partition.

    Parameters
    ----------
    partition, state
        The partition and its state: joined labels, waiting labels, and the position in ``observations``.
    cache, reader
        Pending observations, and the reader that restores them.
    rules, metrics
        Bounds of the join, and its counters.
    """

    def __init__(self, partition: int, state: State, cache: PendingCache, reader: Reader, rules: Rules, metrics: Metrics) -> None:
        self._partition = partition
        self._state = state
        self._cache = cache
        self._rules = rules
        self._metrics = metrics
        self._now = state.now
        self._place = state.get(JoinState, "") or JoinState()
        self._rebuild = Rebuild(cache, reader, partition, self._place)
        self._rebuilt = False
        self._waiting = WaitingLabels(label for _, label in state.items(WaitingLabel))
        self._pairs: list[Pair] = []

    def handle(self, received: Received[Any]) -> Iterable[Effect]:
        """Join the record with its counterpart; :meth:`flush` sends the examples."""
        if not self._ready():
            raise BackpressureError(self._ready)
        match received.event:
            case ObservationBatch():
                effects = self._observed(received, received.event)
            case Label():
                effects = self._labelled(received, received.event)
            case other:
                raise InvalidEventError("WRONG_TYPE", f"expected an observation or a label, given {type(other).__name__}")
        self._now = max(self._now, received.timestamp)
        return effects

    def flush(self) -> Iterable[Send]:
        """Write the cache, expire what is too old, and put the completed pairs into batches."""
        self._cache.write()
        self._expire()
        sends = [*self._give_up(), *self._examples()]
        head = self._cache.head()
        self._place = replace(self._place, low_water=head.offset if head else self._place.position)
        self._state.put("", self._place)
        self._metrics.pending.labels(self._partition).set(self._cache.size)
        self._metrics.waiting.labels(self._partition).set(len(self._waiting))
        return sends

    def _ready(self) -> bool:
        if not self._rebuilt and self._rebuild.step():
            self._rebuilt = True
            self._metrics.rebuilt.inc(self._rebuild.records)
            self._metrics.lost.inc(self._rebuild.lost)
        return self._rebuilt

    def _observed(self, received: Received[Any], batch: ObservationBatch) -> list[Effect]:
        if not 1 <= batch.count <= MOST_ROWS:
            raise InvalidEventError("INVALID_SHAPE", f"count: expected 1 to {MOST_ROWS}, given {batch.count}")
        if why := ragged(batch):
            raise InvalidEventError("INVALID_SHAPE", why)
        pending = Pending(received.offset, received.timestamp, received.id, batch)
        self._place = replace(self._place, position=max(self._place.position, received.offset + 1))
        if not self._cache.add(pending):
            self._metrics.rows.labels("repeated").inc(batch.count)
            return []
        if self._place.last_offset is None or received.offset >= self._place.last_offset:  # redriven records come late
            self._place = replace(self._place, last_offset=received.offset, last_id=received.id)
        self._metrics.rows.labels("pending").inc(batch.count)
        effects: list[Effect] = []
        if self._waiting.any_for(pending.key):
            for row in range(batch.count):
                request_id = batch.request_ids[row] if batch.request_ids else ""
                for label in self._waiting.matching(pending.key, batch.boot_epoch, batch.first_seq + row, request_id):
                    self._waiting.remove(label)
                    self._state.delete(WaitingLabel, waiting_key(label))
                    effects += self._join(pending, row, label.label, received.cause)
        return effects

    def _labelled(self, received: Received[Any], label: Label) -> list[Effect]:
        if not label.label or (label.seq < 0 and not label.request_id):
            raise InvalidEventError("INVALID_LABEL", "expected a class, and a seq of 0 or more or a request_id")
        device = DeviceKey.of(label)
        if label.seq < 0:
            found = self._cache.find_request(device, label.boot_epoch, label.request_id)
        else:
            pending = self._cache.find(device, label.boot_epoch, label.seq)
            found = (pending, label.seq - pending.batch.first_seq) if pending else None
        return self._join(*found, label.label, received.cause) if found else self._wait(received, label)

    def _join(self, pending: Pending, row: int, label: str, cause: Cause) -> list[Effect]:
        """Give a row its label. A repeated label changes nothing; another one corrects it."""
        batch = pending.batch
        seq = batch.first_seq + row
        key = f"{pending.key}/{batch.boot_epoch}/{block_of(seq)}"
        block = self._state.get(LabelledRows, key)
        previous = label_of(block, seq)
        if previous == label:
            self._metrics.labels.labels("repeated").inc()
            return []
        self._state.put(key, with_label(block, seq, label))
        self._pairs.append(Pair(pending, row, label, cause, corrects=bool(previous)))
        if not previous:
            self._metrics.joined.inc()
            return []
        return self._contradicted(batch, seq, previous, label, cause)

    def _wait(self, received: Received[Any], label: Label) -> list[Effect]:
        key = waiting_key(label)
        before = self._waiting.get(key)
        if before and before.label == label.label:
            self._metrics.labels.labels("repeated").inc()
            return []
        self._metrics.labels.labels("waiting").inc()
        waiting = WaitingLabel(
            **{field: getattr(label, field) for field in ("tenant", "stream", "device_id", "boot_epoch", "seq", "request_id", "label")},
            since=max(self._now, received.timestamp),
            offset=received.offset,
            timestamp=received.timestamp,
            id=received.id,
            correlation=received.correlation,
            key=received.key,
            value=received.raw,
            headers=received.headers,
        )
        self._waiting.put(waiting)
        self._state.put(key, waiting)
        return self._contradicted(label, label.seq, before.label, label.label, received.cause) if before else []

    def _contradicted(self, named: ObservationBatch | Label, seq: int, previous: str, label: str, cause: Cause) -> list[Effect]:
        self._metrics.labels.labels("contradicted").inc()
        event = LabelContradicted(
            tenant=named.tenant,
            stream=named.stream,
            device_id=named.device_id,
            boot_epoch=named.boot_epoch,
            seq=seq,
            previous=previous,
            label=label,
        )
        return [Send(topics.LABEL_CONTRADICTIONS, DeviceKey.of(named), event, cause)]

    def _examples(self) -> Iterator[Send]:
        for run in grouped(self._pairs):
            key = run[0].pending.key
            stream = key.stream_key
            counted = self._state.get(JoinState, stream) or JoinState()
            self._state.put(stream, replace(counted, examples=counted.examples + len(run)))
            yield Send(topics.EXAMPLES, key, example_batch(run, counted.examples), run[-1].cause)
        self._pairs.clear()

    def _expire(self) -> None:
        for old in self._cache.expire(self._now - self._rules.horizon_ms, self._rules.horizon_bytes):
            batch = old.batch
            labelled = 0
            for number in blocks_of(batch.first_seq, old.end_seq):
                first, end = number * ROWS, (number + 1) * ROWS
                key = f"{old.key}/{batch.boot_epoch}/{number}"
                block = self._state.get(LabelledRows, key)
                labelled += count_of(block, max(batch.first_seq - first, 0), min(old.end_seq - first, ROWS))
                if block and not self._cache.holds_any(old.key, batch.boot_epoch, first, end):
                    self._state.delete(LabelledRows, key)
            self._metrics.rows.labels("unlabelled").inc(batch.count - labelled)

    def _give_up(self) -> Iterator[Send]:
        for label in self._waiting.overdue(self._now - self._rules.patience_ms):
            self._state.delete(WaitingLabel, waiting_key(label))
            device = DeviceKey.of(label)
            expired = 0 <= label.seq < self._cache.end_seq(device, label.boot_epoch)
            self._metrics.labels.labels("expired" if expired else "no_observation").inc()
            letter = no_observation(label, self._partition, self._rules.patience_ms, expired=expired)
            at = f"{topics.LABELS.name}/{self._partition}/{label.offset}"
            cause = Cause(id=label.id, correlation=label.correlation, at=at)
            yield Send(topics.dead_letters(SPEC.name), label.key, letter, cause, self._partition)
