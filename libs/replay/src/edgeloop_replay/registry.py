"""The model registry of a replay: definition, standing of candidates and version numbers by the service's core."""

from __future__ import annotations

from dataclasses import replace

from edgeloop_contracts import CandidateRefused, ModelCandidate, ModelVersion, RegistryState, SignedStatement
from edgeloop_registry.core.candidates import CandidateRefusedError, check_standing, refusal_of, version_of
from edgeloop_registry.core.definitions import DefinitionRefusedError, define

from edgeloop_replay.errors import BadTableError
from edgeloop_replay.examples import STREAM
from edgeloop_replay.tables.stream_table import StreamTable, definition


class Registry:
    """Answers the candidates of one stream.

    Signatures, chunks and graphs are not checked: candidates come from this process.

    Parameters
    ----------
    table
        The stream that is defined.

    Raises
    ------
    BadTableError
        The registry refuses the definition of the stream.
    """

    def __init__(self, table: StreamTable) -> None:
        try:
            defined = define(definition("default", STREAM, table), RegistryState())
        except DefinitionRefusedError as refused:
            raise BadTableError(refused.message) from None
        assert defined is not None
        self._known = defined

    @property
    def definition_version(self) -> int:
        """Version of the stream definition."""
        return self._known.definition_version

    def answer(self, candidate: ModelCandidate) -> ModelVersion | CandidateRefused:
        """The version that the candidate becomes, or the reason why it does not."""
        try:
            known = check_standing(candidate, self._known)
        except CandidateRefusedError as refused:
            return refusal_of(candidate, refused, None, self._known)
        number = (known.version or 0) + 1
        self._known = replace(known, version=number)
        return version_of(candidate, number, SignedStatement(), previous=None)
