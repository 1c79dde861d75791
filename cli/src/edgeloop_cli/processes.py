"""Services and devices as child processes, made from the services' specifications."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgeloop_contracts.service_spec import Files, ServiceSpec, local_files
from edgeloop_contracts.services import SERVICES as SPECS
from edgeloop_local import ChildSpec

DEVICE = next(spec for spec in SPECS.values() if spec.device)
SERVICES = tuple(spec.name for spec in SPECS.values() if not spec.device and not spec.observer)
"""Services of the loop, in the order of the data."""

# One thread a process: the machine has more processes than cores, and every pool costs memory of its own.
_SMALL = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_TRIM_THRESHOLD_": "131072",
    "PYTHONUNBUFFERED": "1",
}


@dataclass(frozen=True, slots=True)
class Device:
    """A device that was started here.

    Attributes
    ----------
    name
        Its device id.
    grpc_port, http_port
        Where it serves, on the loopback interface.
    streams
        The streams that it serves; none for every one.
    """

    name: str
    grpc_port: int
    http_port: int
    streams: tuple[str, ...] = ()

    @property
    def target(self) -> str:
        """Address of its gRPC server."""
        return f"127.0.0.1:{self.grpc_port}"

    def environment(self) -> dict[str, str]:
        """Variables that make a process this device."""
        return {
            f"{DEVICE.prefix}DEVICE": self.name,
            f"{DEVICE.prefix}STREAMS": ",".join(self.streams),
            f"{DEVICE.prefix}GRPC_PORT": str(self.grpc_port),
        }


def observers(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Observers whose needs the environment meets: nobody waits for them, and no result depends on them."""
    met = (spec for spec in SPECS.values() if not spec.needs or environment.get(spec.needs))
    return tuple(spec.name for spec in met if spec.observer)


def service_child(name: str, http_port: int, data_dir: Path, cluster: Mapping[str, str]) -> ChildSpec:
    """The process of a service.

    Parameters
    ----------
    data_dir
        Folder of logs, keys and files.
    cluster
        Variables that name Kafka and the schema registry.
    """
    return _child(SPECS[name], name, http_port, local_files(data_dir, name), data_dir / "logs" / "services", cluster)


def device_child(device: Device, data_dir: Path, cluster: Mapping[str, str]) -> ChildSpec:
    """The process of a device. A device is ready only once it has a model, so nobody waits for its readiness here."""
    files = Files(data=data_dir / "devices" / device.name, keys=data_dir / "keys", trust=data_dir / "keys")
    return _child(DEVICE, device.name, device.http_port, files, data_dir / "logs" / "devices", {**cluster, **device.environment()})


def _child(spec: ServiceSpec, name: str, port: int, files: Files, logs: Path, variables: Mapping[str, str]) -> ChildSpec:
    own = {**_SMALL, **variables, "EDGELOOP_HTTP_PORT": str(port), **spec.environment(files)}
    # A device does not wait for a port that answers only once it has a model.
    return ChildSpec(
        name=name, argv=[sys.executable, "-m", spec.package], log=logs / f"{name}.log", env=own, port=None if spec.device else port
    )
