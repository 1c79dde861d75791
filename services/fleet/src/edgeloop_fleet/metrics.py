"""Every metric that the service `fleet` owns."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge

from edgeloop_fleet.core.health import Watch


class Metrics:
    """Measurements of one process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # Devices by health; many LATE or LOST at a time: look at the broker and the network first.
        self.devices = Gauge("edgeloop_fleet_devices", "Devices by health.", ["tenant", "health"], registry=registry)
        # Heartbeats that were admitted; flat: devices, network or this service have stopped.
        self.heartbeats = Counter("edgeloop_fleet_heartbeats", "Heartbeats admitted.", registry=registry)
        # Commands and requests that were refused; the answers tell why.
        self.refused = Counter("edgeloop_fleet_refused", "Refused commands and requests.", ["reason"], registry=registry)

    def show(self, watches: Mapping[str, Watch]) -> None:
        """Show the devices of each tenant."""
        for tenant, watch in watches.items():
            for health, devices in watch.by_health.items():
                self.devices.labels(tenant, health.value).set(len(devices))
