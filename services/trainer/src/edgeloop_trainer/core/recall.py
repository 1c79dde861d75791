"""Recall: an archived version takes the place of a fit if an earlier distribution has come back."""

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

ARCHIVED = 0  # a mixture keeps older versions by itself; the README has gain and cost of recall
RANKED = 0.5
"""Share of the rows on which archived versions are compared with each other; no fit of this campaign has seen them."""

Answers = Callable[[ModelVersion, Floats], Sequence[str] | None]
"""Class or number that a version answers for each row; ``None`` if its file is gone."""
Scores = NDArray[np.float64]
"""Score of each row: 1 for the right class, or the absolute error of a number."""


@dataclass(frozen=True, slots=True, eq=False)
class Rival:
    """The archived version that contends with a fit.

    Attributes
    ----------
    version, digest
        Number and file of the version.
    scores
        Scores of the newest fifth of the rows, float64.
    """

    version: int
    digest: str
    scores: Scores


def archived(versions: Sequence[ModelVersion], most: int, definition_version: int) -> list[ModelVersion]:
    """Versions that may be recalled: the newest ``most`` files, each once, without the file of the champion.

    Parameters
    ----------
    versions
        Versions of the stream in rising order; the last is the champion.
    definition_version
        Version of the present stream definition; a model of another one may have other features.

    Examples
    --------
    >>> known = [ModelVersion(tenant="default", stream="", version=n, digest=file) for n, file in enumerate("abcbd", 1)]
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
    """The archived version that did best on the newer half of the rows, if it beats the champion there.

    A version that does not would fail at the gate, too. This check is cheap, while a contender costs a second fit. On a tie, the newer
    version wins.

    Parameters
    ----------
    rule
        Rule by which one model beats another.
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


def scores(answered: NDArray[Any], truth: NDArray[Any], *, numbers: bool) -> Scores:
    """Scores of answers, row by row.

    >>> scores(np.array([1.5, 2.0]), np.array([1.0, 2.0]), numbers=True).tolist()
    [0.5, 0.0]
    """
    return np.abs(answered - truth) if numbers else (answered == truth).astype(np.float64)


def compared(one: Scores, other: Scores, *, numbers: bool) -> Tally:
    """Tally of one model against another on the same rows."""
    tally = NumberTally() if numbers else Tally()
    for outcome in zip(one.tolist(), other.tolist(), strict=True):
        tally = tally.add(outcome)
    return tally


def recall_wins(tally: Tally) -> bool:
    """Whether an archived version replaces a fit. A lead of one row is enough: it costs no bandwidth, and the gate judges again."""
    return tally.wins > tally.losses


def _values(given: Sequence[str], *, numbers: bool) -> NDArray[Any]:
    """Answers as classes or numbers; text that is not a number has an infinite error."""
    if not numbers:
        return np.array(given)
    found = [number(text) for text in given]
    return np.array([np.inf if value is None else value for value in found])
