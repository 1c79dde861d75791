"""Results of a fit: messages from the child process to the service."""

from __future__ import annotations

from dataclasses import dataclass, field

from edgeloop_trainer.core.gate import Tally


@dataclass(frozen=True, slots=True)
class SearchStep:
    """One choice of hyper-parameters, tried before the fit.

    Attributes
    ----------
    parameters
        The choice, with the parameters that all steps share.
    metrics
        ``accuracy``, or ``mae`` and ``rmse``, on ``rows`` validation rows; empty if the fit failed.
    seconds
        Wall time.
    reason
        Reason of the failure; empty for none.
    """

    parameters: dict[str, str]
    metrics: dict[str, float] = field(default_factory=dict[str, float])
    seconds: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DatasetSummary:
    """Number, digest and classes of the rows that a model has learned."""

    rows: int
    digest: str
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A challenger.

    Attributes
    ----------
    onnx
        The model file; empty if an archived version takes the place of the fit.
    digest
        SHA-256 of the model file, hex.
    metrics, parameters
        Of the fit.
    seconds
        Wall time.
    tally
        Result on the held-out rows; ``None`` if no rows were held out.
    steps
        Steps of the search before the fit.
    recalls
        Number of the archived version that is the challenger; 0 for a fit.
    learned
        Rows of an online model; ``None`` for a fit of the dataset.
    """

    onnx: bytes
    digest: str
    metrics: dict[str, float]
    parameters: dict[str, str]
    seconds: float
    tally: Tally | None = None
    steps: tuple[SearchStep, ...] = ()
    recalls: int = 0
    learned: DatasetSummary | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """A fit without a challenger.

    Attributes
    ----------
    reason
        Reason in words.
    metrics, parameters, seconds, steps
        As far as the fit came.
    behind
        Whether online models lacked rows because the child process had restarted.
    """

    reason: str
    metrics: dict[str, float] = field(default_factory=dict[str, float])
    parameters: dict[str, str] = field(default_factory=dict[str, str])
    seconds: float = 0.0
    steps: tuple[SearchStep, ...] = ()
    behind: bool = False
