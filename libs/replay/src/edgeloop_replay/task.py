"""Task of a model: classification or regression."""

from __future__ import annotations

from enum import StrEnum


class Task(StrEnum):
    """What labels and answers are."""

    CLASSIFICATION = "classification"
    REGRESSION = "regression"
