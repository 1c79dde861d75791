"""Errors of the closed loop on streams of numbers, offline, against River's regressors.

All begin with the same first tenth of a stream, and answer each row before they learn from its label (prequential). Errors are shares of those of
the first version, never retrained. The loop is ``edgeloop backtest --task regression`` with the default policy: with labels at once, 500 rows
late, and without adapters. The streams are the elevation in ``examples/data`` from all other columns, River's three kinds of drift in Friedman's
function (Ikonomovska, Gama and Džeroski 2011), a line with a random walk, and a constant one.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from edgeloop_replay.policy import Policy
from edgeloop_replay.result import replay
from edgeloop_replay.setting import setting_of
from edgeloop_replay.tables.csv_file import read_table
from edgeloop_replay.tables.csv_options import CsvOptions
from edgeloop_replay.tables.stream_table import StreamTable
from edgeloop_replay.task import Task
from numpy.typing import NDArray
from river import forest, linear_model, preprocessing, tree
from river.datasets.synth import FriedmanDrift

from benchmarks.figures import Figure, Kind, figure
from benchmarks.loop_quality.ours import DEFAULT
from benchmarks.quality import EXAMPLES, NICE
from benchmarks.rounds import Sample

ROWS, QUICK_ROWS = 16_000, 600
WARMUP = 0.1
ERROR, PROCESSOR = "mean absolute error, of that of the first version", "processor seconds for 1,000 rows"
OURS: dict[str, tuple[Policy, int]] = {
    DEFAULT: (Policy(), 0),
    "default, labels 500 rows late": (Policy(), 500),
    "without adapters": (Policy(adapters=False), 0),
    "without adapters, labels 500 rows late": (Policy(adapters=False), 500),
}
PEERS: dict[str, Callable[[], Any]] = {
    "ARF (10)": lambda: forest.ARFRegressor(n_models=10, seed=1),
    "HoeffdingAdaptiveTree": lambda: tree.HoeffdingAdaptiveTreeRegressor(seed=1),
    "linear regression": lambda: preprocessing.StandardScaler() | linear_model.LinearRegression(),
}


def run(*, quick: bool) -> list[Figure]:
    """Errors and processor time of each learner on each stream."""
    tables = streams(QUICK_ROWS if quick else ROWS)
    if quick:
        tables = dict(list(tables.items())[-2:])
    jobs = {(learner, stream): table for learner in (*OURS, *PEERS) for stream, table in tables.items()}
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), multiprocessing.get_context("spawn"), os.nice, (NICE,)) as pool:
        found = dict(zip(jobs, pool.map(played, jobs, jobs.values()), strict=True))
    static = {stream: found[DEFAULT, stream].static for stream in tables}
    errors = [_figure(ERROR, *job, one.error / static[job[1]]) for job, one in found.items()]
    return errors + [_figure(PROCESSOR, *job, one.seconds / len(jobs[job]) * 1_000) for job, one in found.items()]


@dataclass(frozen=True, slots=True)
class Played:
    """Result of a learner on a stream: mean absolute error, processor seconds, and the first version's error if it was played."""

    error: float
    seconds: float
    static: float = math.nan


def played(job: tuple[str, str], table: StreamTable) -> Played:
    """Play a stream to a learner, both by name."""
    learner, stream = job
    if learner in PEERS:
        return _peer(PEERS[learner](), table)
    policy, delay = OURS[learner]
    setting = setting_of(table, stream, warmup=WARMUP, delay=delay, task=Task.REGRESSION)
    began = time.process_time()
    report = replay(setting, policy).report
    return Played(report["mae"], time.process_time() - began, report["mae_static"])


def _peer(learner: Any, table: StreamTable) -> Played:
    warmup, errors = int(len(table) * WARMUP), 0.0
    began = time.process_time()
    for number, (values, label) in enumerate(zip(table.features.tolist(), map(float, table.labels), strict=True)):
        row = dict(enumerate(values))
        if number >= warmup:
            errors += abs(learner.predict_one(row) - label)
        learner.learn_one(row, label)
    return Played(errors / (len(table) - warmup), time.process_time() - began)


def _figure(what: str, learner: str, stream: str, value: float) -> Figure:
    return figure(f"numbers/{what}/{learner}/{stream}", Sample((value,)), "", Kind.RESOURCE, lower_is_better=True)


def streams(rows: int) -> dict[str, StreamTable]:
    """Streams by name, with this number of rows each."""
    rng = np.random.default_rng(1)
    terrain = read_table(EXAMPLES / "covtype_areas_dev.csv.gz", CsvOptions(label="y")).first(rows)
    still = rng.normal(size=(rows, 8))
    walked = rng.normal(size=(rows, 6))
    slopes = rng.normal(size=6) * 2 + np.cumsum(rng.normal(size=(rows, 6)) * 0.01, axis=0)
    walk = (walked * slopes).sum(axis=1) + np.cumsum(rng.normal(size=rows) * 0.02)
    smooth = 2 * still[:, 0] + np.sin(3 * still[:, 1]) + still[:, 2] * still[:, 3]
    made = {
        "elevation": _table(terrain.features[:, 1:], terrain.features[:, 0].astype(np.float64)),
        **{f"Friedman, {kind}": _friedman(kind, rows) for kind in ("lea", "gra", "gsg")},
    }
    noise = 0.3 * rng.normal(size=(2, rows))
    return made | {"random walk": _table(walked, walk + noise[0]), "still": _table(still, smooth + noise[1])}


def _friedman(kind: Any, rows: int) -> StreamTable:
    quarter = rows // 4
    position = (quarter, 2 * quarter, 3 * quarter) if kind == "lea" else (rows * 7 // 20, rows * 14 // 20)
    drawn = list(FriedmanDrift(kind, position, rows // 20, seed=3).take(rows))
    return _table(np.array([list(row.values()) for row, _ in drawn]), np.array([label for _, label in drawn]))


def _table(features: NDArray[Any], numbers: NDArray[np.float64]) -> StreamTable:
    names = tuple(f"f{i}" for i in range(features.shape[1]))
    return StreamTable(names, features.astype(np.float32), (True,) * len(names), "y", tuple(f"{number:.6g}" for number in numbers))
