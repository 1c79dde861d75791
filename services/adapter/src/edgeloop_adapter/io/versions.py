"""Versions of streams as members of mixtures, their files, and the classes of streams."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Protocol

from edgeloop_contracts import AdapterMember, ModelVersion, StreamDefinition, StreamKey, topics
from edgeloop_datasets.ranges import Reader, model_file
from edgeloop_kafka import Received

KEPT = 16


class Followed(Protocol):
    """The part of :class:`edgeloop_readers.Follower` that :class:`Versions` needs."""

    def refresh(self, handle: Callable[[Received[Any]], None]) -> None:
        """Hand over all records that were committed before this call."""
        ...


class Versions:
    """Versions of the model registry.

    A version that answered a row was committed before its device installed it. So one lookup is enough: a version that is absent then
    does not exist.

    Parameters
    ----------
    follower
        Of ``model.events``.
    """

    def __init__(self, follower: Followed) -> None:
        self._follower = follower
        self._members: dict[str, dict[int, AdapterMember]] = {}

    def first(self, key: str) -> AdapterMember | None:
        """The first version of a stream, ``tenant/stream``."""
        if key not in self._members:
            self._follower.refresh(self._take)
        known = self._members.get(key)
        return known[min(known)] if known else None

    def get(self, key: str, version: int) -> AdapterMember | None:
        """A version of a stream; ``None`` for one that does not exist."""
        if version not in self._members.get(key, {}):
            self._follower.refresh(self._take)
        return self._members.get(key, {}).get(version)

    def _take(self, record: Received[Any]) -> None:
        match record.event:
            case ModelVersion() as event:
                self._members.setdefault(StreamKey.of(event), {})[event.version] = AdapterMember(
                    version=event.version,
                    file=event.file,
                    classes=event.classes,
                    signed=event.signed,
                )
            case _:
                return


class Table(Protocol):
    """The part of :class:`edgeloop_readers.Table` that :class:`Definitions` needs."""

    def refresh(self) -> None:
        """Read what has been committed until now."""
        ...

    def get(self, key: str) -> Received[Any] | None:
        """Newest record of a key."""
        ...


class Definitions:
    """Stream definitions.

    Parameters
    ----------
    table
        Of ``streams``.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def of(self, key: str) -> StreamDefinition:
        """A stream's newest definition, which may lack classes that labels name; an empty one where there is none."""
        self._table.refresh()
        record = self._table.get(key)
        return record.event if record else StreamDefinition(tenant="default", stream="")


class Files:
    """Model files of members; the most recent ones stay in memory.

    Parameters
    ----------
    reader
        Reads ranges of offsets.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._files: OrderedDict[str, bytes] = OrderedDict()

    def of(self, member: AdapterMember) -> bytes:
        """A member's file.

        Raises
        ------
        ModelGoneError
            It cannot be read any more.
        """
        if member.file.digest not in self._files:
            self._files[member.file.digest] = model_file(self._reader, topics.MODEL_CHUNKS, member.file)
        self._files.move_to_end(member.file.digest)
        while len(self._files) > KEPT:
            self._files.popitem(last=False)
        return self._files[member.file.digest]
