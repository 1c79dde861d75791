"""The newest adapter of each stream, from its topic to serving."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from edgeloop_contracts import AdapterFrame, MemoryBlock, ModelAdapter
from edgeloop_kafka import Received

from edgeloop_inference.core.adapter_parts import AdapterParts, LearnedEvent
from edgeloop_inference.core.version_admission import RefusalError
from edgeloop_inference.io.kafka_clients import Reader
from edgeloop_inference.io.mixture_builder import MixtureBuilder
from edgeloop_inference.io.models import Models
from edgeloop_inference.io.verification import Verification

WITHOUT_MEMORIES = "mixtures answer without their memories here"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of an adapter.

    Attributes
    ----------
    number
        Of the adapter.
    received
        The adapter as it came.
    refusal
        Reason of the refusal; ``None`` if it answers.
    """

    stream: str
    number: int
    received: Received[ModelAdapter]
    refusal: RefusalError | None = None


class AdapterUpdates:
    """Collects frames, memory rows and adapters, and applies the newest adapter of each stream.

    Parameters
    ----------
    builder, models
        Of the device.
    verification
        Of the device.
    tenant
        Whose streams these are.
    horizon
        Rows of the longest memory.
    """

    def __init__(self, builder: MixtureBuilder, models: Models, verification: Verification, tenant: str, horizon: int) -> None:
        self._builder = builder
        self._models = models
        self._verification = verification
        self._tenant = tenant
        self._horizon = horizon
        self._parts: dict[str, AdapterParts] = {}
        self._newest: dict[str, Received[ModelAdapter]] = {}
        self._tried: dict[str, tuple[int, int]] = {}
        self._unsigned: dict[str, Outcome] = {}
        self._reported: dict[str, tuple[int, str]] = {}

    @property
    def remark(self) -> str:
        """Remark of a report; ``""`` for none."""
        return "" if self._builder.memories else WITHOUT_MEMORIES

    def begin(self) -> None:
        """Start anew, because a new follower reads from the beginning."""
        self._parts.clear()
        self._newest.clear()
        self._unsigned.clear()
        self._tried.clear()

    def handle(self, received: Received[Any]) -> None:
        """Note a frame, rows of the memories or an adapter of one of this device's streams."""
        match received.event:
            case (AdapterFrame() | MemoryBlock()) as event if self._concerns(event):
                self._parts_of(event.stream).add(event)
            case ModelAdapter() as event if self._concerns(event):
                parts = self._parts_of(event.stream)
                try:
                    parts.add(event)
                except RefusalError as refusal:
                    self._unsigned[event.stream] = Outcome(event.stream, event.number, received, refusal)
                else:
                    if event.number == parts.number:
                        self._newest[event.stream] = received
            case _:
                return

    def apply_newest(self, reader: Callable[[], Reader]) -> Iterator[Outcome]:
        """Apply what is new; a refusal is reported once.

        An adapter that waits for its version or its parts is tried again once more parts have come.
        """
        unsigned, self._unsigned = self._unsigned, {}
        for outcome in unsigned.values():
            yield from self._unless_reported(outcome)
        for stream, received in self._newest.items():
            serving, parts = self._models.serving(stream), self._parts[stream]
            if serving is None or serving.adapter >= parts.number:
                continue
            state = (parts.changes, serving.version)
            if self._tried.get(stream) == state:
                continue
            try:
                self._builder.apply(serving.statement, parts.complete(), parts.memory, reader)
            except RefusalError as refusal:
                yield from self._unless_reported(Outcome(stream, parts.number, received, refusal))
            else:
                yield Outcome(stream, parts.number, received)
            self._tried[stream] = state

    def _concerns(self, event: LearnedEvent) -> bool:
        return event.tenant == self._tenant and self._models.concerns(event.stream)

    def _parts_of(self, stream: str) -> AdapterParts:
        return self._parts.setdefault(stream, AdapterParts(self._horizon, self._verification.adapter))

    def _unless_reported(self, refused: Outcome) -> Iterator[Outcome]:
        """The refusal, unless it is the last one reported for its stream."""
        reported = (refused.number, str(refused.refusal))
        if self._reported.get(refused.stream) != reported:
            self._reported[refused.stream] = reported
            yield refused
