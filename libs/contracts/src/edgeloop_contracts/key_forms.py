"""Forms of topics' keys, each with the key of an event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from edgeloop_contracts.events import (
    DetectionProgress,
    DriftSignal,
    FleetConfig,
    FleetPolicy,
    FleetTick,
    Gap,
    Heartbeat,
    ModelChunk,
    Redrive,
    Skip,
)
from edgeloop_contracts.keys import (
    TICK_KEY,
    AdapterKey,
    BeatKey,
    ChunkKey,
    ConfigKey,
    DeviceKey,
    InputKey,
    LetterKey,
    MemberKey,
    OfDevice,
    OfMember,
    OfStream,
    OfTenant,
    SignalKey,
    StreamKey,
    TenantKey,
    chunk_key,
    config_key,
    input_key,
    signal_key,
)


def _of_beat(event: Heartbeat | FleetTick) -> BeatKey:
    return BeatKey(TICK_KEY if isinstance(event, FleetTick) else MemberKey.of(event))


def _of_tenant(event: OfTenant) -> TenantKey:
    return TenantKey(event.tenant)


def _of_chunk(chunk: ModelChunk) -> ChunkKey:
    return chunk_key(chunk.digest, chunk.index)


def _of_letter(redrive: Redrive) -> LetterKey:
    return LetterKey(redrive.letter)


def _of_input(event: Gap | Skip) -> InputKey:
    return input_key(event.service, event.topic, event.partition)


E_contra = TypeVar("E_contra", contravariant=True)
K_co = TypeVar("K_co", bound=str, covariant=True)


@dataclass(frozen=True)  # slots and type arguments do not go together in Python 3.11
class KeyForm(Generic[E_contra, K_co]):
    """Form of a topic's keys.

    Attributes
    ----------
    text
        Parts of a key, for people.
    of
        Key of an event; ``None`` if the event does not determine it.
    """

    text: str
    of: Callable[[E_contra], K_co] | None = None


class Key:
    """Forms of keys."""

    DEVICE = KeyForm[OfDevice, DeviceKey]("tenant/stream/device", DeviceKey.of)
    STREAM = KeyForm[OfStream, StreamKey]("tenant/stream", StreamKey.of)
    MEMBER = KeyForm[OfMember, MemberKey]("tenant/device", MemberKey.of)
    TENANT = KeyForm[OfTenant, TenantKey]("tenant", _of_tenant)
    BEAT = KeyForm[Heartbeat | FleetTick, BeatKey]("tenant/device, or tick", _of_beat)
    CONFIG = KeyForm[FleetConfig | FleetPolicy, ConfigKey]("tenant/scope/name, or tenant/policy", config_key)
    CHUNK = KeyForm[ModelChunk, ChunkKey]("digest/index", _of_chunk)
    SIGNAL = KeyForm[DriftSignal | DetectionProgress, SignalKey](
        "tenant/stream/signal, lying in the partition of tenant/stream", signal_key
    )
    ADAPTER = KeyForm[Any, AdapterKey]("tenant/stream/frame, …/adapter or …/block/slot, lying in the partition of tenant/stream")
    POLICY = KeyForm[OfStream, StreamKey]("tenant/stream, or tenant/ for all streams", StreamKey.of)
    STATE = KeyForm[Any, str]("kind/key")
    ORIGINAL = KeyForm[Any, str]("as received")
    LETTER = KeyForm[Redrive, LetterKey]("place of the dead letter", _of_letter)
    INPUT = KeyForm[Gap | Skip, InputKey]("service/topic/partition", _of_input)
