"""Archived versions of a stream, and when one of them takes the place of a fresh fit: a world that comes back has had its model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from edgeloop_contracts import ModelVersion
from edgeloop_contracts.outcomes import number
from numpy.typing import NDArray

from edgeloop_trainer.core.dataset import Dataset, Floats
from edgeloop_trainer.core.gate import NumberTally, Rule, Tally, Verdict

ARCHIVED = 0  # a mixture keeps older versions by itself; see the README for what recalling gives and costs
RANKED = 0.5
"""Share of the rows on which archived versions are compared with each other: none of the fits of this campaign has seen them."""

Answers = Callable[[ModelVersion, Floats], Sequence[str] | None]
"""Class or number that a version gives each row; ``None`` where its file is gone."""
Scores = NDArray[np.float64]
"""Of each row: 1 for a class that is right, or the absolute error of a number."""


@dataclass(frozen=True, slots=True, eq=False)
class Rival:
    """The archived version that a fresh fit has to beat.

    Attributes
    ----------
    version, digest
        Which.
    scores
        What it made of the newest fifth of the rows, float64.
    """

    version: int
    digest: str
    scores: Scores


def archived(versions: Sequence[ModelVersion], most: int, definition_version: int) -> list[ModelVersion]:
    """Versions that may be recalled: the newest ``most`` files, each once, without the champion's.

    Parameters
    ----------
    versions
        Of the stream, in rising order; the last is the champion.
    definition_version
        Of the stream as it is now; a model of another one may know other features.

    Examples
    --------
    >>> known = [ModelVersion(version=n, digest=file) for n, file in enumerate("abcbd", 1)]
    >>> [version.version for version in archived(known, 2, 0)]
    [4, 3]
    """
    found: dict[str, ModelVersion] = {}
    champion = versions[-1].file.digest if versions else ""
    for version in reversed(versions):
        if version.file.digest != champion and version.definition_version == definition_version:
            found.setdefault(version.file.digest, version)
    return list(found.values())[:most]


def rival(
    dataset: Dataset, versions: Sequence[ModelVersion], answers: Answers, rule: Rule, most: int, definition_version: int
) -> Rival | None:
    """The archived version that did best on the newer half of the rows, if it is ahead of the champion there.

    One that is not would not get past the gate either, and asking it is cheap: only a version that comes so far costs a second fit.
    Of two that did equally well the newer is taken.

    Parameters
    ----------
    rule
        By which one model is ahead of another on rows that both answered.
    """
    candidates = archived(versions, most, definition_version)
    if not candidates:
        return None
    numbers = not dataset.classes
    ranked = dataset.newest(share=RANKED)
    rows, labels = dataset.features[ranked], dataset.labels[ranked]
    truth: NDArray[Any] = labels if numbers else np.array(dataset.classes)[labels.astype(np.int64)]
    best: tuple[ModelVersion, Scores] | None = None
    for version in candidates:
        given = answers(version, rows)
        if given is None:
            continue
        found = scores(_values(given, numbers=numbers), truth, numbers=numbers)
        if best is None or (found.sum() < best[1].sum() if numbers else found.sum() > best[1].sum()):
            best = version, found
    champion = answers(versions[-1], rows)
    if best is None or champion is None:
        return None
    lead = compared(best[1], scores(_values(champion, numbers=numbers), truth, numbers=numbers), numbers=numbers)
    if rule.verdict(lead, last=False) is not Verdict.PROMOTE:
        return None
    return Rival(best[0].version, best[0].file.digest, best[1][dataset.newest()[ranked]])


def scores(said: NDArray[Any], truth: NDArray[Any], *, numbers: bool) -> Scores:
    """What answers are worth, row by row.

    >>> scores(np.array([1.5, 2.0]), np.array([1.0, 2.0]), numbers=True).tolist()
    [0.5, 0.0]
    """
    return np.abs(said - truth) if numbers else (said == truth).astype(np.float64)


def compared(one: Scores, other: Scores, *, numbers: bool) -> Tally:
    """How one model did against another on the same rows."""
    tally = NumberTally() if numbers else Tally()
    for outcome in zip(one.tolist(), other.tolist(), strict=True):
        tally = tally.add(outcome)
    return tally


def recall_wins(tally: Tally) -> bool:
    """Whether an archived version stands at the gate in place of a fit: if it is ahead at all, as it costs no bandwidth and the gate looks again."""
    return tally.wins > tally.losses


def _values(given: Sequence[str], *, numbers: bool) -> NDArray[Any]:
    """Answers as classes or numbers; what is no number is as wrong as can be."""
    if not numbers:
        return np.array(given)
    found = [number(text) for text in given]
    return np.array([np.inf if value is None else value for value in found])
