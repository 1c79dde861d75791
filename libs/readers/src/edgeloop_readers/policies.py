"""Policies: what people may change about a service while it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from edgeloop_contracts import Policy, StreamKey
from prometheus_client import CollectorRegistry, Counter

from edgeloop_readers.table import Table

T = TypeVar("T")


class Policies(Generic[T]):
    """Policy in force for a stream: its own, else that of all streams of its tenant, else the service's settings.

    A policy that makes no sense is as good as none: it is logged once and counted.

    Parameters
    ----------
    table
        Table of ``policies``. It is read at once, so a restarted service begins with its earlier policies.
    settings
        What the service does without a policy.
    taken
        Combines the settings with a policy; raises ``ValueError`` if the result makes no sense.
    registry
        Where the count is registered.
    log
        Of the process.
    """

    def __init__(self, table: Table, settings: T, taken: Callable[[T, Policy], T], registry: CollectorRegistry, log: Any) -> None:
        self._table = table
        self._settings = settings
        self._taken = taken
        self._log = log
        self._known: dict[str, tuple[int, T | None]] = {}
        # Policies that this service cannot take, each once.
        self._ignored = Counter("edgeloop_policies_ignored", "Policies that make no sense here.", registry=registry)
        self.refresh()

    def refresh(self) -> None:
        """Take in every policy that has been written until now; asks the broker."""
        self._table.refresh()

    def poll(self) -> None:
        """Take in policies that have arrived by now; asks nobody, and so costs next to nothing."""
        self._table.poll()

    def of(self, tenant: str, stream: str) -> T:
        """Policy in force for a stream."""
        for key in (StreamKey(tenant, stream), StreamKey(tenant, "")):
            if (found := self._at(key)) is not None:
                return found
        return self._settings

    def _at(self, key: str) -> T | None:
        record = self._table.get(key)
        if record is None:
            return None
        known = self._known.get(key)
        if known is None or known[0] != record.offset:
            known = self._known[key] = (record.offset, self._made(key, record.event))
        return known[1]

    def _made(self, key: str, policy: Policy) -> T | None:
        if policy.withdrawn:
            return None
        try:
            made = self._taken(self._settings, policy)
        except ValueError as error:
            self._ignored.inc()
            self._log.warning("policy ignored", key=key, version=policy.version, reason=str(error))
            return None
        self._log.info("policy", key=key, name=policy.name, version=policy.version)
        return made
