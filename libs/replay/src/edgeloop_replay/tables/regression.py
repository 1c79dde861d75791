"""Tables with numbers as labels, and their tolerance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from edgeloop_contracts.outcomes import number, plain
from edgeloop_mixture.target import spread

from edgeloop_replay.errors import BadTableError
from edgeloop_replay.tables.stream_table import StreamTable, check_definition
from edgeloop_replay.task import Task

DIGITS = 3


def as_task(table: StreamTable, task: Task, warmup: int, tolerance: float | None) -> StreamTable:
    """The table as it is played; recorded rows know their task and tolerance by themselves.

    Parameters
    ----------
    warmup
        Rows that a tolerance is derived from.
    tolerance
        Of a regression; ``None`` to derive it.

    Raises
    ------
    BadTableError
        A label is no number, the tolerance is none or not wanted, or the registry would not take the stream.
    """
    if task is Task.CLASSIFICATION and not table.tolerance:
        if tolerance is not None:
            raise BadTableError("a tolerance is for --task regression")
        return table
    values = [number(text) for text in table.labels]
    for row, (text, value) in enumerate(zip(table.labels, values, strict=True), 1):
        if text and value is None:
            raise BadTableError(f"row {row}, column {table.label!r}: expected a finite number as label, given {text[:40]!r}")
    if tolerance is None:
        tolerance = table.tolerance or default_tolerance([value for value in values[:warmup] if value is not None])
    elif not 0 < tolerance < math.inf:
        raise BadTableError(f"the tolerance is {tolerance:g}; expected a number above 0")
    labels = tuple("" if value is None else plain(value) for value in values)
    made = replace(table, labels=labels, tolerance=tolerance)
    check_definition(made)
    return made


def label_kinds(table: StreamTable, rows: int) -> Sequence[str]:
    """The first labels as one sees whether they repeat: classes by themselves, numbers by the quarter of these that they belong to.

    >>> numbers = StreamTable(("a",), np.zeros((5, 1), np.float32), (False,), "y", ("1", "2", "3", "4", "9"), tolerance=1.0)
    >>> label_kinds(numbers, 4)
    ['0', '1', '2', '3']
    """
    labels = [label for label in table.labels[:rows] if label]
    if not table.tolerance or not labels:
        return labels
    values = np.array(labels, np.float64)
    quarters = np.searchsorted(np.quantile(values, [0.25, 0.5, 0.75]), values)
    return [str(quarter) for quarter in quarters.tolist()]


def default_tolerance(labels: Sequence[float]) -> float:
    """The tolerance where none is given: half the interquartile range, to three digits.

    Within that distance of their median lies about half of the labels, so always answering the median is right in about half of the
    rows. A few wild labels do not move it. Where more than half of the labels are equal, the mean distance from the median stands in.

    Examples
    --------
    >>> default_tolerance([1.0, 2.0, 3.0, 4.0, 1e6])
    1.0
    >>> default_tolerance([0.0, 0.0, 0.0, 0.0, 8.0])
    1.6
    """
    _, width = spread(labels)
    if not width:
        raise BadTableError("all labels of the warm-up are equal, so no tolerance follows from them; give --tolerance")
    return float(f"{width:.{DIGITS}g}")
