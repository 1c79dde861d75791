"""Batches in, partials out; partials in, signals out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from edgeloop_contracts import (
    BlockState,
    DetectionProgress,
    DetectorState,
    DeviceKey,
    DriftPartial,
    DriftSignal,
    ExampleBatch,
    ObservationBatch,
    PartialKind,
    StreamKey,
    topics,
)
from edgeloop_contracts.plausibility import impossible_partial
from edgeloop_kafka import Received
from edgeloop_readers import Policies
from edgeloop_streaming import InvalidEventError, Send, State

from edgeloop_drift.core import bits, blocks
from edgeloop_drift.core.error_counts import ErrorCounts
from edgeloop_drift.core.pooled_detectors import ErrorPool, InputPool, Rules
from edgeloop_drift.core.signals import error_signal, input_signal
from edgeloop_drift.metrics import Metrics


class DriftTask:
    """Detection in one partition: level one for its devices, level two for its streams.

    Parameters
    ----------
    partition, state
        Which partition, and the snapshots that it goes on from.
    policies
        Detectors and scopes, by stream.
    names
        Name of a feature, given ``tenant/stream`` and its number; empty for one that is not watched.
    tolerance_of
        Tolerance of a batch's labels; 0 for classes.
    metrics
        Of the process.
    """

    def __init__(
        self,
        partition: int,
        state: State,
        policies: Policies[Rules],
        names: Callable[[str, int], str],
        tolerance_of: Callable[[ExampleBatch], float],
        metrics: Metrics,
    ) -> None:
        self._partition = partition
        self._state = state
        self._policies = policies
        self._polled = False
        self._names = names
        self._tolerance_of = tolerance_of
        self._metrics = metrics
        self._counts = ErrorCounts()
        self._blocks: dict[str, BlockState] = {}
        self._errors: dict[tuple[str, str], ErrorPool] = {}
        self._inputs: dict[tuple[str, str], InputPool] = {}
        self._touched_errors: dict[tuple[str, str], None] = {}
        self._touched_inputs: dict[tuple[str, str], None] = {}

    def handle(self, received: Received[Any]) -> Iterable[Send]:
        """Sum up what a device sent, or fold a sum into its stream's detectors."""
        if not self._polled:
            self._policies.poll()
            self._polled = True
        match received.event:
            case ObservationBatch() as batch:
                return self._observed(received, batch)
            case ExampleBatch() as batch:
                if problem := bits.problem(batch):
                    raise InvalidEventError("MALFORMED", problem)
                partials = bits.partials(batch, received.partition, received.offset, self._tolerance_of(batch))
                if self._policies.of(batch.tenant, batch.stream).windows:
                    self._counts.add(partials)
                return [_partial(partial) for partial in partials]
            case DriftPartial() as partial:
                if why := impossible_partial(partial):
                    raise InvalidEventError("MALFORMED", why)
                return self._errors_of(partial) if partial.kind is PartialKind.ERRORS else self._features_of(partial)
            case other:
                raise InvalidEventError("WRONG_TYPE", f"expected a batch or a partial, given {type(other).__name__}")

    def flush(self) -> Iterable[Send]:
        """Write snapshots of what changed, and the progress of detection; signals of the same rows precede it. Counts go to the rollout."""
        for window in self._counts.drain():
            yield Send(topics.ERROR_WINDOWS, topics.ERROR_WINDOWS.key_of(window), window)
        for key, block in self._blocks.items():
            self._state.put(key, block)
        for tenant, stream in self._touched_errors:
            snapshot = self._errors[tenant, stream].snapshot(tenant, stream)
            self._state.put(f"errors/{StreamKey(tenant, stream)}", snapshot)
            progress = DetectionProgress(tenant=tenant, stream=stream, row=snapshot.rows)
            yield Send(topics.DRIFT_SIGNALS, topics.DRIFT_SIGNALS.key_of(progress), progress, partition=self._partition)
        for tenant, stream in self._touched_inputs:
            self._state.put(f"inputs/{StreamKey(tenant, stream)}", self._inputs[tenant, stream].snapshot(tenant, stream))
        self._blocks, self._touched_errors, self._touched_inputs = {}, {}, {}
        self._polled = False

    def _observed(self, received: Received[Any], batch: ObservationBatch) -> list[Send]:
        if problem := blocks.problem(batch):
            raise InvalidEventError("MALFORMED", problem)
        key = DeviceKey.of(batch)
        before = self._blocks.get(key) or self._state.get(BlockState, key)
        self._blocks[key], done = blocks.fold(before, batch, blocks.Place(received.partition, received.offset))
        return [_partial(partial) for partial in done]

    def _errors_of(self, partial: DriftPartial) -> list[Send]:
        if len(partial.errors) != partial.count:
            raise InvalidEventError("MALFORMED", f"{len(partial.errors)} error bytes for {partial.count} rows")
        if len(partial.errors_alone) not in (0, partial.count):
            raise InvalidEventError("MALFORMED", f"{len(partial.errors_alone)} error bytes of the version alone for {partial.count} rows")
        stream = (partial.tenant, partial.stream)
        pool, rules = self._errors.get(stream), self._policies.of(*stream)
        if pool is None:
            pool = self._errors[stream] = ErrorPool(rules, self._state.get(DetectorState, f"errors/{StreamKey(*stream)}"))
        elif pool.rules != rules:
            pool = self._errors[stream] = ErrorPool(rules, pool.snapshot(*stream))
        before = pool.order.rows
        signals = [error_signal(*stream, alarm) for alarm in pool.fold(partial)]
        if pool.order.rows > before:
            self._touched_errors[stream] = None
            for answer, byte in (("right", bits.RIGHT), ("wrong", bits.WRONG), ("unanswered", bits.UNANSWERED)):
                self._metrics.rows.labels(answer).inc(partial.errors.count(byte))
        return [self._signal(signal) for signal in signals]

    def _features_of(self, partial: DriftPartial) -> list[Send]:
        if len(partial.sums) != len(partial.present):
            raise InvalidEventError("MALFORMED", f"{len(partial.sums)} sums and {len(partial.present)} counts")
        stream = (partial.tenant, partial.stream)
        key = StreamKey.of(partial)
        pool = self._inputs.get(stream)
        if pool is None:
            pool = self._inputs[stream] = InputPool(self._policies.of(*stream), self._state.get(DetectorState, f"inputs/{key}"))
        self._touched_inputs[stream] = None
        self._metrics.blocks.inc()
        detector = self._policies.of(*stream).inputs.name
        named = [(self._names(key, alarm.feature), alarm) for alarm in pool.fold(partial)]
        return [self._signal(input_signal(*stream, detector, name, alarm)) for name, alarm in named if name]

    def _signal(self, signal: DriftSignal) -> Send:
        self._metrics.signals.labels(signal.kind.value, signal.scope or "", str(signal.rising).lower()).inc()
        return Send(topics.DRIFT_SIGNALS, topics.DRIFT_SIGNALS.key_of(signal), signal, partition=self._partition)


def _partial(partial: DriftPartial) -> Send:
    return Send(topics.DRIFT_PARTIALS, topics.DRIFT_PARTIALS.key_of(partial), partial)
