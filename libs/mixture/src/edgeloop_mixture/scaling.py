"""Scaling of rows for the linear part and the memories: selected columns, in standard deviations, as small integers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from edgeloop_mixture.columns import columns, select_columns

CLIP = 4.0  # standard deviations
LEAST = 1e-38  # a smaller standard deviation has no finite inverse in float32
LOW, HIGH = -64, 63  # seven bits, so that products with eight bits do not saturate on any processor

Floats = NDArray[np.float32]
Bytes = NDArray[np.int8]


@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """Selected columns and their scales.

    Attributes
    ----------
    width
        Features of a row.
    features
        int64 [D]: numbers of the selected columns, most informative first, see :mod:`edgeloop_mixture.columns`.
    means, gains, scales
        float32 [D]: mean, 1 / standard deviation, and memory steps per standard deviation.
    """

    width: int
    features: NDArray[np.int64]
    means: Floats
    gains: Floats
    scales: Floats

    @classmethod
    def learned(cls, rows: Floats, labels: NDArray[np.int64], most: int, categories: Sequence[int] = ()) -> Self:
        """A scaling learned from labelled rows.

        A column's scale is its correlation ratio (Fisher 1925): the square root of the share of its variance between classes. It needs
        no model. A missing value counts as the mean, and a constant column does not count.

        Parameters
        ----------
        rows
            float32 [N, F].
        labels
            Class numbers [N].
        most
            Most columns to select.
        categories
            Number of each feature's categories, 0 for a number; empty if all are numbers.
        """
        every = columns(categories, rows.shape[1])
        values = select_columns(rows, every).astype(np.float64)
        known = np.isfinite(values)
        counts = np.maximum(known.sum(axis=0), 1)
        means = np.where(known, values, 0.0).sum(axis=0) / counts
        centred = np.where(known, values - means, 0.0)
        deviations = np.sqrt((centred**2).sum(axis=0) / counts)
        gains = np.where(deviations > 0, 1.0 / np.maximum(deviations, LEAST), 0.0)
        scores = np.clip(centred * gains, -CLIP, CLIP)
        variance = scores.var(axis=0) + 1e-9
        between = np.zeros(len(every))
        for label in np.unique(labels):
            of = labels == label
            between += of.mean() * (scores[of].mean(axis=0) - scores.mean(axis=0)) ** 2
        telling = np.sqrt(between / variance)
        if not telling.any():  # only one class: all columns count equally
            telling = np.where(gains > 0, 1.0, 0.0)
        order = np.argsort(-telling, kind="stable")[:most]
        order = order[telling[order] > 0] if (telling > 0).any() else order[:1]
        steps = telling[order] / max(telling[order].max(), 1e-9) * (HIGH / CLIP)
        return cls(rows.shape[1], every[order], *(part.astype(np.float32) for part in (means[order], gains[order], steps)))

    def scores(self, rows: Floats) -> Floats:
        """Standard scores of the selected columns, float32 [N, D]; missing values are 0."""
        with np.errstate(invalid="ignore", over="ignore"):  # overflow is clipped, and an infinite constant feature is 0
            scores = (select_columns(rows, self.features) - self.means) * self.gains
        return np.clip(np.where(np.isnan(scores), np.float32(0), scores), -CLIP, CLIP).astype(np.float32)

    def steps(self, rows: Floats) -> Bytes:
        """Rows in memory steps, int8 [N, D]."""
        return np.clip(np.rint(self.scores(rows) * self.scales), LOW, HIGH).astype(np.int8)
