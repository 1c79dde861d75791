"""Mixtures in onnxruntime."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from edgeloop_contracts import outcomes
from edgeloop_signing.statements import VersionStatement
from numpy.typing import NDArray

from edgeloop_inference.core.answers import Answer, Columns

if TYPE_CHECKING:
    from edgeloop_mixture.session import Feeds, MixtureSession


class ServingMixture:
    """A version that answers together with what has been learned from labels; safe to use from many threads.

    Parameters
    ----------
    statement
        Of the version that is installed; verified.
    classes
        Of the mixture; none where it answers with numbers.
    session, feeds
        The graph, and what the adapter makes of it.
    adapter
        Number of the adapter.
    """

    def __init__(self, statement: VersionStatement, classes: tuple[str, ...], session: MixtureSession, feeds: Feeds, adapter: int) -> None:
        self.statement = statement
        self.stream = statement.stream
        self.version = statement.version
        self.digest = statement.digest
        self.features = statement.features
        self.classes = classes
        self.columns = Columns.of(classes)
        self.adapter = adapter
        self._session = session
        self._feeds = feeds

    def answer(self, rows: NDArray[np.float32]) -> Answer:
        """Class and probabilities, or the number, of each row of a float32 [n, F] array."""
        labels, values, alone = self._session.answer_with_alone(rows, self._feeds, self.version)
        return Answer(tuple(labels), values, outcomes.where_other(alone, labels))
