"""Task of a model: classification or regression."""

from __future__ import annotations

from enum import StrEnum


class Task(StrEnum):
    """Kind of labels and answers."""

    CLASSIFICATION = "classification"
    REGRESSION = "regression"
