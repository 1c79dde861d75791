"""River's learners with their own defaults: ensembles of ten members, one seed, labels at once."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from river import ensemble, forest, tree

from benchmarks.loop_quality.played import Played
from benchmarks.loop_quality.streams import Stream

MEMBERS, SEED = 10, 1
LEARNERS: dict[str, Callable[[], Any]] = {
    "ARF (10)": lambda: forest.ARFClassifier(n_models=MEMBERS, seed=SEED),
    "HoeffdingAdaptiveTree": lambda: tree.HoeffdingAdaptiveTreeClassifier(seed=SEED),
    "leveraging bagging (10 HAT)": lambda: ensemble.LeveragingBaggingClassifier(
        tree.HoeffdingAdaptiveTreeClassifier(seed=SEED), n_models=MEMBERS, seed=SEED
    ),
    "SRP (10 HAT)": lambda: ensemble.SRPClassifier(tree.HoeffdingAdaptiveTreeClassifier(seed=SEED), n_models=MEMBERS, seed=SEED),
}


def play(stream: Stream, name: str, most: int, seconds: float) -> list[Played]:
    """Play a stream to a learner after the same warm-up, up to ``most`` rows or ``seconds`` of processor time."""
    learner, warmup = LEARNERS[name](), stream.warmup
    rows = len(stream.table) - warmup
    right: list[bool] = []
    began = time.process_time()
    for number, (values, label) in enumerate(zip(stream.table.features.tolist(), stream.table.labels, strict=True)):
        if number >= warmup + most or time.process_time() - began > seconds:
            break
        row = {place: value for place, value in enumerate(values) if not math.isnan(value)}
        if number >= warmup:
            right.append(learner.predict_one(row) == label)
        learner.learn_one(row, label)
    return [Played(stream.name, name, np.array(right, bool), rows, time.process_time() - began)]
