"""Names of features, and what counts as right, from the table of stream definitions."""

from __future__ import annotations

from typing import Protocol

from edgeloop_contracts import ExampleBatch, StreamDefinition
from edgeloop_kafka import Received


class Definitions(Protocol):
    """The part of :class:`edgeloop_readers.Table` that is needed here."""

    def refresh(self) -> None:
        """Take in what is new."""
        ...

    def get(self, key: str) -> Received[StreamDefinition] | None:
        """Newest definition of a stream."""
        ...


class FeatureNames:
    """How people call the features of a stream, as far as their means are watched.

    A feature does not become one with categories, nor cease to be one, once the stream has a model.
    """

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions

    def __call__(self, stream: str, feature: int) -> str:
        """Name of feature number ``feature`` of ``tenant/stream``; its number when no definition tells; empty for one with categories.

        The mean of indexes of categories says nothing, so there is no signal of it.
        """
        self._definitions.refresh()
        definition = self._definitions.get(stream)
        features = definition.event.features if definition else ()
        if feature >= len(features):
            return str(feature)
        return "" if features[feature].categories else features[feature].name


class Tolerances:
    """How near an answer has to come to its label, by stream; 0 where labels are classes.

    A stream's tolerance does not change any more once it has a model. So a look at the definitions when its first answered row comes
    is enough, and rows that were answered wrong then are so after every restart.
    """

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._known: dict[str, float] = {}

    def of(self, batch: ExampleBatch) -> float:
        """Tolerance for the rows of a batch."""
        stream = f"{batch.tenant}/{batch.stream}"
        if stream not in self._known and any(batch.model_versions):
            self._definitions.refresh()
            definition = self._definitions.get(stream)
            self._known[stream] = definition.event.tolerance if definition else 0.0
        return self._known.get(stream, 0.0)
