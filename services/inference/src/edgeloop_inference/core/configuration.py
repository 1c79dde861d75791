"""The configuration that a device runs: the nearest scope wins, field by field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from edgeloop_contracts import ConfigScope, DeviceConfig, FleetConfig
from edgeloop_contracts.device_settings import (
    HEARTBEAT_S,
    LEAST_BANDWIDTH,
    LEAST_OUTBOX_BYTES,
    LEAST_OUTBOX_ROWS,
    LOG_LEVELS,
    SCHEMA_VERSION,
)
from edgeloop_contracts.keys import ConfigKey, config_key
from edgeloop_contracts.plausibility import is_name

_FIELDS = tuple(one.name for one in fields(DeviceConfig))
_NEAREST_FIRST = (ConfigScope.DEVICE, ConfigScope.GROUP, ConfigScope.TENANT)


@dataclass(frozen=True, slots=True)
class Running:
    """Settings in force on a device.

    Attributes
    ----------
    sampling
        Share of requests that is reported.
    outbox_rows, outbox_bytes
        Bounds of the outbox.
    streams
        Streams that it serves; empty for every stream that is defined.
    log_level
        Least level that is logged.
    heartbeat_s
        Seconds between heartbeats.
    bandwidth
        Bytes a second that the outbox sends at most; ``None`` for no limit.
    """

    sampling: float
    outbox_rows: int
    outbox_bytes: int
    streams: tuple[str, ...]
    log_level: str
    heartbeat_s: float
    bandwidth: int | None = None


@dataclass(frozen=True, slots=True)
class Resolution:
    """Outcome of all scopes that apply to a device.

    Attributes
    ----------
    running
        Settings in force.
    version
        Highest version among the scopes in force; 0 without any.
    """

    running: Running
    version: int = 0


def fault(given: FleetConfig) -> str:
    """Reason why a configuration cannot be applied; empty if it can.

    >>> fault(FleetConfig(tenant="t", schema_version=2))
    'schema_version: expected 1, given 2'
    >>> fault(FleetConfig(tenant="t", schema_version=1, config=DeviceConfig(sampling=0.0)))
    'sampling: expected above 0 and at most 1, given 0.0'
    """
    if given.schema_version != SCHEMA_VERSION:
        return f"schema_version: expected {SCHEMA_VERSION}, given {given.schema_version}"
    config = given.config
    least, most = HEARTBEAT_S
    checks: tuple[tuple[str, Any, bool, str], ...] = (
        ("sampling", config.sampling, config.sampling is None or 0 < config.sampling <= 1, "above 0 and at most 1"),
        ("outbox_rows", config.outbox_rows, _at_least(config.outbox_rows, LEAST_OUTBOX_ROWS), f"at least {LEAST_OUTBOX_ROWS}"),
        ("outbox_bytes", config.outbox_bytes, _at_least(config.outbox_bytes, LEAST_OUTBOX_BYTES), f"at least {LEAST_OUTBOX_BYTES}"),
        ("streams", config.streams, all(map(is_name, config.streams or ())), "names of streams"),
        ("log_level", config.log_level, config.log_level in (None, *LOG_LEVELS), f"one of {', '.join(LOG_LEVELS)}"),
        ("heartbeat_s", config.heartbeat_s, config.heartbeat_s is None or least <= config.heartbeat_s <= most, f"{least:g} to {most:g}"),
        ("bandwidth", config.bandwidth, _at_least(config.bandwidth, LEAST_BANDWIDTH), f"at least {LEAST_BANDWIDTH}"),
    )
    return next((f"{name}: expected {expected}, given {value!r}" for name, value, good, expected in checks if not good), "")


def _at_least(value: int | None, least: int) -> bool:
    return value is None or value >= least


def resolve(own: Running, configs: Iterable[FleetConfig], tenant: str, device: str, group: str) -> Resolution:
    """Settings of a device from its own ones and the configurations of its tenant, its group and itself.

    Parameters
    ----------
    own
        The device's own settings.
    configs
        Configurations without a fault, of any scope and tenant.
    group
        Group of the device; empty for none.
    """
    names = {ConfigScope.TENANT: "", ConfigScope.GROUP: group, ConfigScope.DEVICE: device}
    scopes = {
        one.scope: one
        for one in configs
        if one.tenant == tenant and one.name == names[one.scope] and not (one.scope is ConfigScope.GROUP and not group)
    }
    nearest = [scopes[scope].config for scope in _NEAREST_FIRST if scope in scopes and not scopes[scope].withdrawn]
    chosen: dict[str, Any] = {}
    for name in _FIELDS:
        value = next((given for config in nearest if (given := getattr(config, name)) is not None), None)
        if value is not None:
            chosen[name] = tuple(value) if name == "streams" else value
    return Resolution(replace(own, **chosen), max((one.version for one in scopes.values()), default=0))


@dataclass(slots=True)
class Configurations:
    """Configurations of a tenant as they came: the newest good one of each scope stays in force while a newer one is refused."""

    good: dict[ConfigKey, FleetConfig] = field(default_factory=dict[ConfigKey, FleetConfig])
    _faults: dict[ConfigKey, tuple[FleetConfig, str]] = field(default_factory=dict[ConfigKey, tuple[FleetConfig, str]])

    def take(self, given: FleetConfig) -> None:
        """Note the newest record of a scope."""
        key = config_key(given)
        if why := fault(given):
            self._faults[key] = (given, why)
        else:
            self._faults.pop(key, None)
            self.good[key] = given

    def refused(self, device: str, group: str) -> str:
        """Reason of the newest refused configuration that applies to a device; empty without any."""
        names: Mapping[ConfigScope, str] = {ConfigScope.TENANT: "", ConfigScope.GROUP: group or "\0", ConfigScope.DEVICE: device}
        found = [(given.version, given, why) for given, why in self._faults.values() if given.name == names[given.scope]]
        if not found:
            return ""
        version, given, why = max(found, key=lambda one: one[0])
        return f"version {version} of {given.scope.lower()} {given.name}".rstrip() + f": {why}"
