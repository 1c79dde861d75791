"""Keyed state of one partition: a fold of its compacted state topic."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar, cast

from edgeloop_contracts import Checkpoint, Event
from edgeloop_contracts.topics import CHECKPOINT_KEY

E = TypeVar("E", bound=Event)


class State:
    """Typed records by kind and key.

    Changes since the last :meth:`drain` are written to the state topic in the transaction that they belong to. :meth:`restore`
    reads the topic's records back.

    Invariant: the state equals the fold of the state topic's committed records and the undrained changes.

    Examples
    --------
    >>> from edgeloop_contracts import SeenRows
    >>> state = State()
    >>> state.put("acme/pumps/p1", SeenRows(device_id="p1"))
    >>> state.get(SeenRows, "acme/pumps/p1").device_id
    'p1'
    >>> [key for key, _ in state.drain()]
    ['SeenRows/acme/pumps/p1']
    """

    def __init__(self) -> None:
        self._records: dict[str, Event] = {}
        self._changed: dict[str, Event | None] = {}

    @property
    def now(self) -> int:
        """Largest timestamp of a record in committed transactions, milliseconds: the only clock of a core."""
        return self.checkpoint.now

    @property
    def checkpoint(self) -> Checkpoint:
        """Checkpoint of the last transaction."""
        return cast("Checkpoint", self._records.get(CHECKPOINT_KEY, Checkpoint()))

    def get(self, kind: type[E], key: str) -> E | None:
        """Record of ``kind`` under ``key``, or ``None``."""
        return cast("E | None", self._records.get(f"{kind.__name__}/{key}"))

    def items(self, kind: type[E]) -> Iterator[tuple[str, E]]:
        """All records of ``kind`` with their keys, in the order of the keys."""
        head = f"{kind.__name__}/"
        for key in sorted(k for k in self._records if k.startswith(head)):
            yield key[len(head) :], cast("E", self._records[key])

    def put(self, key: str, event: Event) -> None:
        """Set the record of ``event``'s kind under ``key``; setting an equal record changes nothing."""
        full = f"{type(event).__name__}/{key}"
        if self._records.get(full) != event:
            self._records[full] = event
            self._changed[full] = event

    def delete(self, kind: type[Event], key: str) -> None:
        """Remove a record; its absence is no error."""
        full = f"{kind.__name__}/{key}"
        if self._records.pop(full, None) is not None:
            self._changed[full] = None

    def drain(self) -> list[tuple[str, Event | None]]:
        """Changes since the last call, in the order of their first change; ``None`` marks a deletion."""
        changed = list(self._changed.items())
        self._changed.clear()
        return changed

    def restore(self, key: str, event: Event | None) -> None:
        """Apply one record of the state topic."""
        if event is None:
            self._records.pop(key, None)
        else:
            self._records[key] = event
