"""Feature names and tolerances, from the table of stream definitions."""

from __future__ import annotations

from typing import Protocol

from edgeloop_contracts import ExampleBatch, StreamDefinition, StreamKey
from edgeloop_kafka import Received


class Definitions(Protocol):
    """The part of :class:`edgeloop_readers.Table` that is needed here."""

    def refresh(self) -> None:
        """Read what has been committed since."""
        ...

    def get(self, key: str) -> Received[StreamDefinition] | None:
        """Newest definition of a stream."""
        ...


class FeatureNames:
    """Names of the features whose means are watched.

    Once a stream has a model, categories are neither added to a feature nor removed as a whole.
    """

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions

    def __call__(self, stream: str, feature: int) -> str:
        """Name of a feature of ``tenant/stream``; its number where no definition names it; empty for one with categories.

        The mean of category indexes has no meaning, so no signal is made of it.
        """
        self._definitions.refresh()
        definition = self._definitions.get(stream)
        features = definition.event.features if definition else ()
        if feature >= len(features):
            return str(feature)
        return "" if features[feature].categories else features[feature].name


class Tolerances:
    """Tolerances of streams; 0 where labels are classes.

    A stream's tolerance is fixed once it has a model. So one lookup at its first answered row is enough, and the same rows count as
    wrong after every restart.
    """

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._known: dict[str, float] = {}

    def of(self, batch: ExampleBatch) -> float:
        """Tolerance for the rows of a batch."""
        stream = StreamKey.of(batch)
        if stream not in self._known and any(batch.model_versions):
            self._definitions.refresh()
            definition = self._definitions.get(stream)
            self._known[stream] = definition.event.tolerance if definition else 0.0
        return self._known.get(stream, 0.0)
