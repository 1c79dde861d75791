"""How rows are seen by the linear part and the memories: a few features, in standard deviations, in small whole numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

CLIP = 4.0  # standard deviations
LEAST = 1e-38  # of a standard deviation: one that is smaller has no finite inverse as float32
LOW, HIGH = -64, 63  # seven bits: products with eight bits add up without saturation on every processor

Floats = NDArray[np.float32]
Bytes = NDArray[np.int8]


@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """Which features count, and how much.

    Attributes
    ----------
    width
        Features of a row.
    features
        int64 [D]: numbers of the features looked at, most telling first.
    means, gains, scales
        float32 [D]: mean, 1 / standard deviation, and steps of a memory for one standard deviation.
    """

    width: int
    features: NDArray[np.int64]
    means: Floats
    gains: Floats
    scales: Floats

    @classmethod
    def learned(cls, rows: Floats, labels: NDArray[np.int64], most: int) -> Self:
        """From labelled rows.

        A feature counts by the square root of the share of its variance that lies between classes (the correlation ratio,
        Fisher 1925), which needs no model; a missing value is the mean, a constant feature does not count.

        Parameters
        ----------
        rows
            float32 [N, F].
        labels
            Class numbers [N].
        most
            Features to look at.
        """
        values = rows.astype(np.float64)
        known = np.isfinite(values)
        counts = np.maximum(known.sum(axis=0), 1)
        means = np.where(known, values, 0.0).sum(axis=0) / counts
        centred = np.where(known, values - means, 0.0)
        deviations = np.sqrt((centred**2).sum(axis=0) / counts)
        gains = np.where(deviations > 0, 1.0 / np.maximum(deviations, LEAST), 0.0)
        scores = np.clip(centred * gains, -CLIP, CLIP)
        variance = scores.var(axis=0) + 1e-9
        between = np.zeros(rows.shape[1])
        for label in np.unique(labels):
            of = labels == label
            between += of.mean() * (scores[of].mean(axis=0) - scores.mean(axis=0)) ** 2
        telling = np.sqrt(between / variance)
        if not telling.any():  # one class only: all features count the same
            telling = np.where(gains > 0, 1.0, 0.0)
        order = np.argsort(-telling, kind="stable")[:most]
        order = order[telling[order] > 0] if (telling > 0).any() else order[:1]
        steps = telling[order] / max(telling[order].max(), 1e-9) * (HIGH / CLIP)
        return cls(rows.shape[1], order.astype(np.int64), *(part.astype(np.float32) for part in (means[order], gains[order], steps)))

    def scores(self, rows: Floats) -> Floats:
        """Standard scores of the features that count, float32 [N, D]; missing values are 0."""
        with np.errstate(invalid="ignore", over="ignore"):  # the largest numbers are clipped, an infinite constant feature is 0
            scores = (rows[:, self.features] - self.means) * self.gains
        return np.clip(np.where(np.isnan(scores), np.float32(0), scores), -CLIP, CLIP).astype(np.float32)

    def steps(self, rows: Floats) -> Bytes:
        """Rows as memories keep them, int8 [N, D]."""
        return np.clip(np.rint(self.scores(rows) * self.scales), LOW, HIGH).astype(np.int8)
