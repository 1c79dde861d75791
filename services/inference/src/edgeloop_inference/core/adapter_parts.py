"""Parts of an adapter as they arrive: frames, rows of the memories, adapters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edgeloop_contracts import AdapterFrame, MemoryBlock, ModelAdapter
from edgeloop_mixture import serialization
from edgeloop_mixture.memory import MemoryRows, Window
from edgeloop_mixture.mixture import Adapter, Frame
from edgeloop_mixture.rule import PATIENCE
from edgeloop_mixture.serialization import PackedError

from edgeloop_inference.core.version_admission import Reason, RefusalError

FRAMES = 4

LearnedEvent = AdapterFrame | ModelAdapter | MemoryBlock


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """An adapter with all that belongs to it; the rows are those that its digest names.

    Attributes
    ----------
    frame, adapter, window
        Ready for a session.
    frame_event, adapter_event
        As they came.
    scaling
        Number of the first frame with this scaling, which the rows' blocks name.
    """

    frame: Frame
    adapter: Adapter
    window: Window
    frame_event: AdapterFrame
    adapter_event: ModelAdapter
    scaling: int

    @property
    def number(self) -> int:
        """Number of the adapter."""
        return self.adapter.number


class AdapterParts:
    """Parts of one stream's adapter so far, in the order of its partition: only the newest adapter counts.

    Blocks come in the order of their rows, and a block again once it has more rows. Where rows are left out in between, those
    before are of no use any more. What is not signed is as if it had not come, so that it cannot keep out what is.

    Parameters
    ----------
    horizon
        Rows of the longest memory.
    check
        Refuses an adapter that is not signed. Frames and rows are not signed by themselves: the adapter's digest is of those it needs.

    Attributes
    ----------
    changes
        Events that have changed what is known.
    """

    def __init__(self, horizon: int, check: Callable[[ModelAdapter], None]) -> None:
        self._horizon = horizon
        self._check = check
        self._frames: dict[int, AdapterFrame] = {}
        self._adapter: ModelAdapter | None = None
        self._memory: MemoryRows | None = None
        self._width = 0
        self._scaling = 0
        self._broken = ""
        self.changes = 0

    @property
    def number(self) -> int:
        """Number of the newest adapter; 0 for none."""
        return self._adapter.number if self._adapter else 0

    @property
    def memory(self) -> MemoryRows:
        """The rows that have come."""
        return self._memory or MemoryRows(1, 1)

    def add(self, event: LearnedEvent) -> None:
        """Note what came; an older adapter after a newer one is none.

        Raises
        ------
        RefusalError
            ``SIGNATURE``: a newer adapter that is not signed; nothing is noted.
        """
        match event:
            case AdapterFrame():
                self._frames[event.number] = event
                for number in sorted(self._frames)[:-FRAMES]:
                    del self._frames[number]
            case ModelAdapter():
                if event.number <= self.number:
                    return
                self._check(event)
                self._adapter = event
            case MemoryBlock():
                if not self._append(event):
                    return
        self.changes += 1

    def complete(self) -> Learned:
        """The newest adapter with its frame and rows.

        Raises
        ------
        RefusalError
            ``MISSING``: frame or rows have not come. ``LOAD``: they do not fit together. ``DIGEST``: they are not those that
            were signed with the adapter.
        """
        event = self._adapter
        if event is None:
            raise RefusalError(Reason.MISSING, "no adapter has come")
        frame_event = self._frames.get(event.frame)
        if frame_event is None:
            raise RefusalError(Reason.MISSING, f"its frame {event.frame} has not come")
        try:
            frame = serialization.frame_of(frame_event)
            adapter = serialization.adapter_of(event, frame)
        except PackedError as error:
            raise RefusalError(Reason.LOAD, str(error)) from error
        window = self._window(adapter, frame)
        if (given := serialization.digest(event, frame, window)) != event.digest:
            raise RefusalError(Reason.DIGEST, f"expected SHA-256 {event.digest}, given {given}")
        return Learned(frame, adapter, window, frame_event, event, self._scaling)

    def _window(self, adapter: Adapter, frame: Frame) -> Window:
        first, end = max(0, adapter.memory_end - self._horizon), adapter.memory_end
        if self._broken:
            raise RefusalError(Reason.LOAD, self._broken)
        memory = self._memory
        if memory is None or memory.start > first or memory.end < end:
            have = f"{memory.start} to {memory.end}" if memory else "none"
            raise RefusalError(Reason.MISSING, f"rows: expected {first} to {end}, given {have}")
        if end <= 0:
            raise RefusalError(Reason.LOAD, "an adapter without rows")
        if self._width != len(frame.scaling.features):
            raise RefusalError(Reason.LOAD, f"rows: expected {len(frame.scaling.features)} features, given {self._width}")
        window = memory.window(end, self._horizon)
        if memory.numbers != (frame.numbers is not None):
            raise RefusalError(Reason.LOAD, f"rows: expected {'numbers' if frame.numbers else 'classes'}, given the other")
        if not memory.numbers and window.labels.max(initial=0) >= len(frame.classes):
            raise RefusalError(Reason.LOAD, f"rows: expected classes below {len(frame.classes)}, given {window.labels.max()}")
        return window

    def _append(self, block: MemoryBlock) -> bool:
        count = serialization.count(block)
        if block.frame < self._scaling or not count:
            return False
        if block.frame > self._scaling:
            self._scaling, self._memory, self._broken = block.frame, None, ""
        width = len(block.rows) // count
        try:
            rows, labels = serialization.rows_of(block, width)
        except PackedError as error:
            self._broken = str(error)
            return True
        memory = self._memory
        numbers = bool(block.numbers)
        if memory is None or (width, numbers) != (self._width, memory.numbers) or block.first > memory.end:
            # Room for what comes beyond the newest adapter while its own rows are still needed.
            memory = self._memory = MemoryRows(width, self._horizon + PATIENCE, block.first, numbers=numbers)
            self._width = width
        new = block.first + len(labels) - memory.end
        if new <= 0:
            return False
        memory.append(rows[-new:], labels[-new:])
        return True
