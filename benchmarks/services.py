"""Start-up cost of each service: time to ``/readyz``, processor time and memory; and the size of its image.

A service starts alone, as by ``edgeloop up``, on a broker with empty topics. A device is ready only with a model, so it is measured until
``/healthz``. Memory is the proportional share (PSS). Images are measured if a Docker engine has them; otherwise the table shows the last record with
its date.
"""

from __future__ import annotations

import gzip
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from edgeloop_cli import cluster_setup
from edgeloop_cli.connection import Cluster
from edgeloop_cli.processes import SERVICES, observers
from edgeloop_contracts import topics

from benchmarks.cluster import cluster, fresh
from benchmarks.figures import Figure, History, Kind, figure, now
from benchmarks.processes import DEVICE, running, spec_of
from benchmarks.rounds import Sample, interleaved

NAMES = (*SERVICES, *observers({}), DEVICE)
MB = 1_000_000


@dataclass(slots=True)
class Start:
    """One start of a service: seconds until it was ready, seconds of processor time until then, and bytes."""

    ready: float
    cpu: float
    pss: float


def run(*, quick: bool) -> list[Figure]:
    """Start-up, memory and image size of every service and of a device."""
    names = ("ingestion", DEVICE) if quick else NAMES
    starts: dict[str, list[Start]] = {name: [] for name in names}
    with cluster() as where:

        def start(name: str) -> float:
            starts[name].append(one_start(where, name))
            return starts[name][-1].ready

        interleaved({name: lambda name=name: start(name) for name in names}, 1 if quick else 3)
    return [*(one for name in names for one in _figures(name, starts[name])), *images(names)]


def one_start(where: Cluster, name: str) -> Start:
    """Start a service on empty topics, and stop it."""
    settings = fresh(where, topics.all_topics())
    with tempfile.TemporaryDirectory(prefix="edgeloop-bench-") as place:
        folder = Path(place)
        cluster_setup.make_keys(folder)
        with running([spec_of(name, settings, folder)]) as services:
            (service,) = services.values()
            ready = service.wait("/healthz" if name == DEVICE else "/readyz")
            return Start(ready, service.cpu(), service.pss())


def _figures(name: str, starts: list[Start]) -> Iterator[Figure]:
    note = "to /healthz" if name == DEVICE else "to /readyz"
    ready, cpu, pss = (Sample(tuple(values)) for values in zip(*((s.ready, s.cpu, s.pss / MB) for s in starts), strict=True))
    yield figure(f"services/{name}: start", ready, "s", Kind.RATE, lower_is_better=True, note=note)
    yield figure(f"services/{name}: processor time of its start", cpu, "s", Kind.RESOURCE, lower_is_better=True)
    yield figure(f"services/{name}: memory", pss, "MB", Kind.RESOURCE, lower_is_better=True, note="PSS")


def images(names: tuple[str, ...]) -> Iterator[Figure]:
    """Compressed size of each image, or its last record."""
    history = History.load()
    for name in names:
        size = image_size(f"edgeloop/{name}")
        if size is not None:
            sample = Sample((size / MB,))
            yield figure(_image(name), sample, "MB", Kind.RESOURCE, lower_is_better=True, aim=_limit(name), note=f"measured {now()[:10]}")
        elif known := history.newest(_image(name)):
            yield replace(known[1])


def _image(name: str) -> str:
    return f"services/{name}: image, compressed"


def _limit(name: str) -> float:
    return 250.0 if name == DEVICE else 400.0


def image_size(image: str) -> int | None:
    """Compressed bytes of an image, as in a registry; ``None`` without Docker or without the image."""
    if shutil.which("docker") is None or subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode:
        return None
    counter = _Counter()
    with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as saving:
        assert saving.stdout is not None
        with gzip.GzipFile(fileobj=counter, mode="wb", compresslevel=1) as packed:
            shutil.copyfileobj(saving.stdout, packed, 1 << 20)
    return counter.bytes


class _Counter:
    """A file that only counts its bytes."""

    def __init__(self) -> None:
        self.bytes = 0

    def write(self, data: bytes) -> int:
        self.bytes += len(data)
        return len(data)

    def flush(self) -> None:
        return
