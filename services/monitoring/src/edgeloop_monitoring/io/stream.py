"""The Faust app: an agent for each input, one topic to write to, nothing else that Faust would make or keep.

No tables (so no changelogs), no leader topic, no topics created, no web server.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import faust
from edgeloop_contracts import Cause, Event, Topic
from edgeloop_kafka import Codec, KafkaSettings, body
from edgeloop_kafka.causation import event_headers, identify
from faust.types import TP

from edgeloop_monitoring.io.codecs import EventCodec
from edgeloop_monitoring.io.consumer import Place, transport
from edgeloop_monitoring.io.security import credentials


@dataclass(frozen=True, slots=True)
class Record:
    """One record as an agent got it: ``event`` is ``None`` for a tombstone and ``Undecodable`` for broken bytes."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    event: Any
    cause: Cause


class EventStream:
    """Reads topics and writes one, through Faust.

    Parameters
    ----------
    settings, codec
        Of the process.
    name
        Of the service.
    recent, whole
        Topics read from some time back, and from their beginning.
    look_back_ms
        How far back.
    handle
        Called with each record, in its partition's order.
    position_of
        Offset after the last record taken of a topic and partition.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        codec: Codec,
        name: str,
        *,
        recent: Iterable[Topic],
        whole: Iterable[Topic],
        look_back_ms: int,
        handle: Callable[[Record], None],
        position_of: Callable[[str, int], int],
    ) -> None:
        prefix = settings.topic_prefix
        self._name = name
        self._prefix = prefix
        self._codec = codec
        self._handle = handle
        self._waiting: dict[Place, int] | None = None
        # Each instance has a group of its own: all see everything, and tell the same alerts under the same ids.
        group = f"{prefix}edgeloop-{name}" + ("" if settings.instance == "0" else f"-{settings.instance}")
        self.app = faust.App(
            group,
            broker=[f"kafka://{address}" for address in settings.bootstrap.split(",")],
            broker_credentials=credentials(settings.extra),
            broker_client_id=group,
            broker_session_timeout=6.0,
            broker_heartbeat_interval=1.5,
            consumer_group_instance_id=group,
            store="memory://",
            datadir=tempfile.gettempdir(),
            web_enabled=False,
            autodiscover=False,
            topic_allow_declare=False,
            topic_disable_leader=True,
            key_serializer="raw",
            value_serializer="raw",
        )
        whole = tuple(whole)
        names = frozenset(prefix + topic.name for topic in whole)
        self.app.transport = transport(self.app, look_back_ms, names, lambda t, p: position_of(t.removeprefix(prefix), p), self._started)
        for topic in (*recent, *whole):
            self.app.agent(self._topic(topic), name=f"{name}.{topic.name}")(self._agent(topic))

    def every(self, seconds: float, work: Callable[[], Any]) -> None:
        """Await ``work()`` now and then; what it raises ends the app."""
        self.app.timer(seconds)(work)

    async def send(self, topic: Topic, key: str, event: Event, cause: Cause | None, time_ms: int) -> None:
        """Write one event and wait until the brokers have it."""
        headers = event_headers(event, source=self._name, key=key, body=body(event), cause=cause, trace="", time_ms=time_ms)
        sent = await self._topic(topic).send(key=key.encode(), value=event, headers=dict(headers))
        await sent

    async def lags(self) -> dict[Place, int] | None:
        """Records by topic and partition that Faust has not fetched; ``None`` before it reads."""
        if self._waiting is None:
            return None
        lags: dict[Place, int] = {}
        for place in sorted(self.app.consumer.assignment()):
            position = await self.app.consumer.position(TP(*place)) or 0
            if position >= self._waiting.get(place, 0):
                self._waiting.pop(place, None)
            # A high watermark comes with the first fetch; until then what was seen at the start stands for it.
            end = self.app.consumer.highwater(TP(*place)) or self._waiting.get(place, position)
            lags[place.topic.removeprefix(self._prefix), place.partition] = max(0, end - position)
        return lags

    @property
    def caught_up(self) -> bool:
        """Whether all that was there when reading began has been fetched."""
        return self._waiting is not None and not self._waiting

    def _started(self, ends: Mapping[Place, int]) -> None:
        self._waiting = dict(ends)

    def _topic(self, topic: Topic) -> Any:
        return self.app.topic(
            self._prefix + topic.name, key_serializer="raw", value_serializer=EventCodec(codec=self._codec, topic=topic), internal=False
        )

    def _agent(self, topic: Topic) -> Callable[[Any], Any]:
        async def read(stream: Any) -> None:
            async for event in stream.events():
                message = event.message
                headers = dict(message.headers or ())
                cause_id, correlation = identify(headers, f"{topic.name}/{message.partition}/{message.offset}")
                cause = Cause(id=cause_id, correlation=correlation, at=f"{topic.name}/{message.partition}/{message.offset}")
                stamp = round(message.timestamp * 1000)
                self._handle(Record(topic.name, message.partition, message.offset, stamp, event.value, cause))

        return read
