"""Orders of people, carried out or refused with a typed reason."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from edgeloop_contracts import DeviceKey, RolloutCommand, StreamKey
from edgeloop_contracts.events import RolloutDevice, RolloutFact, RolloutOrder
from edgeloop_contracts.plausibility import is_name
from edgeloop_contracts.texts import cut
from edgeloop_kafka import Received
from edgeloop_streaming import Send

from edgeloop_rollout.core import facts
from edgeloop_rollout.core.book import Book
from edgeloop_rollout.core.rollout_states import AwaitingApproval, Command, Order, Paused, Refusal, Rollout, Running
from edgeloop_rollout.io.outcomes import Outcomes

_ORDERS = {
    RolloutOrder.PAUSE: Order.PAUSE,
    RolloutOrder.RESUME: Order.RESUME,
    RolloutOrder.APPROVE: Order.APPROVE,
    RolloutOrder.ABORT: Order.ABORT,
    RolloutOrder.ROLLBACK: Order.ROLLBACK,
    RolloutOrder.OFFER: Order.OFFER_AGAIN,
}


class Orders:
    """The orders of ``rollout.commands``; each is taken once, by its offset.

    Parameters
    ----------
    book
        What is known.
    outcomes
        Writes assignments and facts.
    """

    def __init__(self, book: Book, outcomes: Outcomes) -> None:
        self._book = book
        self._outcomes = outcomes

    def take(self, command: RolloutCommand, received: Received[RolloutCommand]) -> Iterator[Send]:
        """Carry out an order, or refuse it."""
        stream, at = StreamKey.of(command), received.timestamp
        rollout, record = self._book.rollout(stream), self._book.stream(stream)
        if rollout is None:
            yield self._refused(stream, command, Refusal.UNKNOWN_STREAM, f"{stream} has no version yet", at)
            return
        if received.offset < record.commands_end:
            return
        self._book.put_stream(stream, replace(record, commands_end=received.offset + 1))
        match command.order:
            case RolloutOrder.PIN:
                yield from self._pin(stream, command, at)
            case RolloutOrder.UNPIN:
                yield from self._unpin(stream, command, at)
            case RolloutOrder.UNKNOWN:
                yield self._refused(stream, command, Refusal.UNKNOWN_ORDER, "this release does not know the order", at)
            case order:
                yield from self._of_rollout(stream, rollout, _ORDERS[order], command, at)

    def _of_rollout(self, stream: StreamKey, rollout: Rollout, order: Order, command: RolloutCommand, at: int) -> Iterator[Send]:
        if command.version not in (0, rollout.version):
            known = self._book.target(stream, command.version) is not None
            reason = Refusal.OTHER_VERSION if known else Refusal.UNKNOWN_VERSION
            yield self._refused(stream, command, reason, f"the newest rollout of {stream} is that of version {rollout.version}", at)
            return
        phase = command.phase or _next_phase(rollout)
        until = math.inf if command.until is None else max(0, command.until) / 1000
        given = Command(at / 1000, order, cut(command.who, 200), cut(command.why, 200), phase - 1, until)
        sends = list(self._outcomes.decide(stream, given, at, command=command))
        if order is Order.APPROVE and not any(getattr(send.event, "kind", None) is RolloutFact.REFUSED for send in sends):
            yield self._outcomes.fact(facts.answer(stream, command, RolloutFact.APPROVED, at, version=rollout.version, phase=phase))
        yield from sends

    def _pin(self, stream: StreamKey, command: RolloutCommand, at: int) -> Iterator[Send]:
        key, known = self._device(stream, command)
        if known is None:
            yield self._refused(stream, command, Refusal.UNKNOWN_DEVICE, f"no device {cut(command.device_id, 200)!r} has reported", at)
            return
        if self._book.target(stream, command.version) is None:
            yield self._refused(stream, command, Refusal.UNKNOWN_VERSION, f"{stream} has no version {command.version}", at)
            return
        if command.version in self._book.stream(stream).turned_back:
            why = f"version {command.version} of {stream} was turned back; offer it again first"
            yield self._refused(stream, command, Refusal.TURNED_BACK, why, at)
            return
        before = self._book.view(stream, key.device_id, known).assigned
        self._book.put_device(key, replace(known, pinned=True, assigned=command.version))
        yield self._outcomes.fact(facts.answer(stream, command, RolloutFact.PINNED, at, version=command.version, devices=1))
        if before != command.version:
            yield self._outcomes.tell(stream, key.device_id, command.version, before, back=command.version < (before or 0))

    def _unpin(self, stream: StreamKey, command: RolloutCommand, at: int) -> Iterator[Send]:
        key, known = self._device(stream, command)
        target = self._book.stream(stream).target
        if known is None or not known.pinned or target is None:
            reason = Refusal.UNKNOWN_DEVICE if known is None else Refusal.NOT_PINNED
            why = f"device {cut(command.device_id, 200)!r} " + ("has not reported" if known is None else "is not pinned")
            yield self._refused(stream, command, reason, why, at)
            return
        before = known.assigned
        self._book.put_device(key, replace(known, pinned=False))
        yield self._outcomes.fact(facts.answer(stream, command, RolloutFact.UNPINNED, at, version=target.version, devices=1))
        if before != target.version:
            yield self._outcomes.tell(stream, key.device_id, target.version, before, back=target.version < (before or 0))
        else:
            self._book.put_device(key, replace(known, pinned=False, assigned=None))

    def _device(self, stream: StreamKey, command: RolloutCommand) -> tuple[DeviceKey, RolloutDevice | None]:
        """Device that an order names; a text that is no name is no device, and would make another key."""
        key = DeviceKey(stream.tenant, stream.stream, command.device_id)
        return key, self._book.device(key) if is_name(command.device_id) else None

    def _refused(self, stream: StreamKey, command: RolloutCommand, reason: Refusal, why: str, at: int) -> Send:
        return self._outcomes.fact(facts.refusal(stream, command, reason, why, at))


def _next_phase(rollout: Rollout) -> int:
    """The phase to come, counted from 1; 0 for none."""
    stage = rollout.stage.held if isinstance(rollout.stage, Paused) else rollout.stage
    match stage:
        case Running(phase=number):
            return number + 2
        case AwaitingApproval(phase=number):
            return number + 1
        case _:
            return 0
