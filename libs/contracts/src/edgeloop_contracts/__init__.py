"""Events, topics and rpc messages: what the services of edgeloop agree on."""

from edgeloop_contracts import topics
from edgeloop_contracts.event import Event
from edgeloop_contracts.events import *  # noqa: F403  # pyright: ignore[reportWildcardImportFromLibrary] - the generated module lists its names
from edgeloop_contracts.events import EVENTS
from edgeloop_contracts.events import __all__ as _generated
from edgeloop_contracts.key_forms import Key
from edgeloop_contracts.keys import DeviceKey, MemberKey, StreamKey
from edgeloop_contracts.topic import Partitions, Topic

__all__ = ["EVENTS", "DeviceKey", "Event", "Key", "MemberKey", "Partitions", "StreamKey", "Topic", "topics", *_generated]  # pyright: ignore[reportUnsupportedDunderAll]
