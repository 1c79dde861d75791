"""Decisions of the machine carried out: assignments, facts, and what the state keeps of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Protocol

from edgeloop_contracts import Cause, DeviceKey, Event, RolloutCommand, StreamKey, topics
from edgeloop_streaming import Send

from edgeloop_rollout.core import facts
from edgeloop_rollout.core.assignments import assignment
from edgeloop_rollout.core.book import UNKNOWN, Book
from edgeloop_rollout.core.evidence import Open
from edgeloop_rollout.core.rollout_machine import decide
from edgeloop_rollout.core.rollout_states import (
    Assign,
    Command,
    Done,
    Effect,
    Fleet,
    Happening,
    Order,
    RecordStage,
    RefuseCommand,
    Rollout,
    RolloutPolicy,
    SendBack,
    TurnedBack,
)


class LatestAssignments(Protocol):
    """What is needed of :class:`edgeloop_readers.latest_records.LatestRecords` on ``rollout.assignments``."""

    def refresh(self) -> None:
        """Take in everything that has been committed until now."""
        ...

    def holds(self, key: DeviceKey, event: Event) -> bool:
        """Whether this very event is the newest record of a key, or was written and has not been read yet."""
        ...

    def note_written(self, key: DeviceKey, event: Event) -> None:
        """Note an event that this process writes."""
        ...

    def forget_unread(self) -> None:
        """Forget the written events that have not been read."""
        ...


class Outcomes:
    """The way from decisions to records.

    Parameters
    ----------
    book
        What is known.
    assignments
        What stands in ``rollout.assignments``.
    """

    def __init__(self, book: Book, assignments: LatestAssignments) -> None:
        self._book = book
        self._assignments = assignments
        self._refreshed = False
        assignments.forget_unread()

    def end_transaction(self) -> None:
        """Let the next transaction read the assignments again."""
        self._refreshed = False

    def decide(
        self, stream: StreamKey, happening: Happening, at: int, waiting: Open | None = None, command: RolloutCommand | None = None
    ) -> Iterator[Send]:
        """Take a happening into the rollout of a stream, which is there.

        Parameters
        ----------
        at
            Record time, milliseconds.
        waiting
            Rows that are not compared yet; ``None`` for those that waited before.
        command
            The order that it is.
        """
        before = self._book.rollout(stream)
        if before is None:
            return
        policy, fleet = self._book.plan(stream).made(), self._book.fleet(stream)
        after, effects = decide(policy, fleet, before, happening)
        ordered = happening if isinstance(happening, Command) else None
        if ordered is not None and ordered.order is Order.OFFER_AGAIN:
            waiting = ()
        self._book.put_rollout(stream, after, self._book.waiting(stream) if waiting is None else waiting)
        yield from self.carry_out(stream, policy, fleet, after, effects, at, ordered, command)

    def carry_out(
        self,
        stream: StreamKey,
        policy: RolloutPolicy,
        fleet: Fleet,
        rollout: Rollout,
        effects: Iterable[Effect],
        at: int,
        ordered: Command | None = None,
        command: RolloutCommand | None = None,
        *,
        begun: bool = False,
    ) -> Iterator[Send]:
        """Carry out the effects of a decision; ``fleet`` is as it was before."""
        todo = [*effects, *_rest(policy, fleet, rollout, effects)]
        self._aim(stream, policy, rollout)
        devices = sum(len(effect.devices) for effect in todo if isinstance(effect, Assign | SendBack))
        for effect in todo:
            match effect:
                case RecordStage(stage=stage, evidence=evidence):
                    if begun and policy.at_once:
                        continue  # its assignments tell it
                    self._note_turn(stream, rollout)
                    kind = facts.kind_of(stage, ordered, begun=begun)
                    fact = facts.stage_fact(stream, rollout, kind, evidence, at)
                    fact = replace(fact, devices=devices, phases=len(policy.phases))
                    yield self.fact(facts.answering(fact, command) if command is not None else fact)
                case RefuseCommand(why=why, reason=reason) if command is not None:
                    yield self.fact(facts.refusal(stream, command, reason, why, at))
                case Assign(version=version, devices=names):
                    yield from (self.tell(stream, name, version, fleet[name].assigned) for name in names)
                case SendBack(version=version, devices=names):
                    yield from (self.tell(stream, name, version, fleet[name].assigned, back=True) for name in names)
                case _:
                    pass

    def tell(self, stream: StreamKey, name: str, version: int, before: int | None, *, back: bool = False) -> Send:
        """Tell a device to run a version.

        Parameters
        ----------
        before
            Version that it was told before.
        back
            Whether it shall go back from what it reports, too. Otherwise reports are not asked, since anybody may write one.
        """
        key = DeviceKey(stream.tenant, stream.stream, name)
        known = self._book.device(key) or UNKNOWN
        newest = max(before or 0, (known.installed or 0) if back else 0)
        target = self._book.stream(stream).target
        follows = not known.pinned and target is not None and target.version == version
        known = replace(known, assigned=None if follows else version, serial=known.serial + (version < newest))
        self._book.put_device(key, known)
        # The version's own event is the cause, however late a device comes. That of a way back is what led to it.
        return self._assign(key, version, known.serial, by_version=not back)

    def mended(self, key: DeviceKey) -> Iterator[Send]:
        """The assignment of a known device once more, where somebody has put something else over it."""
        known = self._book.device(key) or UNKNOWN
        version = self._book.view(key.stream_key, key.device_id, known).assigned
        target = self._book.target(key.stream_key, version) if version is not None else None
        if target is None:
            return
        if not self._refreshed:
            self._assignments.refresh()
            self._refreshed = True
        if not self._assignments.holds(key, assignment(key, target, known.serial)):
            yield self._assign(key, target.version, known.serial)

    def fact(self, event: Event) -> Send:
        """Write a fact."""
        return Send(topics.ROLLOUT_EVENTS, topics.ROLLOUT_EVENTS.key_of(event), event)  # type: ignore[arg-type]

    def _assign(self, key: DeviceKey, version: int, serial: int, *, by_version: bool = True) -> Send:
        target = self._book.target(key.stream_key, version)
        if target is None:
            raise LookupError(f"{key.stream_key}: version {version} is told and not known")
        event = assignment(key, target, serial)
        self._assignments.note_written(key, event)
        cause: Cause | None = target.cause if by_version else None
        return Send(topics.ROLLOUT_ASSIGNMENTS, key, event, cause)

    def _aim(self, stream: StreamKey, policy: RolloutPolicy, rollout: Rollout) -> None:
        """Set the version of devices that are told no other."""
        if isinstance(rollout.stage, TurnedBack) and rollout.previous is not None:
            self._book.aim(stream, rollout.previous)
        elif _everywhere(policy, rollout):
            self._book.aim(stream, rollout.version)

    def _note_turn(self, stream: StreamKey, rollout: Rollout) -> None:
        """Keep the list of versions that were turned back."""
        record = self._book.stream(stream)
        others = tuple(version for version in record.turned_back if version != rollout.version)
        found = (*others, rollout.version) if isinstance(rollout.stage, TurnedBack) else others
        if found != record.turned_back:
            self._book.put_stream(stream, replace(record, turned_back=found))


def _everywhere(policy: RolloutPolicy, rollout: Rollout) -> bool:
    """Whether every device that no person has pinned has to run the version."""
    return isinstance(rollout.stage, Done) and (rollout.previous is None or policy.whole)


def _rest(policy: RolloutPolicy, fleet: Fleet, rollout: Rollout, effects: Iterable[Effect]) -> Iterator[Assign]:
    """Devices that a finished rollout has not told yet, because they are not heard: they find it when they come back."""
    if not _everywhere(policy, rollout):
        return
    told = {name for effect in effects if isinstance(effect, Assign | SendBack) for name in effect.devices}
    names = [name for name, one in fleet.items() if not one.pinned and one.assigned != rollout.version and name not in told]
    if names:
        yield Assign(rollout.version, tuple(sorted(names)))
