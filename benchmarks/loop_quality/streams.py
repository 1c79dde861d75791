"""The streams: those of a directory, and four synthetic ones from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from edgeloop_replay.tables.csv_file import name_of, read_table
from edgeloop_replay.tables.csv_options import CsvOptions
from edgeloop_replay.tables.stream_table import StreamTable
from numpy.typing import NDArray

LABEL = "y"
WARMUP = 0.1
NOISE = 0.05  # share of labels with a wrong class
Numbers = NDArray[np.float64]
Classes = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """Rows by name; ``changes`` are rows at which a synthetic stream's distribution changes."""

    name: str
    table: StreamTable
    changes: tuple[int, ...] = ()

    @property
    def warmup(self) -> int:
        """Rows of the warm-up."""
        return int(len(self.table) * WARMUP)


def real(directory: Path, most: int) -> list[Stream]:
    """Each ``*.csv.gz`` with a label ``y`` in a directory, with its first ``most`` rows (0 for all)."""
    found: list[Stream] = []
    for path in sorted(directory.glob("*.csv.gz")):
        table = read_table(path, CsvOptions(label=LABEL))
        found.append(Stream(name_of(path), table.first(most) if most else table))
    return found


def made(rows: int) -> list[Stream]:
    """A stream without drift, and three with a kind of drift each."""
    return [_stationary(rows), _abrupt(rows), _gradual(rows), _recurring(rows)]


def _stationary(rows: int) -> Stream:
    """Rectangles of three of eight features, four classes, without drift: fits and adapters must do no harm."""
    rng = np.random.default_rng(1)
    features = rng.random((rows, 8))
    labels = 2 * (features[:, 0] > 0.6) + ((features[:, 1] > 0.5) ^ (features[:, 2] < 0.3))
    return _stream("made: stationary", rng, features, labels.astype(np.int64))


def _abrupt(rows: int) -> Stream:
    """The sum of two of three features against a bound that jumps three times (like SEA, Street and Kim 2001, with wider jumps)."""
    rng = np.random.default_rng(2)
    features = rng.random((rows, 3)) * 10
    changes = [rows * part // 4 for part in (1, 2, 3)]
    bound = np.array([8.0, 12.0, 7.0, 10.5])[np.searchsorted(changes, np.arange(rows), side="right")]
    return _stream("made: abrupt", rng, features, (features[:, 0] + features[:, 1] <= bound).astype(np.int64), tuple(changes))


def _gradual(rows: int) -> Stream:
    """A hyperplane in ten dimensions that turns steadily (Hulten, Spencer and Domingos 2001)."""
    rng = np.random.default_rng(3)
    features = rng.normal(size=(rows, 10))
    here, there = np.linalg.qr(rng.normal(size=(10, 2)))[0].T
    angle = np.linspace(0, 1.5 * np.pi, rows)[:, None]
    plane = np.cos(angle) * here + np.sin(angle) * there
    return _stream("made: gradual", rng, features, ((features * plane).sum(axis=1) > 0).astype(np.int64))


def _recurring(rows: int) -> Stream:
    """Three recurring concepts (A B C A B C): clusters with other classes in each."""
    rng = np.random.default_rng(4)
    centres = rng.normal(size=(12, 6)) * 2
    concepts = np.array([rng.permutation(np.arange(12) % 3) for _ in range(3)])
    cluster = rng.integers(0, 12, rows)
    features = centres[cluster] + rng.normal(size=(rows, 6))
    changes = [rows * part // 6 for part in range(1, 6)]
    phase = np.searchsorted(changes, np.arange(rows), side="right") % 3
    return _stream("made: recurring", rng, features, concepts[phase, cluster], tuple(changes))


def _stream(name: str, rng: np.random.Generator, features: Numbers, labels: Classes, changes: tuple[int, ...] = ()) -> Stream:
    classes = int(labels.max()) + 1
    wrong = rng.random(len(labels)) < NOISE
    noisy = np.where(wrong, (labels + rng.integers(1, classes, len(labels))) % classes, labels)
    names = tuple(f"f{i}" for i in range(features.shape[1]))
    table = StreamTable(names, features.astype(np.float32), (False,) * len(names), LABEL, tuple(map(str, noisy.tolist())))
    return Stream(name, table, changes)
