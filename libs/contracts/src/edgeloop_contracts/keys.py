"""Keys of records: typed texts that name a stream or a device.

A key is a text, so that Kafka, tables and messages take it as it is. A topic takes only keys of its own type.
"""

from __future__ import annotations

from typing import NewType, Protocol, Self

from edgeloop_contracts.events import DetectionProgress, DriftSignal, FleetConfig, FleetPolicy


class OfStream(Protocol):
    """An event that belongs to a stream."""

    @property
    def tenant(self) -> str:
        """Owner of the stream."""
        ...

    @property
    def stream(self) -> str:
        """Name of the stream."""
        ...


class OfDevice(OfStream, Protocol):
    """An event that belongs to a device."""

    @property
    def device_id(self) -> str:
        """Name of the device."""
        ...


class OfTenant(Protocol):
    """An event that belongs to a tenant."""

    @property
    def tenant(self) -> str:
        """Owner."""
        ...


class OfMember(OfTenant, Protocol):
    """An event that belongs to a device of a tenant's fleet, whatever streams it serves."""

    @property
    def device_id(self) -> str:
        """Name of the device."""
        ...


class StreamKey(str):
    """``tenant/stream``.

    Examples
    --------
    >>> key = StreamKey("acme", "pumps")
    >>> key, key.stream, StreamKey.parse("acme/pumps") == key
    ('acme/pumps', 'pumps', True)
    """

    __slots__ = ()

    def __new__(cls, tenant: str, stream: str) -> Self:
        """Key of a stream, or of all streams of the tenant if ``stream`` is empty."""
        return super().__new__(cls, f"{tenant}/{stream}")

    def __getnewargs__(self) -> tuple[str, str]:  # pyright: ignore[reportIncompatibleMethodOverride] - str gives one argument
        return self.tenant, self.stream

    @classmethod
    def of(cls, event: OfStream) -> Self:
        """Key of the stream that an event belongs to."""
        return cls(event.tenant, event.stream)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Key in a text.

        Raises
        ------
        ValueError
            It has another form.
        """
        return cls(*_parts(text, "tenant/stream", 2))

    @property
    def tenant(self) -> str:
        """Owner of the stream."""
        return self.partition("/")[0]

    @property
    def stream(self) -> str:
        """Name of the stream."""
        return self.partition("/")[2]


class DeviceKey(str):
    """``tenant/stream/device``.

    Examples
    --------
    >>> key = DeviceKey.parse("acme/pumps/p1")
    >>> key.device_id, key.stream_key
    ('p1', 'acme/pumps')
    >>> DeviceKey.parse("acme/pumps")
    Traceback (most recent call last):
    ...
    ValueError: key: expected tenant/stream/device, given 'acme/pumps'
    """

    __slots__ = ()

    def __new__(cls, tenant: str, stream: str, device_id: str) -> Self:
        """Key of a device."""
        return super().__new__(cls, f"{tenant}/{stream}/{device_id}")

    def __getnewargs__(self) -> tuple[str, str, str]:  # pyright: ignore[reportIncompatibleMethodOverride] - str gives one argument
        return self.tenant, self.stream, self.device_id

    @classmethod
    def of(cls, event: OfDevice) -> Self:
        """Key of the device that an event belongs to."""
        return cls(event.tenant, event.stream, event.device_id)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Key in a text.

        Raises
        ------
        ValueError
            It has another form.
        """
        return cls(*_parts(text, "tenant/stream/device", 3))

    @property
    def tenant(self) -> str:
        """Owner of the stream."""
        return self.split("/")[0]

    @property
    def stream(self) -> str:
        """Name of the stream."""
        return self.split("/")[1]

    @property
    def device_id(self) -> str:
        """Name of the device."""
        return self.split("/")[2]

    @property
    def names(self) -> tuple[str, str, str]:
        """Owner of the stream, name of the stream, and name of the device."""
        tenant, stream, device_id = self.split("/")
        return tenant, stream, device_id

    @property
    def stream_key(self) -> StreamKey:
        """Key of the device's stream."""
        return StreamKey(self.tenant, self.stream)


