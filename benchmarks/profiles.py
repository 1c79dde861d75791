"""Profiles of the pipeline: py-spy samples ingestion, labels and drift while labelled rows pass through them.

It writes a flame graph of each service (``pictures/<service>.svg``) and one chart of their work by kind (``pictures/pipeline.svg``). There are two
feeds, because py-spy writes one format at a time. Shares are of the samples in which the service's main thread ran; waits for Kafka are left out.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from edgeloop_cli.connection import Cluster
from edgeloop_streaming import Context

from benchmarks.cluster import cluster
from benchmarks.feed import Case, make
from benchmarks.figures import Figure, Kind, figure
from benchmarks.pipeline import QUICK_ROWS, ROWS, SERVICES, passage, stage
from benchmarks.processes import Watched
from benchmarks.rounds import Sample

PICTURES = Path(__file__).parent / "pictures"
PY_SPY = Path(sys.executable).with_name("py-spy")
RATE = 100  # samples a second
LOOP, OTHER = "Loop.run (", "the loop itself"

# The first entry in a stack, from its innermost frame outwards, names the kind of work.
KINDS: tuple[tuple[str, str], ...] = (
    ("(edgeloop_kafka/codec.py)", "Avro"),
    ("(edgeloop_kafka/causation.py)", "headers and ids"),
    ("(edgeloop_streaming/transactions.py)", "producing and commits"),
    ("(edgeloop_streaming/state.py)", "state"),
    ("(prometheus_client/", "metrics"),
    ("(edgeloop_labels/io/database.py)", "SQLite"),
    ("(river/", "detectors"),
    ("(edgeloop_drift/core/watches.py)", "detectors"),
    ("(edgeloop_ingestion/", "the service's own work"),
    ("(edgeloop_labels/", "the service's own work"),
    ("(edgeloop_drift/", "the service's own work"),
    ("_poll (edgeloop_streaming/loop.py", "fetching"),
)


def run(*, quick: bool) -> list[Figure]:
    """Shares of each kind of work in each service."""
    rows = QUICK_ROWS if quick else ROWS[Case.LABELLED]
    with tempfile.TemporaryDirectory(prefix="edgeloop-bench-") as name, cluster() as where:
        folder = Path(name)
        _profiled(where, rows, "flamegraph", folder)
        _profiled(where, rows, "raw", folder)
        shares = {service: shares_of((folder / f"{service}.raw").read_text(encoding="utf-8").splitlines()) for service in SERVICES}
        if not quick:
            PICTURES.mkdir(exist_ok=True)
            for service in SERVICES:
                text = (folder / f"{service}.flamegraph").read_text(encoding="utf-8")
                (PICTURES / f"{service}.svg").write_text(titled(text, service), encoding="utf-8")
            chart(shares, PICTURES / "pipeline.svg")
    return [
        figure(f"profiles/{service}: {kind}", Sample((100 * share,)), "%", Kind.RATE, lower_is_better=True)
        for service, found in shares.items()
        for kind, share in found.most_common()
    ]


def titled(picture: str, service: str) -> str:
    """A flame graph with our title in place of its command, which has paths of this machine."""
    return re.sub(r'(<text id="title"[^>]*>)[^<]*', rf"\g<1>{service}, while labelled rows pass through", picture)


def shares_of(stacks: Iterable[str]) -> Counter[str]:
    """Share of each kind of work in the loop's folded stacks, ``frame;frame;… count`` a line, the innermost frame last.

    >>> dict(shares_of(["Loop.run (a.py);inc (prometheus_client/m.py) 3", "main (edgeloop_drift/app.py);Loop.run (a.py) 1", "watch (b.py) 9"]))
    {'metrics': 0.75, 'the loop itself': 0.25}
    """
    counted: Counter[str] = Counter()
    for line in stacks:
        stack, _, count = line.rpartition(" ")
        _, inside, frames = stack.partition(LOOP)
        if inside:
            counted[kind_of(frames.split(";"))] += int(count)
    total = sum(counted.values()) or 1
    return Counter({kind: count / total for kind, count in counted.items()})


def kind_of(frames: list[str]) -> str:
    """Kind of work of a stack."""
    for frame in reversed(frames):
        for mark, kind in KINDS:
            if mark.rstrip(")") in frame:
                return kind
    return OTHER


def _profiled(where: Cluster, rows: int, form: str, folder: Path) -> None:
    with stage(where) as (settings, services):
        feed = make(Context(settings, "benchmark"), Case.LABELLED, rows)
        with _watching(services.values(), form, folder):
            passage(settings, services, Case.LABELLED, feed)


@contextmanager
def _watching(services: Iterable[Watched], form: str, folder: Path) -> Iterator[None]:
    """Sample the processes during the block."""
    spies = {
        one.name: subprocess.Popen(
            [
                *(str(PY_SPY), "record", "--pid", str(one.pid), "--rate", str(RATE), "--duration", "unlimited"),
                *("--format", form, "--output", str(folder / f"{one.name}.{form}")),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for one in services
    }
    try:
        yield
    finally:
        for spy in spies.values():
            spy.send_signal(signal.SIGINT)
        outputs = {name: spy.communicate(timeout=60)[1].decode() for name, spy in spies.items()}
    for name in spies:
        if not (folder / f"{name}.{form}").exists():
            hint = "" if os.geteuid() == 0 else "; looking into a running process may need root, or kernel.yama.ptrace_scope=0"
            raise RuntimeError(f"py-spy could not attach to {name}: {outputs[name].strip()}{hint}")


def chart(shares: dict[str, Counter[str]], path: Path) -> None:
    """One bar per service, divided into kinds of work."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "edgeloop"  # the same figures give the same file
    from matplotlib import pyplot as plt

    kinds = sorted({kind for found in shares.values() for kind in found}, key=lambda kind: -sum(found[kind] for found in shares.values()))
    drawing, axes = plt.subplots(figsize=(10, 3.2), layout="constrained")
    names = list(reversed(shares))
    left = dict.fromkeys(names, 0.0)
    for number, kind in enumerate(kinds):
        widths = [100 * shares[name][kind] for name in names]
        bars = axes.barh(names, widths, left=[left[name] for name in names], label=kind, color=plt.get_cmap("tab20")(number))
        axes.bar_label(bars, [f"{width:.0f}" if width >= 4 else "" for width in widths], label_type="center", fontsize=8)
        left = {name: left[name] + width for name, width in zip(names, widths, strict=True)}
    axes.set_xlabel("% of the service's processor time")
    axes.set_xlim(0, 100)
    axes.spines[["top", "right"]].set_visible(False)
    drawing.legend(loc="outside lower center", ncols=5, frameon=False, fontsize=8)
    drawing.savefig(path, metadata={"Date": None})
    plt.close(drawing)
