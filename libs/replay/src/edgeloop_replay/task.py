"""What a model is asked for."""

from __future__ import annotations

from enum import StrEnum


class Task(StrEnum):
    """What labels and answers are."""

    CLASSIFICATION = "classification"
    REGRESSION = "regression"
