"""Topics of the fleet: its devices, whatever streams they serve."""

from __future__ import annotations

from edgeloop_contracts import events as e
from edgeloop_contracts.key_forms import Key
from edgeloop_contracts.keys import BeatKey, ConfigKey, MemberKey, TenantKey
from edgeloop_contracts.topic import CLEANED_OFTEN, DAY, FOR_ANYBODY, FOREVER, Partitions, Topic

FLEET_COMMANDS = Topic[e.EnrolDevice | e.IssueToken | e.ChangeDevice | e.SetConfig | e.SetAdmission, TenantKey](
    name="fleet.commands",
    kinds=(e.EnrolDevice, e.IssueToken, e.ChangeDevice, e.SetConfig, e.SetAdmission),
    producer="",
    key=Key.TENANT,
    partitions=Partitions.ONE,
    log_append_time=True,
    retention_ms=FOREVER,
)
FLEET_ENROLMENTS = Topic[e.EnrolmentRequest, MemberKey](
    name="fleet.enrolments",
    kinds=(e.EnrolmentRequest,),
    producer="",
    key=Key.MEMBER,
    partitions=Partitions.ONE,
    log_append_time=True,
    retention_ms=30 * DAY,
)
# A tick of `fleet` lies among the heartbeats, so it lies behind each one that came before it: who catches up judges nobody too early.
FLEET_HEARTBEATS = Topic[e.Heartbeat | e.FleetTick, BeatKey](
    name="fleet.heartbeats",
    kinds=(e.Heartbeat, e.FleetTick),
    producer="",
    key=Key.BEAT,
    partitions=Partitions.ONE,
    log_append_time=True,
    retention_ms=DAY,
    config=dict(FOR_ANYBODY),
)
FLEET_ERRORS = Topic[e.DeviceError, MemberKey](
    name="fleet.errors",
    kinds=(e.DeviceError,),
    producer="",
    key=Key.MEMBER,
    partitions=Partitions.ONE,
    log_append_time=True,
    config=dict(FOR_ANYBODY),
)
FLEET_DEVICES = Topic[e.Device, MemberKey](
    name="fleet.devices",
    kinds=(e.Device,),
    producer="fleet",
    key=Key.MEMBER,
    partitions=Partitions.ONE,
    compacted=True,
    config=dict(FOR_ANYBODY),
)
FLEET_HEALTH = Topic[e.DeviceHealth, MemberKey](
    name="fleet.health",
    kinds=(e.DeviceHealth,),
    producer="fleet",
    key=Key.MEMBER,
    partitions=Partitions.ONE,
    compacted=True,
    config=CLEANED_OFTEN | FOR_ANYBODY,
)
FLEET_CONFIG = Topic[e.FleetConfig | e.FleetPolicy, ConfigKey](
    name="fleet.config",
    kinds=(e.FleetConfig, e.FleetPolicy),
    producer="fleet",
    key=Key.CONFIG,
    partitions=Partitions.ONE,
    compacted=True,
    config=dict(FOR_ANYBODY),
)
FLEET_ANSWERS = Topic[e.CommandAccepted | e.EnrolmentRefused, TenantKey](
    name="fleet.answers",
    kinds=(e.CommandAccepted, e.EnrolmentRefused),
    producer="fleet",
    key=Key.TENANT,
    partitions=Partitions.ONE,
    retention_ms=30 * DAY,
)
