"""A Faust transport that begins where the windows begin, and not where a group once committed.

What is monitored lives in memory, so that a new process folds the last minutes of its inputs again. Offsets that Faust
commits (past records still in flight: faust#606) decide nothing here; they show the lag to others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, cast

from faust.transport.drivers.aiokafka import Consumer, Transport
from faust.types import TP

Place = tuple[str, int]


class LookBackConsumer(Consumer):
    """Starts each partition some time back, or at its beginning; after a rebalance, where it stood."""

    look_back_ms: int
    whole: frozenset[str]
    position_of: Callable[[str, int], int]
    on_reading: Callable[[Mapping[Place, int]], None]

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek, in the place of a seek to committed offsets."""
        thread = cast("Any", self._thread)
        client = thread._ensure_consumer()
        starts = await thread.call_thread(self._seek_back, client)
        return {TP(topic, partition): offset for (topic, partition), offset in starts.items()}

    async def _seek_back(self, client: Any) -> dict[Place, int]:
        places = list(client.assignment())
        since = int(time.time() * 1000) - self.look_back_ms
        begin = await client.beginning_offsets(places)
        ends = await client.end_offsets(places)
        recent = [place for place in places if place.topic not in self.whole]
        found = await client.offsets_for_times(dict.fromkeys(recent, since)) if recent else {}
        starts: dict[Place, int] = {}
        for place in places:
            first = begin[place] if place.topic in self.whole else found[place].offset if found.get(place) else ends[place]
            stood = self.position_of(place.topic, place.partition)
            # A topic that was made anew ends before where we stood.
            starts[place.topic, place.partition] = max(first, stood) if stood <= ends[place] else first
            client.seek(place, starts[place.topic, place.partition])
        self.on_reading(
            {(place.topic, place.partition): ends[place] for place in places if ends[place] > starts[place.topic, place.partition]}
        )
        return starts


def transport(
    app: Any,
    look_back_ms: int,
    whole: frozenset[str],
    position_of: Callable[[str, int], int],
    on_reading: Callable[[Mapping[Place, int]], None],
) -> Transport:
    """The transport of an app.

    Parameters
    ----------
    look_back_ms
        How far back partitions are read.
    whole
        Full names of topics that are read from their beginning instead.
    position_of
        Offset after the last record that was folded of a partition; 0 for none.
    on_reading
        Told the ends of the partitions that have something to read, whenever reading begins.
    """

    class Configured(LookBackConsumer):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self.look_back_ms, self.whole, self.position_of, self.on_reading = look_back_ms, whole, position_of, on_reading
            super().__init__(*args, **kwargs)

    class Configuring(Transport):
        Consumer = Configured

    return Configuring(app.conf.broker_consumer, app)
