"""Configurations of tenants, groups and devices, and the policy of a tenant."""

from __future__ import annotations

import math
from collections.abc import Iterable

from edgeloop_contracts import ConfigScope, Device, DeviceConfig, FleetConfig, FleetPolicy, MemberKey, SetAdmission, SetConfig
from edgeloop_contracts.device_settings import (
    HEARTBEAT_S,
    LEAST_BANDWIDTH,
    LEAST_OUTBOX_BYTES,
    LEAST_OUTBOX_ROWS,
    LOG_LEVELS,
    SCHEMA_VERSION,
)
from edgeloop_contracts.plausibility import is_name
from edgeloop_contracts.topic import DAY

from edgeloop_fleet.core.names import check_name
from edgeloop_fleet.core.refusals import NotCarriedOutError, Reason

MOST_STREAMS = 1_000
BEATS = 2
"""Heartbeats that must fit into the time after which a device is late."""
_BOUNDS: dict[str, tuple[float, float]] = {
    "outbox_rows": (LEAST_OUTBOX_ROWS, 2**40),
    "outbox_bytes": (LEAST_OUTBOX_BYTES, 2**50),
    "heartbeat_s": HEARTBEAT_S,
    "bandwidth": (LEAST_BANDWIDTH, 2**40),
}


def configured(command: SetConfig, known: Iterable[FleetConfig], device: Device | None, policy: FleetPolicy) -> FleetConfig:
    """The configuration that a command sets.

    Parameters
    ----------
    known
        All configurations of the tenant, withdrawn ones included.
    device
        The device of that name; asked for scope ``DEVICE`` alone. A group needs no device yet.

    Raises
    ------
    NotCarriedOutError
        The schema version is unknown, a value is out of range, or the scope names nothing.
    """
    if command.schema_version != SCHEMA_VERSION:
        raise NotCarriedOutError(
            Reason.UNKNOWN_SCHEMA_VERSION, f"schema_version: expected {SCHEMA_VERSION}, given {command.schema_version}; nothing was changed"
        )
    if command.scope is ConfigScope.TENANT and command.name:
        raise NotCarriedOutError(Reason.IMPOSSIBLE, f"name: expected none for the whole tenant, given {command.name[:64]!r}")
    check_name("name", command.name, empty=command.scope is ConfigScope.TENANT)
    if command.scope is ConfigScope.DEVICE and device is None:
        raise NotCarriedOutError(
            Reason.UNKNOWN_DEVICE, f"{MemberKey(command.tenant, command.name)} is not known: enrol it, or let it be heard first"
        )
    before = {(one.scope, one.name): one for one in known}
    newest = before.get((command.scope, command.name))
    if command.withdrawn and (newest is None or newest.withdrawn):
        raise NotCarriedOutError(Reason.IMPOSSIBLE, f"there is no configuration of {_place(command)} to withdraw")
    config = DeviceConfig() if command.withdrawn else command.config
    _check(config)
    if config.heartbeat_s is not None and BEATS * config.heartbeat_s > policy.late_s:
        raise NotCarriedOutError(
            Reason.IMPOSSIBLE,
            f"heartbeat_s: expected at most {policy.late_s / BEATS:g}, since devices are late after {policy.late_s:g} s; given {config.heartbeat_s:g}",
        )
    return FleetConfig(
        tenant=command.tenant,
        scope=command.scope,
        name=command.name,
        version=1 + max((one.version for one in before.values()), default=0),
        schema_version=SCHEMA_VERSION,
        withdrawn=command.withdrawn,
        config=config,
        who=command.who,
        why=command.why,
    )


def governed(command: SetAdmission, known: Iterable[FleetConfig]) -> FleetPolicy:
    """The policy that a command sets.

    Raises
    ------
    NotCarriedOutError
        A time is out of range, or shorter than the heartbeats that a configuration asks for.
    """
    late, lost = command.late_s, command.lost_s
    if not (math.isfinite(late) and math.isfinite(lost) and 1 <= late <= lost <= 366 * DAY / 1000):
        raise NotCarriedOutError(
            Reason.IMPOSSIBLE, f"late_s, lost_s: expected 1 or more, and late_s at most lost_s; given {late:g}, {lost:g}"
        )
    slowest = max((one.config.heartbeat_s or 0.0 for one in known), default=0.0)
    if BEATS * slowest > late:
        raise NotCarriedOutError(
            Reason.IMPOSSIBLE,
            f"late_s: expected at least {BEATS * slowest:g}, since a configuration asks for heartbeats every {slowest:g} s",
        )
    return FleetPolicy(tenant=command.tenant, admission=command.admission, late_s=late, lost_s=lost, who=command.who, why=command.why)


def _check(config: DeviceConfig) -> None:
    if config.sampling is not None and not 0 < config.sampling <= 1:
        raise NotCarriedOutError(Reason.IMPOSSIBLE, f"sampling: expected above 0 and at most 1, given {config.sampling:g}")
    for field, (least, most) in _BOUNDS.items():
        value = getattr(config, field)
        if value is not None and not least <= value <= most:
            raise NotCarriedOutError(Reason.IMPOSSIBLE, f"{field}: expected {least:,} to {most:,}, given {value:,}")
    if config.log_level is not None and config.log_level not in LOG_LEVELS:
        raise NotCarriedOutError(Reason.IMPOSSIBLE, f"log_level: expected {', '.join(LOG_LEVELS)}, given {config.log_level[:64]!r}")
    if config.streams is not None:
        if not 1 <= len(config.streams) <= MOST_STREAMS or len(set(config.streams)) != len(config.streams):
            raise NotCarriedOutError(
                Reason.IMPOSSIBLE, f"streams: expected 1 to {MOST_STREAMS} different names, given {len(config.streams)}"
            )
        for stream in config.streams:
            if not is_name(stream):
                raise NotCarriedOutError(Reason.IMPOSSIBLE, f"streams: expected names of streams, given {stream[:64]!r}")


def _place(command: SetConfig) -> str:
    return {ConfigScope.TENANT: f"tenant {command.tenant}", ConfigScope.GROUP: f"group {command.name}"}.get(
        command.scope, f"device {command.name}"
    )
