"""Devices, versions, rollouts and policies of all streams, as the state holds them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Protocol, TypeVar

from edgeloop_contracts import DeviceKey, Event, MemberKey, Policy, RolloutState, RolloutVersion, StreamKey
from edgeloop_contracts.events import RolloutDevice, RolloutTarget, RunningRollout

from edgeloop_rollout.core.evidence import Open
from edgeloop_rollout.core.policies import Plan, apply_policy
from edgeloop_rollout.core.records import record_of, rollout_of
from edgeloop_rollout.core.rollout_states import AwaitingApproval, Device, Paused, Rollout, Running

E = TypeVar("E", bound=Event)

NOTHING, UNKNOWN = RolloutState(), RolloutDevice()
HEARD_MS = 60_000
"""A device's time is noted once a minute, so that a heartbeat or a row rarely writes state."""


class Records(Protocol):
    """What is needed of :class:`edgeloop_streaming.State`."""

    def get(self, kind: type[E], key: str) -> E | None:
        """Record under a key."""
        ...

    def items(self, kind: type[E]) -> Iterator[tuple[str, E]]:
        """All records of a kind."""
        ...

    def put(self, key: str, event: Event) -> None:
        """Set a record."""
        ...

    def delete(self, kind: type[Event], key: str) -> None:
        """Remove a record."""
        ...


class Book:
    """What is known of streams and their devices.

    Invariant: the indices are a fold of the records.

    Parameters
    ----------
    records
        Of the partition.
    group_of
        Group of a device of the fleet; empty for none.
    """

    def __init__(self, records: Records, group_of: Callable[[MemberKey], str]) -> None:
        self._records = records
        self._group_of = group_of
        self._devices: dict[str, dict[str, RolloutDevice]] | None = None
        self._rollouts: dict[str, Rollout] = {}
        self._plans: dict[str, tuple[Policy, Plan]] = {}

    def stream(self, stream: StreamKey) -> RolloutState:
        """Record of a stream."""
        return self._records.get(RolloutState, stream) or NOTHING

    def put_stream(self, stream: StreamKey, record: RolloutState) -> None:
        """Set the record of a stream."""
        self._index().setdefault(stream, {})
        self._records.put(stream, record)

    def rollout(self, stream: StreamKey) -> Rollout | None:
        """Newest rollout of a stream."""
        if (known := self._rollouts.get(stream)) is not None:
            return known
        record = self.stream(stream)
        if record.running is not None:
            self._rollouts[stream] = rollout_of(stream, record.running)
        elif record.target is not None:  # written before there were phases
            self._rollouts[stream] = rollout_of(stream, RunningRollout(version=record.target.version))
        return self._rollouts.get(stream)

    def put_rollout(self, stream: StreamKey, rollout: Rollout, waiting: Open) -> None:
        """Set the newest rollout of a stream, with rows that are not compared yet."""
        self._rollouts[stream] = rollout
        self.put_stream(stream, replace(self.stream(stream), running=replace(record_of(rollout), open=waiting)))

    def waiting(self, stream: StreamKey) -> Open:
        """Rows that are not compared yet."""
        running = self.stream(stream).running
        return running.open if running is not None else ()

    def under_way(self) -> list[StreamKey]:
        """Streams whose rollout waits for devices, evidence or a person."""
        keys = [StreamKey.parse(key) for key in self._index()]
        return [key for key in keys if under_way(self.rollout(key))]

    def devices(self, stream: StreamKey) -> dict[str, RolloutDevice]:
        """Devices of a stream, in the order of their names."""
        found = self._index().setdefault(stream, {})
        return {name: found[name] for name in sorted(found)}

    def device(self, key: DeviceKey) -> RolloutDevice | None:
        """What is known of a device; ``None`` for one that has not reported."""
        return self._index().get(key.stream_key, {}).get(key.device_id)

    def put_device(self, key: DeviceKey, device: RolloutDevice) -> None:
        """Set what is known of a device."""
        if self.device(key) != device:
            self._index().setdefault(key.stream_key, {})[key.device_id] = device
            self._records.put(key, RolloutState(device=device))

    def heard(self, key: DeviceKey, at: int) -> None:
        """Note that a known device was heard."""
        device = self.device(key)
        if device is not None and at - device.heard >= HEARD_MS:
            self.put_device(key, replace(device, heard=at))

    def served(self, member: MemberKey) -> list[DeviceKey]:
        """The streams of a device."""
        keys = [StreamKey.parse(stream) for stream, devices in self._index().items() if member.device_id in devices]
        return [DeviceKey(key.tenant, key.stream, member.device_id) for key in keys if key.tenant == member.tenant]

    def fleet(self, stream: StreamKey) -> dict[str, Device]:
        """Devices of a stream as the machine sees them."""
        base = self._base(stream)
        return {name: self._viewed(stream.tenant, name, known, base) for name, known in self.devices(stream).items()}

    def view(self, stream: StreamKey, name: str, device: RolloutDevice) -> Device:
        """A device as the machine sees it: one that was told no version of its own was told the stream's target."""
        return self._viewed(stream.tenant, name, device, self._base(stream))

    def _base(self, stream: StreamKey) -> int | None:
        target = self.stream(stream).target
        return target.version if target is not None else None

    def _viewed(self, tenant: str, name: str, device: RolloutDevice, base: int | None) -> Device:
        assigned = device.assigned if device.assigned is not None else base
        return Device(self._group_of(MemberKey(tenant, name)), device.heard / 1000, assigned, device.installed, device.pinned)

    def note_target(self, stream: StreamKey, target: RolloutTarget) -> None:
        """Note a version that devices can be told to run."""
        self._records.put(f"{stream}/{target.version}", RolloutVersion(target=target))

    def aim(self, stream: StreamKey, version: int) -> None:
        """Let a version be that of all devices that are told no other."""
        record, target = self.stream(stream), self.target(stream, version)
        if target is None or record.target == target:
            return
        if record.target is not None:
            self.note_target(stream, record.target)
        self.put_stream(stream, replace(record, target=target))

    def target(self, stream: StreamKey, version: int) -> RolloutTarget | None:
        """File and signature of a version; ``None`` if there is no such version."""
        if (known := self._records.get(RolloutVersion, f"{stream}/{version}")) is not None:
            return known.target
        target = self.stream(stream).target  # written before versions were noted
        return target if target is not None and target.version == version else None

    def plan(self, stream: StreamKey) -> Plan:
        """Policy in force for a stream."""
        for key in (stream, StreamKey(stream.tenant, "")):
            if (policy := self._records.get(Policy, key)) is not None:
                known = self._plans.get(key)
                if known is None or known[0] is not policy:
                    known = self._plans[key] = (policy, apply_policy(Plan(), policy))
                return known[1]
        return Plan()

    def put_policy(self, policy: Policy) -> None:
        """Put a policy in force."""
        self._records.put(StreamKey.of(policy), policy)

    def drop_policy(self, policy: Policy) -> None:
        """Put a policy out of force; its absence is no error."""
        self._records.delete(Policy, StreamKey.of(policy))

    def _index(self) -> dict[str, dict[str, RolloutDevice]]:
        if self._devices is None:
            self._devices = {}
            for key, record in self._records.items(RolloutState):
                stream, _, name = key.rpartition("/") if key.count("/") == 2 else (key, "", "")
                found = self._devices.setdefault(stream, {})
                if name:
                    found[name] = record.device or UNKNOWN
        return self._devices


def under_way(rollout: Rollout | None) -> bool:
    """Whether a rollout waits for devices, evidence or a person."""
    return rollout is not None and isinstance(rollout.stage, Running | AwaitingApproval | Paused)
