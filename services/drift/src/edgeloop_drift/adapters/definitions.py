"""Names of features, from the table of stream definitions."""

from __future__ import annotations

from typing import Protocol

from edgeloop_contracts import StreamDefinition
from edgeloop_streaming import Received


class Definitions(Protocol):
    """The part of :class:`edgeloop_streaming.Table` that is needed here."""

    def refresh(self) -> None:
        """Take in what is new."""
        ...

    def get(self, key: str) -> Received[StreamDefinition] | None:
        """Newest definition of a stream."""
        ...


class FeatureNames:
    """How people call the features of a stream. Only texts depend on it, no decision does."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions

    def __call__(self, stream: str, feature: int) -> str:
        """Name of feature number ``feature`` of ``tenant/stream``; its number when no definition tells."""
        self._definitions.refresh()
        definition = self._definitions.get(stream)
        features = definition.event.features if definition else ()
        return features[feature].name if feature < len(features) else str(feature)
