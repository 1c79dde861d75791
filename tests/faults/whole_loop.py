"""The whole loop for tests that kill its parts: services, an answering device, and their feed."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from edgeloop_cli import cluster_setup
from edgeloop_cli.device_client import DeviceClient
from edgeloop_cli.errors import FailedError
from edgeloop_cli.processes import SERVICES, Device, device_child, service_child
from edgeloop_contracts import DeviceReport, DeviceStatus, Feature, Label, ObservationBatch, RegisterStream, StartTraining, topics
from edgeloop_kafka import KafkaSettings
from edgeloop_local import ChildSpec
from edgeloop_local.ports import PortBook
from edgeloop_streaming import Context
from faults.scene import DEVICES, Item
from support.checker import Row
from support.processes import environment

PUMPS = "pumps"
SMALL = tuple(f"small-{n}" for n in range(40))
FEATURES = (Feature(name="x"), Feature(name="y"))
CLASSES = ("a", "b")
WARMUP, SMALL_ROWS = 200, 40
TURN = 1_500  # rows after which the concept flips
DEVICE = "device"
ASKS = 20.0  # rows per second sent to the device


def register(stream: str) -> Item:
    """Ask for the definition of a stream."""
    return (
        topics.MODEL_COMMANDS,
        f"default/{stream}",
        RegisterStream(tenant="default", stream=stream, features=FEATURES, label="state", classes=CLASSES),
    )


def train(stream: str, rows: int) -> Item:
    """Ask for a first version of its model."""
    return (
        topics.RETRAINING_COMMANDS,
        f"default/{stream}",
        StartTraining(tenant="default", stream=stream, command_id=f"{stream}-first", rows=rows),
    )


def label(stream: str, row: Row, truth: str) -> Item:
    """The label of a row."""
    device, epoch, seq = row
    return (
        topics.LABELS_RAW,
        f"default/{stream}/{device}",
        Label(tenant="default", stream=stream, device_id=device, boot_epoch=epoch, seq=seq, label=truth),
    )


def warm_up(stream: str, rows: int, chance: np.random.Generator) -> Iterator[Item]:
    """Rows before the first model, with their labels."""
    features = chance.normal(size=(rows, len(FEATURES))).astype("<f4")
    batch = ObservationBatch(
        tenant="default", stream=stream, device_id="before", boot_epoch=1, first_seq=0, count=rows, features=features.tobytes()
    )
    yield topics.OBSERVATIONS_RAW, f"default/{stream}/before", batch
    for seq, row in enumerate(features):
        yield label(stream, ("before", 1, seq), CLASSES[int(row[0] > 0)])


def rows() -> Iterator[Item]:
    """Warm-ups, then rows of some devices in turn, each with its label, with a concept that flips repeatedly."""
    chance = np.random.default_rng(7)
    yield from warm_up(PUMPS, WARMUP, chance)
    yield train(PUMPS, WARMUP)
    for stream in SMALL:
        yield from warm_up(stream, SMALL_ROWS, chance)
    for n in itertools.count():
        device, seq = f"d{n % DEVICES}", n // DEVICES
        values = chance.normal(size=len(FEATURES)).astype("<f4")
        right = int(values[0] > 0)
        batch = ObservationBatch(
            tenant="default",
            stream=PUMPS,
            device_id=device,
            boot_epoch=1,
            first_seq=seq,
            count=1,
            features=values.tobytes(),
            model_version=1,
            answers=(CLASSES[right],),
        )
        yield topics.OBSERVATIONS_RAW, f"default/{PUMPS}/{device}", batch
        yield label(PUMPS, (device, 1, seq), CLASSES[right ^ (n // TURN % 2)])


def orders() -> Iterator[Item]:
    """Input for services that see few rows: new streams, device reports, and commands to train."""
    small = itertools.chain(SMALL)
    for n in itertools.count():
        if n % 25 == 0 and (stream := next(small, "")):
            yield train(stream, SMALL_ROWS)
        yield register(f"new-{n}")
        stream = SMALL[n % len(SMALL)]
        report = DeviceReport(tenant="default", stream=stream, device_id=f"reporting-{n}", boot_epoch=1, status=DeviceStatus.ONLINE)
        yield topics.FLEET_REPORTED, f"default/{stream}/reporting-{n}", report


@dataclass(slots=True)
class Processes:
    """Processes of the loop.

    Attributes
    ----------
    device
        The one that answers; as a child it is called by its name.
    specs
        By name, in order of starting.
    """

    device: Device
    specs: dict[str, ChildSpec] = field(default_factory=dict[str, ChildSpec])


def processes(settings: KafkaSettings, home: Path) -> Processes:
    """All services and a device, as the platform starts them."""
    cluster_setup.make_keys(home)
    book = PortBook(home / "ports.json")
    device = Device(DEVICE, grpc_port=book.choose("gRPC"), http_port=book.choose("HTTP"), streams=(PUMPS,))
    made = Processes(device)
    for name in SERVICES:
        made.specs[name] = service_child(name, book.choose(name), home, environment(settings))
    made.specs[DEVICE] = device_child(device, home, environment(settings))
    return made


class Asking:
    """Asks the device row by row from a thread, and sends the labels.

    Parameters
    ----------
    context
        Of the test.
    device
        Whom to ask.

    Attributes
    ----------
    answered
        Rows that were answered, in their order.
    times
        When each was asked and when it was answered, seconds since 1970.
    """

    def __init__(self, context: Context, device: Device) -> None:
        self._publisher = context.publisher(timeout_s=240)
        self._client = DeviceClient(device.name, device.target, PUMPS)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="asking", daemon=True)
        self.answered: list[Row] = []
        self.times: list[tuple[float, float]] = []

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Ask no more; wait until the broker has every label."""
        self._stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive()
        assert self._publisher.flush(60) == 0
        assert self._publisher.failures() == []

    def close(self) -> None:
        """Close the connection."""
        self._stop.set()
        self._client.close()

    def version(self) -> int:
        """Version that the device serves."""
        return self._client.version()

    def first_after(self, moment: float, timeout: float) -> float:
        """Seconds from ``moment`` to the first answer to what was asked after it."""
        deadline = moment + timeout
        while time.time() < deadline:
            if self.times and self.times[-1][0] > moment:
                return next(answered for asked, answered in self.times if asked > moment) - moment
            time.sleep(0.01)
        raise AssertionError(f"no answer for {timeout:.0f} s")

    def _run(self) -> None:
        chance = np.random.default_rng(8)
        while not self._stop.wait(1 / ASKS):
            values, asked = chance.normal(size=len(FEATURES)).astype("<f4"), time.time()
            try:
                answer = self._client.ask(values)
            except FailedError:  # it stays away, and the waiting caller reports it
                continue
            row = (DEVICE, answer.epoch, answer.seq)
            self.answered.append(row)
            self.times.append((asked, time.time()))
            topic, key, event = label(PUMPS, row, CLASSES[int(values[0] > 0)])
            self._publisher.publish(topic, key, event)
            self._publisher.poll(0)
