"""Groups of the fleet's devices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from edgeloop_contracts import Device, MemberKey
from edgeloop_readers import Table


class Groups(Protocol):
    """Groups, however they are known."""

    def poll(self) -> None:
        """Take in what has arrived by now."""
        ...

    def of(self, member: MemberKey) -> str:
        """Group of a device; empty for none."""
        ...

    def known(self, tenant: str) -> frozenset[str]:
        """All groups of a tenant."""
        ...


class GroupsOfFleet:
    """Groups as ``fleet.devices`` has them.

    Parameters
    ----------
    table
        Table of that topic. It is read at once.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        table.refresh()

    def poll(self) -> None:
        """Take in what has arrived by now; asks nobody."""
        self._table.poll()

    def of(self, member: MemberKey) -> str:
        """Group of a device; empty for none."""
        record = self._table.get(member)
        return record.event.device_group if record is not None and isinstance(record.event, Device) else ""

    def known(self, tenant: str) -> frozenset[str]:
        """All groups of a tenant."""
        return frozenset(self._of_tenant(tenant)) - {""}

    def _of_tenant(self, tenant: str) -> Iterator[str]:
        for _, record in self._table.items():
            if isinstance(record.event, Device) and record.event.tenant == tenant:
                yield record.event.device_group


class NoGroups:
    """A fleet without groups."""

    def poll(self) -> None:
        """Take in nothing."""

    def of(self, member: MemberKey) -> str:
        """No group."""
        del member
        return ""

    def known(self, tenant: str) -> frozenset[str]:
        """None."""
        del tenant
        return frozenset()