class MemberKey(str):
    """``tenant/device``: a device of a tenant's fleet, with all its streams.

    Examples
    --------
    >>> key = MemberKey.parse("acme/p1")
    >>> key.tenant, key.device_id, MemberKey.of(DeviceKey("acme", "pumps", "p1")) == key
    ('acme', 'p1', True)
    """

    __slots__ = ()

    def __new__(cls, tenant: str, device_id: str) -> Self:
        """Key of a device of a fleet."""
        return super().__new__(cls, f"{tenant}/{device_id}")

    def __getnewargs__(self) -> tuple[str, str]:  # pyright: ignore[reportIncompatibleMethodOverride] - str gives one argument
        return self.tenant, self.device_id

    @classmethod
    def of(cls, event: OfMember) -> Self:
        """Key of the device that an event, or the key of one of its streams, belongs to."""
        return cls(event.tenant, event.device_id)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Key in a text.

        Raises
        ------
        ValueError
            It has another form.
        """
        return cls(*_parts(text, "tenant/device", 2))

    @property
    def tenant(self) -> str:
        """Owner of the device."""
        return self.partition("/")[0]

    @property
    def device_id(self) -> str:
        """Name of the device."""
        return self.partition("/")[2]


def _parts(text: str, form: str, count: int) -> list[str]:
    parts = text.split("/")
    if len(parts) != count or not all(parts):
        raise ValueError(f"key: expected {form}, given {text[:200]!r}")
    return parts


def belongs(key: str, tenant: str, stream: str = "") -> bool:
    """Whether the key of a stream or a device belongs to a tenant and, if it is given, to a stream.

    >>> belongs("acme/pumps/p1", "acme"), belongs("acme/pumps/p1", "acme", "pumps"), belongs("acme/pumps2", "acme", "pumps")
    (True, True, False)
    """
    names = key.split("/")
    return names[0] == tenant and (not stream or names[1:2] == [stream])


ChunkKey = NewType("ChunkKey", str)
SignalKey = NewType("SignalKey", str)
AdapterKey = NewType("AdapterKey", str)
LetterKey = NewType("LetterKey", str)
InputKey = NewType("InputKey", str)
TenantKey = NewType("TenantKey", str)
ConfigKey = NewType("ConfigKey", str)
BeatKey = NewType("BeatKey", str)
OwnedKey = NewType("OwnedKey", str)


def chunk_key(digest: str, index: int) -> ChunkKey:
    """Key of one chunk of a model's file."""
    return ChunkKey(f"{digest}/{index}")


def signal_key(event: DriftSignal | DetectionProgress) -> SignalKey:
    """Key of a signal, which ends with its id; the stream's key for progress."""
    stream = StreamKey.of(event)
    return SignalKey(f"{stream}/{event.signal_id}" if isinstance(event, DriftSignal) else stream)


def adapter_key(stream: StreamKey, part: str) -> AdapterKey:
    """Key of a part of a mixture: ``frame``, ``adapter`` or ``block/<slot>``."""
    return AdapterKey(f"{stream}/{part}")


def input_key(service: str, topic: str, partition: int) -> InputKey:
    """Key of one partition of a service's input."""
    return InputKey(f"{service}/{topic}/{partition}")


def config_key(event: FleetConfig | FleetPolicy) -> ConfigKey:
    """Key of a configuration, ``tenant/scope/name``, or of a fleet's policy, ``tenant/policy``."""
    return ConfigKey(f"{event.tenant}/policy" if isinstance(event, FleetPolicy) else f"{event.tenant}/{event.scope.lower()}/{event.name}")


TICK_KEY = "tick"
"""Key of the ticks among the heartbeats; no device has it, since that of a device holds a slash."""


def owned_key(tenant: str, name: str) -> OwnedKey:
    """Key of what a tenant owns besides: a token, a command, a public key."""
    return OwnedKey(f"{tenant}/{name}")
