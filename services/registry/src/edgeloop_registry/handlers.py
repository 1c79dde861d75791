"""Commands and candidates in, definitions and versions out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from edgeloop_contracts import ModelCandidate, ModelVersion, RegisterStream, RegistryState, StreamKey, topics
from edgeloop_kafka import Received, body
from edgeloop_signing.keys import Signer
from edgeloop_signing.statements import VersionStatement
from edgeloop_streaming import InvalidEventError, Send, State

from edgeloop_registry.core.candidates import (
    CandidateRefusedError,
    check_request,
    check_signed,
    check_size,
    check_standing,
    refusal_of,
    version_of,
)
from edgeloop_registry.core.chain import Chained, link
from edgeloop_registry.core.definitions import DefinitionRefusedError, define, definition
from edgeloop_registry.metrics import Metrics

HEAD = ""


@dataclass(frozen=True, slots=True)
class Ports:
    """Connections of the model registry to the outside.

    Attributes
    ----------
    artifact
        Fetches a candidate's bytes, checked against its digest.
    check_graph
        Refuses a graph that may not run: (bytes, number of features, number of classes).
    signer
        The registry's key.
    signed
        Whether the trainer has signed all that a candidate says.
    request_offset
        Where a request lies, by tenant, stream and id; ``None`` for none.
    metrics
        Of the process.
    """

    artifact: Callable[[ModelCandidate], bytes]
    check_graph: Callable[[bytes, int, int], None]
    signer: Signer
    signed: Callable[[ModelCandidate], bool]
    request_offset: Callable[[str, str, str], int | None]
    metrics: Metrics


class RegistryTask:
    """The registry's work; there is one partition, and so one registry that numbers.

    Parameters
    ----------
    state
        Of the partition.
    ports
        The world.
    """

    def __init__(self, state: State, ports: Ports) -> None:
        self._state = state
        self._ports = ports

    def handle(self, received: Received[Any]) -> Iterable[Send]:
        """Take a command or a candidate."""
        match received.event:
            case RegisterStream() as command:
                return list(self._define(command))
            case ModelCandidate() as candidate:
                return list(self._judge(candidate, received.offset))
            case other:
                raise InvalidEventError("WRONG_TYPE", f"the registry does not handle {other.FULLNAME}")

    def flush(self) -> Iterable[Send]:
        """Nothing is held back."""
        return ()

    def _define(self, command: RegisterStream) -> Iterator[Send]:
        key = StreamKey.of(command)
        try:
            changed = define(command, self._state.get(RegistryState, key) or RegistryState())
        except DefinitionRefusedError as refused:
            raise InvalidEventError(refused.reason, f"stream {key}: {refused.message}") from refused
        if changed is not None:
            self._state.put(key, changed)
            yield Send(topics.STREAMS, key, definition(command.tenant, command.stream, changed))

    def _judge(self, candidate: ModelCandidate, offset: int) -> Iterator[Send]:
        key = StreamKey.of(candidate)
        head = self._state.get(RegistryState, HEAD) or RegistryState()
        if head.handled is not None and offset <= head.handled:
            return
        known = self._state.get(RegistryState, key)
        event: Chained
        try:
            check_signed(candidate, signed=self._ports.signed(candidate))
            asked = self._ports.request_offset(candidate.tenant, candidate.stream, candidate.request_id)
            answered = check_request(candidate, asked, known)
        except CandidateRefusedError as refused:
            event = refusal_of(candidate, refused, head.chain, known)
        else:
            event, after = self._answer(candidate, known, head.chain)
            if after is not None:
                self._state.put(key, replace(after, answered=answered))
        if isinstance(event, ModelVersion):
            self._ports.metrics.versions.inc()
        else:
            self._ports.metrics.refusals.labels(event.reason.value).inc()
        self._state.put(HEAD, replace(head, chain=link(event).hash, handled=offset))
        yield Send(topics.MODEL_EVENTS, topics.MODEL_EVENTS.key_of(event), event)

    def _answer(self, candidate: ModelCandidate, known: RegistryState | None, previous: str | None) -> tuple[Chained, RegistryState | None]:
        """The answer to a trainer's candidate, and the state of the stream after it."""
        try:
            version = self._version(candidate, check_standing(candidate, known), previous)
        except CandidateRefusedError as refused:
            return refusal_of(candidate, refused, previous, known), known
        return version, replace(known or RegistryState(), version=version.version)

    def _version(self, candidate: ModelCandidate, known: RegistryState, previous: str | None) -> ModelVersion:
        ports = self._ports
        ports.check_graph(ports.artifact(candidate), len(known.features), len(candidate.classes))
        number = (known.version or 0) + 1
        statement = VersionStatement.of(candidate, number, [feature.name for feature in known.features])
        version = version_of(candidate, number, ports.signer.signed(statement.encode()), previous)
        check_size(len(body(version)))
        return version
