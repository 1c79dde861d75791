"""Our Avro codec as Faust takes it. Faust's own codecs are never used: one of them (pickle) runs what it reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgeloop_contracts import Topic
from edgeloop_kafka import Codec, RegistryUnavailableError
from edgeloop_kafka.codec import UndecodableError, UnknownKindError
from faust.serializers.codecs import Codec as FaustCodec


@dataclass(frozen=True, slots=True)
class Undecodable:
    """Stands in the place of an event that could not be read.

    An exception would do the same with more noise: Faust acknowledges the record either way.
    """

    reason: str
    message: str = ""


class EventCodec(FaustCodec):
    """Reads and writes the events of one topic.

    Parameters
    ----------
    children
        As Faust chains codecs; none here.
    codec, topic
        What to read with, and which topic's events.
    """

    def __init__(self, children: tuple[Any, ...] | None = None, *, codec: Codec, topic: Topic) -> None:
        super().__init__(children, codec=codec, topic=topic)
        self._codec = codec
        self._topic = topic

    def _loads(self, s: bytes) -> Any:
        try:
            return self._codec.decode(self._topic, s)
        except UndecodableError as error:
            return Undecodable(error.reason, error.message)
        except UnknownKindError as error:
            return Undecodable("UNKNOWN_KIND", str(error))
        except RegistryUnavailableError as error:
            return Undecodable("REGISTRY_UNAVAILABLE", str(error))

    def _dumps(self, s: Any) -> bytes:
        return self._codec.encode(self._topic, s)
