"""Follows what a stream's mixture learns, and brings each newest adapter to serving."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from edgeloop_contracts import AdapterFrame, MemoryBlock, ModelAdapter
from edgeloop_kafka import Received

from edgeloop_inference.core.adapter_parts import Intake, LearnedEvent
from edgeloop_inference.core.version_admission import RefusalError
from edgeloop_inference.io.kafka_clients import Reader
from edgeloop_inference.io.mixture_builder import Mixer
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
        Why it was not taken; ``None`` if it answers.
    """

    stream: str
    number: int
    received: Received[ModelAdapter]
    refusal: RefusalError | None = None


class Adapting:
    """Takes in what has been learned, and applies the newest adapter of each stream.

    Parameters
    ----------
    mixer, models
        Of the device.
    verification
        Of the device.
    tenant
        Whose streams these are.
    horizon
        Rows of the longest memory.
    """

    def __init__(self, mixer: Mixer, models: Models, verification: Verification, tenant: str, horizon: int) -> None:
        self._mixer = mixer
        self._models = models
        self._verification = verification
        self._tenant = tenant
        self._horizon = horizon
        self._intakes: dict[str, Intake] = {}
        self._newest: dict[str, Received[ModelAdapter]] = {}
        self._tried: dict[str, tuple[int, int]] = {}
        self._unsigned: dict[str, Outcome] = {}
        self._told: dict[str, tuple[int, str]] = {}

    @property
    def remark(self) -> str:
        """Remark of a report; ``""`` for none."""
        return "" if self._mixer.memories else WITHOUT_MEMORIES

    def begin(self) -> None:
        """A new follower reads from the beginning, and so does this."""
        self._intakes.clear()
        self._newest.clear()
        self._unsigned.clear()
        self._tried.clear()

    def take(self, received: Received[Any]) -> None:
        """Note a frame, rows of the memories or an adapter of one of this device's streams."""
        match received.event:
            case (AdapterFrame() | MemoryBlock()) as event if self._concerns(event):
                self._intake(event.stream).take(event)
            case ModelAdapter() as event if self._concerns(event):
                intake = self._intake(event.stream)
                try:
                    intake.take(event)
                except RefusalError as refusal:
                    self._unsigned[event.stream] = Outcome(event.stream, event.number, received, refusal)
                else:
                    if event.number == intake.number:
                        self._newest[event.stream] = received
            case _:
                return

    def act(self, reader: Callable[[], Reader]) -> Iterator[Outcome]:
        """Apply what is new; a refusal is told once.

        What waits for its version, or is not whole, is tried again as soon as there is more.
        """
        unsigned, self._unsigned = self._unsigned, {}
        for outcome in unsigned.values():
            yield from self._once(outcome)
        for stream, received in self._newest.items():
            serving, intake = self._models.serving(stream), self._intakes[stream]
            if serving is None or serving.adapter >= intake.number:
                continue
            state = (intake.taken, serving.version)
            if self._tried.get(stream) == state:
                continue
            try:
                self._mixer.apply(serving.statement, intake.complete(), intake.memory, reader)
            except RefusalError as refusal:
                yield from self._once(Outcome(stream, intake.number, received, refusal))
            else:
                yield Outcome(stream, intake.number, received)
            self._tried[stream] = state

    def _concerns(self, event: LearnedEvent) -> bool:
        return event.tenant == self._tenant and self._models.concerns(event.stream)

    def _intake(self, stream: str) -> Intake:
        return self._intakes.setdefault(stream, Intake(self._horizon, self._verification.adapter))

    def _once(self, refused: Outcome) -> Iterator[Outcome]:
        """A refusal that was not the last one to be told of its stream."""
        told = (refused.number, str(refused.refusal))
        if self._told.get(refused.stream) != told:
            self._told[refused.stream] = told
            yield refused
