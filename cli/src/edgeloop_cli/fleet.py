"""Devices on this machine: inference processes, each with a disk and ports of its own."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import grpc
from edgeloop_errors import EXIT_UNUSABLE
from edgeloop_local import Supervisor
from edgeloop_local.errors import ending
from edgeloop_local.files import last_lines
from edgeloop_local.ports import PortBook

from edgeloop_cli.connection import Cluster
from edgeloop_cli.errors import FailedError
from edgeloop_cli.processes import Device, device_child

LIVE_S = 60.0
LOOK_S = 0.5


class Fleet:
    """Some devices under supervision.

    Parameters
    ----------
    devices
        See :func:`planned`.
    """

    def __init__(self, devices: Sequence[Device], data_dir: Path, cluster: Cluster) -> None:
        self.devices = tuple(devices)
        self._data_dir = data_dir
        environment = cluster.environment()
        self.supervisor = Supervisor(device_child(device, data_dir, environment) for device in devices)

    def start(self) -> None:
        """Start them; returns at once."""
        self.supervisor.start()

    def wait_live(self, timeout: float = LIVE_S) -> None:
        """Wait until each answers on its port; it need not have a model.

        Raises
        ------
        FailedError
            One does not in time, or says that it cannot start as it is set up.
        """
        deadline = time.monotonic() + timeout
        for device in self.devices:
            with grpc.insecure_channel(device.target) as channel:
                ready = grpc.channel_ready_future(channel)
                while not _within(ready, LOOK_S):
                    self._refuse(device, timeout if time.monotonic() > deadline else None)

    def _refuse(self, device: Device, waited: float | None) -> None:
        """Tell of a device that does not answer, if waiting on is of no use."""
        child = next(child for child in self.supervisor.status() if child.name == device.name)
        unusable = next((end for end in child.ends if end.exit_code == EXIT_UNUSABLE), None)
        if unusable is None and waited is None:
            return
        first = unusable or (child.ends[0] if child.ends else None)
        how = f"device {device.name} " + (ending(first.exit_code) if first else f"did not answer within {waited:.0f} s")
        said = "\n  ".join(first.last_lines if first else last_lines(child.log))
        raise FailedError(f"{how} (log: {child.log}); it said last:\n  {said}")

    def stop(self) -> None:
        """Stop them; harmless when repeated."""
        self.supervisor.stop()


def _within(ready: grpc.Future, seconds: float) -> bool:
    try:
        ready.result(seconds)
    except grpc.FutureTimeoutError:
        return False
    return True


def planned(names: Iterable[str], data_dir: Path, streams: tuple[str, ...] = (), *, remember: bool = True) -> list[Device]:
    """Devices with a free port each.

    Parameters
    ----------
    remember
        Whether a device of the same name gets the same ports next time; not for devices that live once.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    book = PortBook(data_dir / ("ports.json" if remember else "ports-of-runs.json"))
    slots = list(names)
    keys = slots if remember else [f"device {i}" for i in range(len(slots))]
    return [
        Device(name, grpc_port=book.choose(f"{key} gRPC"), http_port=book.choose(f"{key} HTTP"), streams=streams)
        for name, key in zip(slots, keys, strict=True)
    ]
