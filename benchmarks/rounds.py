"""Interleaved rounds: every variant runs once per round, so that a noisy moment affects all alike."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    """Figures of one variant in all rounds.

    Attributes
    ----------
    values
        One per round, in order.
    """

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median."""
        return statistics.median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        """Lower and upper quartile; minimum and maximum of fewer than four values."""
        if len(self.values) < 4:
            return min(self.values), max(self.values)
        low, _, high = statistics.quantiles(self.values, n=4, method="inclusive")
        return low, high

    def over(self, other: Sample) -> Sample:
        """Ratio to another variant, round by round."""
        return Sample(tuple(a / b for a, b in zip(self.values, other.values, strict=True)))


def interleaved(variants: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, Sample]:
    """Call each variant once per round; each returns its own figure.

    Every other round runs backwards, so that no variant always follows the same one.
    """
    values: dict[str, list[float]] = {name: [] for name in variants}
    names: Sequence[str] = tuple(variants)
    for number in range(rounds):
        for name in names if number % 2 == 0 else reversed(names):
            gc.collect()
            values[name].append(variants[name]())
    return {name: Sample(tuple(found)) for name, found in values.items()}


def rate(items: int, work: Callable[[], object], seconds: float) -> Callable[[], float]:
    """A variant that repeats ``work`` for about ``seconds`` and returns items a second; ``work`` handles ``items``."""

    def measure() -> float:
        done, began = 0, time.perf_counter()
        while True:
            work()
            done += items
            took = time.perf_counter() - began
            if took >= seconds:
                return done / took

    return measure
