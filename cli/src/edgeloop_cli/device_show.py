"""One device in detail: ``edgeloop device show``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from edgeloop_cli import options
from edgeloop_cli.device_steps import Name, context_of
from edgeloop_cli.errors import exit_on_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgeloop_contracts import DeviceError
    from edgeloop_streaming import Context

    from edgeloop_cli.core.members import Known

MOST_ERRORS = 5


def show(
    name: Name,
    tenant: options.Tenant = "default",
    as_json: options.Json = False,
    bootstrap: options.Bootstrap = "",
    schema_registry: options.SchemaRegistry = "",
    data_dir: options.DataDir = options.DATA_DIR,
) -> None:
    """Show a device: its standing, keys, health, configuration and newest errors."""
    with exit_on_error():
        from edgeloop_cli import fleet_service
        from edgeloop_cli.core.members import effective
        from edgeloop_cli.device_config import held

        here = context_of(data_dir, bootstrap, schema_registry)
        known = fleet_service.device_of(here, tenant, name)
        configs = held(fleet_service.configurations(here), tenant)
        settings = {key: value for key, (value, _) in effective(configs, tenant, known.member.device_group, name).items()}
        errors = _errors(here, tenant, name)
        if as_json:
            print(json.dumps(as_object(known, settings, errors), indent=2))
        else:
            print("\n".join(_lines(known, settings, errors)))


def as_object(known: Known, settings: dict[str, Any], errors: list[DeviceError]) -> dict[str, Any]:
    """For programs."""
    from edgeloop_cli import fleet_service
    from edgeloop_cli.core.event_text import moment

    health = known.health
    return {
        "tenant": known.member.tenant,
        "device": known.member.device_id,
        **fleet_service.as_object(known.member),
        "health": known.state.value,
        "since": moment(health.since) if health else None,
        "heard": moment(health.heard) if health else None,
        "twins": list(health.twins) if health else [],
        "vitals": health.vitals.as_dict() if health and health.vitals else None,
        "config": settings,
        "errors": [error.as_dict() for error in errors],
    }


def _lines(known: Known, settings: dict[str, Any], errors: list[DeviceError]) -> Iterator[str]:
    from edgeloop_contracts import MemberKey

    from edgeloop_cli.core.event_text import moment

    member, health = known.member, known.health
    labels = " ".join(f"{name}={value}" for name, value in member.labels.items())
    yield f"{MemberKey.of(member)}: {member.enrolment.value.lower()}, {known.state.value.lower()}"
    yield f"  group {member.device_group or '-'}, labels {labels or '-'}"
    if member.who or member.why:
        yield f"  changed last by {member.who or 'the device'}: {member.why or '-'}"
    for key in member.keys:
        ends = f", ends {moment(key.until)}" if key.until is not None else ""
        yield f"  key {key.key_id} since {moment(key.since)}{ends}"
    for state in known.states:
        yield f"  {state}"
    if health is not None:
        yield f"  heard {moment(health.heard)}, {health.health.value.lower()} since {moment(health.since)}"
    if health is not None and health.vitals is not None:
        vitals = health.vitals
        yield f"  process {vitals.instance} on {vitals.host}, up {vitals.uptime_s:,.0f} s, configuration {vitals.config_version or '-'}"
        age = f", the oldest {vitals.outbox_age_s:,.0f} s" if vitals.outbox_age_s is not None else ""
        yield f"  outbox {vitals.outbox_rows:,} rows{age}"
        if vitals.clock_offset_ms is not None:
            yield f"  clock {vitals.clock_offset_ms / 1000:+,.1f} s against the broker"
        for served in vitals.streams:
            slow = f", p99 {served.p99_ms:.1f} ms" if served.p99_ms is not None else ""
            yield f"  {served.stream}: version {served.version or '-'}, {served.requests:,} requests, {served.failed:,} failed{slow}"
    for name, value in settings.items():
        yield f"  configured: {name} {value}"
    for error in errors[:MOST_ERRORS]:
        yield f"  error {error.kind}, {error.count:,} times, last {moment(error.last_seen)}: {error.message.splitlines()[0] if error.message else ''}"


def _errors(here: Context, tenant: str, name: str) -> list[DeviceError]:
    """Newest report of each error of a device, the newest first."""
    from edgeloop_contracts import MemberKey, topics
    from edgeloop_readers.topic_tail import TopicTail

    found: dict[str, DeviceError] = {}
    tail = TopicTail(here.settings, here.codec, topics.FLEET_ERRORS)
    try:
        for record in tail.existing():
            event: Any = getattr(record, "event", None)
            if event is not None and record.key == MemberKey(tenant, name):
                found[event.fingerprint] = event
    finally:
        tail.close()
    return sorted(found.values(), key=lambda error: -error.last_seen)
