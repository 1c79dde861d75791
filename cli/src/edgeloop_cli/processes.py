"""The services and devices as child processes: what each is started with."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgeloop_local import ChildSpec
from edgeloop_signing.keys import KeyPair

SERVICES = ("ingestion", "labels", "drift", "retraining", "trainer", "adapter", "registry", "rollout")
OBSERVERS = ("monitoring",)  # look on: nobody waits for them, and no result depends on them
MIRROR = "mirror"  # looks on, too, where there is an MLflow to bring runs to

# One thread a process: the machine has more processes than cores, and every pool costs memory of its own.
_SMALL = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_TRIM_THRESHOLD_": "131072",
    "PYTHONUNBUFFERED": "1",
}


@dataclass(frozen=True, slots=True)
class Keys:
    """Pairs of keys, one for each service whose word others take, and for nothing else."""

    registry: KeyPair
    adapter: KeyPair
    trainer: KeyPair


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


def observers(environment: Mapping[str, str]) -> tuple[str, ...]:
    """What looks on: the mirror only where the environment names an MLflow."""
    return (*OBSERVERS, MIRROR) if environment.get("MLFLOW_TRACKING_URI") else OBSERVERS


def service_spec(name: str, http_port: int, data_dir: Path, cluster: Mapping[str, str], keys: Keys) -> ChildSpec:
    """How one service is started.

    Parameters
    ----------
    cluster
        Variables that name Kafka and the schema registry.
    """
    own = {
        "labels": {"EDGELOOP_LABELS_DATA_DIR": str(data_dir / "services" / "labels")},
        "registry": {
            "EDGELOOP_REGISTRY_KEY_FILE": str(keys.registry.private),
            "EDGELOOP_REGISTRY_TRAINER_TRUST_FILE": str(keys.trainer.public),
        },
        "trainer": {"EDGELOOP_TRAINER_KEY_FILE": str(keys.trainer.private)},
        "mirror": {"EDGELOOP_MIRROR_TRUST_FILE": str(keys.registry.public)},
        "adapter": {"EDGELOOP_ADAPTER_KEY_FILE": str(keys.adapter.private)},
    }
    return ChildSpec(
        name=name,
        argv=[sys.executable, "-m", f"edgeloop_{name}"],
        log=data_dir / "logs" / "services" / f"{name}.log",
        env={**_SMALL, **cluster, "EDGELOOP_HTTP_PORT": str(http_port), **own.get(name, {})},
        port=http_port,
    )


def device_spec(device: Device, data_dir: Path, cluster: Mapping[str, str], keys: Keys) -> ChildSpec:
    """How one device is started. It is ready only when it has a model, so that readiness is not waited for here."""
    return ChildSpec(
        name=device.name,
        argv=[sys.executable, "-m", "edgeloop_inference"],
        log=data_dir / "logs" / "devices" / f"{device.name}.log",
        env={
            **_SMALL,
            **cluster,
            "EDGELOOP_HTTP_PORT": str(device.http_port),
            "EDGELOOP_INFERENCE_DEVICE": device.name,
            "EDGELOOP_INFERENCE_STREAMS": ",".join(device.streams),
            "EDGELOOP_INFERENCE_GRPC_PORT": str(device.grpc_port),
            "EDGELOOP_INFERENCE_DATA_DIR": str(data_dir / "devices" / device.name),
            "EDGELOOP_INFERENCE_TRUST_FILE": str(keys.registry.public),
            "EDGELOOP_INFERENCE_ADAPTER_TRUST_FILE": str(keys.adapter.public),
        },
    )
