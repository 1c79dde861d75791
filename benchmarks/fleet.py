"""The service `fleet`: cost of a heartbeat from fleets of 10 to 10,000 devices, and a restart with their state.

Heartbeats of all devices are sent at once, round after round, and the time ends once the service has handled the last one. 10,000 devices
that send one every 10 s need 1,000 a second. The restart ends once the new process knows all devices.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import Producer
from edgeloop_cli import cluster_setup
from edgeloop_contracts import Heartbeat, ServedStream, Vitals, topics
from edgeloop_kafka import KafkaSettings
from edgeloop_streaming import Context

from benchmarks.cluster import cluster, fresh
from benchmarks.figures import Figure, Kind, figure
from benchmarks.processes import Watched, running, spec_of, until
from benchmarks.rounds import Sample

SERVICE = "fleet"
TOPICS = (
    topics.FLEET_COMMANDS,
    topics.FLEET_ENROLMENTS,
    topics.FLEET_HEARTBEATS,
    topics.FLEET_REPORTED,
    topics.FLEET_DEVICES,
    topics.FLEET_HEALTH,
    topics.FLEET_CONFIG,
    topics.FLEET_ANSWERS,
    topics.SKIPS,
    topics.GAPS,
    topics.state(SERVICE),
    topics.dead_letters(SERVICE),
    topics.redrive(SERVICE),
)
DEVICES = (10, 100, 1_000, 10_000)
HEARTBEATS = 60_000
RESTART_S = 10.0
NEEDED = 1_000.0
LIMIT_S = 300.0


@dataclass(frozen=True, slots=True)
class Course:
    """Measurements of one fleet.

    Attributes
    ----------
    devices, heartbeats
        Numbers.
    wall, cpu
        Seconds from the start of the service until the last heartbeat was handled, and its processor time; its start is not counted.
    restart
        Seconds until a new process knows all devices.
    pss
        Bytes of memory of that process.
    """

    devices: int
    heartbeats: int
    wall: float
    cpu: float
    restart: float
    pss: float


def run(*, quick: bool) -> list[Figure]:
    """Cost of heartbeats by size of the fleet, and the time of a restart."""
    sizes = (10, 50) if quick else DEVICES
    repeats = 1 if quick else 3
    courses: dict[int, list[Course]] = {size: [] for size in sizes}
    with cluster() as where:
        for repeat in range(repeats):
            for size in sizes if repeat % 2 == 0 else reversed(sizes):
                courses[size].append(_course(fresh(where, TOPICS), size, 500 if quick else HEARTBEATS))
    return [*(one for size in sizes for one in _figures(size, courses[size])), _growth(courses)]


def _course(settings: KafkaSettings, size: int, wanted: int) -> Course:
    rounds = max(1, wanted // size)
    with tempfile.TemporaryDirectory(prefix="edgeloop-bench-") as place:
        folder = Path(place)
        cluster_setup.make_keys(folder)
        with running([spec_of(SERVICE, settings, folder)]) as services:
            service = services[SERVICE]
            service.wait()
            used, began = service.cpu(), time.perf_counter()
            _send(settings, size, rounds)
            _until(service, "edgeloop_fleet_heartbeats_total", size * rounds)
            wall, cpu = time.perf_counter() - began, service.cpu() - used
        with running([spec_of(SERVICE, settings, folder)]) as services:
            service = services[SERVICE]
            _until(service, "edgeloop_fleet_devices", size)
            restart = time.perf_counter() - service.began
            return Course(size, size * rounds, wall, cpu, restart, service.pss())


def _until(service: Watched, metric: str, value: float) -> None:
    until(lambda: service.metric(metric) >= value, [service], LIMIT_S)


def _send(settings: KafkaSettings, size: int, rounds: int) -> None:
    """Produce heartbeats as devices do, all of one round before the next one."""
    context = Context(settings, "bench")
    producer = Producer(
        {
            **settings.librdkafka(),
            "enable.idempotence": True,
            "partitioner": "murmur2_random",
            "linger.ms": 5,
            "compression.type": "lz4",
            "queue.buffering.max.messages": 1_000_000,
        }
    )
    topic = topics.FLEET_HEARTBEATS
    for event in _heartbeats(size, rounds):
        value = context.codec.encode(topic, event)
        producer.produce(settings.topic_prefix + topic.name, key=topic.key_of(event).encode(), value=value)
    assert producer.flush(120) == 0


def _heartbeats(size: int, rounds: int) -> Iterator[Heartbeat]:
    served = (ServedStream(stream="pumps", version=3, adapter=120, requests=40, rows=400, p50_ms=0.8, p99_ms=2.5),)
    for seq in range(rounds):
        for number in range(size):
            vitals = Vitals(
                instance=f"i{number}",
                host=f"host-{number}",
                seq=seq,
                sent_at=seq * 10_000,
                boot_epoch=1,
                uptime_s=seq * 10.0,
                streams=served,
                outbox_rows=seq % 7,
                outbox_age_s=0.4,
                cpu=0.05,
                rss=180_000_000,
                disk_free=9_000_000_000,
                clock_offset_ms=3.5,
                config_version=2,
            )
            yield Heartbeat(tenant="default", device_id=f"device-{number}", vitals=vitals)


def _figures(size: int, courses: list[Course]) -> Iterator[Figure]:
    name = f"fleet/{size:,} devices"

    def sample(values: list[float]) -> Sample:
        return Sample(tuple(values))

    cost = sample([1e6 * one.cpu / one.heartbeats for one in courses])
    yield figure(f"{name}: processor time of a heartbeat", cost, "µs", Kind.RESOURCE, lower_is_better=True)
    rate = sample([one.heartbeats / one.wall for one in courses])
    yield figure(f"{name}: heartbeats", rate, "beats/s", Kind.RATE, aim=NEEDED if size == max(DEVICES) else None)
    restart = sample([one.restart for one in courses])
    yield figure(
        f"{name}: restart", restart, "s", Kind.RATE, lower_is_better=True, aim=RESTART_S, note="until the new process knows every device"
    )
    memory = sample([one.pss / 1e6 for one in courses])
    yield figure(f"{name}: memory", memory, "MB", Kind.RESOURCE, lower_is_better=True, note="PSS after the restart")


def _growth(courses: dict[int, list[Course]]) -> Figure:
    """Cost of a heartbeat in the largest fleet over that in the smallest: 1 where the cost grows linearly."""
    small, large = courses[min(courses)], courses[max(courses)]
    ratios = [(b.cpu / b.heartbeats) / (a.cpu / a.heartbeats) for a, b in zip(small, large, strict=True)]
    name = f"fleet/a heartbeat: {max(courses):,} over {min(courses):,} devices"
    return figure(name, Sample(tuple(ratios)), "x", Kind.RATIO, lower_is_better=True)
