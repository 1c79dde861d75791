"""Mixtures of a version and of what was learned from labels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np
from edgeloop_contracts import AdapterMember, ModelFile
from edgeloop_mixture.memory import MemoryRows
from edgeloop_mixture.mixture import Adapter, Frame, with_member
from edgeloop_mixture.rule import Rule
from edgeloop_signing.statements import VersionStatement

from edgeloop_inference.core.adapter_parts import Learned
from edgeloop_inference.core.version_admission import Reason, RefusalError, admit, member_assignment
from edgeloop_inference.io.adapter_store import AdapterStore
from edgeloop_inference.io.kafka_clients import Reader
from edgeloop_inference.io.mixture_sessions import ServingMixture
from edgeloop_inference.io.model_store import BrokenFileError, ModelStore, Package
from edgeloop_inference.io.models import Models
from edgeloop_inference.io.verification import Verification

if TYPE_CHECKING:
    from edgeloop_mixture.session import MixtureSession

# What a graph is made of: the same makes the same graph.
Composition = tuple[object, ...]


class MixtureBuilder:
    """Builds each stream's serving mixture, and keeps members and adapter on disk; for one thread at a time.

    The graph is rebuilt only if members, classes or scaling have changed; else an adapter is a few arrays. The serving mixture stays
    until the new one has given a first answer.

    Parameters
    ----------
    folder
        Where members and adapters are kept.
    verification, models
        Of the device.
    versions
        The store of installed versions.
    rule
        Of the mixtures.
    memories
        Whether this device can afford the memories.
    """

    def __init__(
        self, folder: Path, verification: Verification, models: Models, versions: ModelStore, rule: Rule, *, memories: bool
    ) -> None:
        self._folder = folder
        self._verification = verification
        self._models = models
        self._versions = versions
        self._rule = rule
        self.memories = memories
        self._store = AdapterStore(folder, rule.horizon, verification.adapter)
        self._members: dict[str, ModelStore] = {}
        self._learned: dict[str, Learned] = {}
        self._sessions: dict[str, tuple[Composition, MixtureSession]] = {}

    def restore(self, stream: str) -> None:
        """Load a stream's adapter from disk.

        Raises
        ------
        RefusalError
            ``SIGNATURE``, ``MISSING``, ``LOAD`` or ``DIGEST``: it is not signed, or not whole, and not used.
        """
        parts = self._store.load(stream)
        if parts.number:
            self._learned[stream] = parts.complete()

    def build(self, statement: VersionStatement) -> ServingMixture | None:
        """Mixture of a version that is about to be installed; ``None`` if its stream has no adapter.

        Raises
        ------
        RefusalError
            ``MISSING``, ``DIGEST``, ``SIGNATURE`` or ``LOAD``: no mixture can be made with it now.
        """
        learned = self._learned.get(statement.stream)
        if learned is None:
            return None
        return self._mixture(statement, learned, None)

    def apply(self, statement: VersionStatement, learned: Learned, memory: MemoryRows, reader: Callable[[], Reader]) -> None:
        """Serve an adapter with the installed version.

        Parameters
        ----------
        statement
            Of the version that is installed.
        memory
            Received memory rows, which are kept.
        reader
            Gives the reader of chunks, for members that are not on disk.

        Raises
        ------
        RefusalError
            The adapter is refused, and the serving mixture stays.
        """
        mixture = self._mixture(statement, learned, reader)
        self._store.save(statement.stream, learned, memory)
        self._learned[statement.stream] = learned
        self._models.install(mixture)

    def close(self) -> None:
        """Close the files."""
        self._store.close()

    def _mixture(self, statement: VersionStatement, learned: Learned, reader: Callable[[], Reader] | None) -> ServingMixture:
        frame, adapter = self._with_version(statement, learned)
        session = self._session(statement, frame, reader)
        mixture = ServingMixture(statement, frame.classes, session, session.feeds(adapter, learned.window), learned.number)
        _check_answers(mixture)
        return mixture

    def _with_version(self, statement: VersionStatement, learned: Learned) -> tuple[Frame, Adapter]:
        """Frame and adapter, in which a version that is newer than all members counts at once."""
        frame, adapter = learned.frame, learned.adapter
        if bool(statement.classes) != bool(frame.classes):
            kinds = [", ".join(classes) or "numbers" for classes in (statement.classes, frame.classes)]
            raise RefusalError(Reason.DEFINITION, f"version {statement.version} answers with {kinds[0]}; the mixture is of {kinds[1]}")
        if len(adapter.weights) != (wanted := frame.experts(self._rule) + 1):
            raise RefusalError(Reason.LOAD, f"weights: expected {wanted}, given {len(adapter.weights)}")
        if frame.scaling.width != len(statement.features):
            raise RefusalError(
                Reason.DEFINITION, f"the frame's rows have {frame.scaling.width} features, the stream's {len(statement.features)}"
            )
        newest = frame.members[-1]
        if statement.version <= newest.version:
            if statement.version == newest.version and statement.digest != newest.file.digest:
                raise RefusalError(
                    Reason.DIGEST, f"version {newest.version} is installed with digest {statement.digest}, not {newest.file.digest}"
                )
            return frame, adapter
        newcomer = AdapterMember(
            version=statement.version, file=ModelFile(digest=statement.digest, size=statement.size), classes=statement.classes
        )
        return with_member(frame, adapter, newcomer, frame.number, self._rule)

    def _session(self, serving: VersionStatement, frame: Frame, reader: Callable[[], Reader] | None) -> MixtureSession:
        composition = _composition(frame)
        known = self._sessions.get(serving.stream)
        if known is not None and known[0] == composition:
            return known[1]
        from edgeloop_mixture.session import MixtureSession  # onnx comes in with the first mixture

        models = [self._member(serving, member, reader).model for member in frame.members]
        try:
            session = MixtureSession(frame, models, self._rule, memories=self.memories)
        except Exception as error:  # onnx and onnxruntime raise what they like
            raise RefusalError(Reason.LOAD, f"{type(error).__name__}: {error}") from error
        self._sessions[serving.stream] = composition, session
        self._store_of(serving.stream).keep(_name(member) for member in frame.members)
        return session

    def _member(self, serving: VersionStatement, member: AdapterMember, reader: Callable[[], Reader] | None) -> Package:
        """A member's file: from disk, else fetched and verified as an assigned model is."""
        store = self._store_of(serving.stream)
        try:
            try:
                package = self._on_disk(store, serving, member)
                statement = self._verification.stored(package)
            except (BrokenFileError, RefusalError) as error:
                if reader is None:
                    raise RefusalError(Reason.MISSING, str(error)) from error
                assignment = member_assignment(serving.tenant, serving.stream, member)
                statement = self._verification.statement(assignment)
                admit(statement, assignment, serving.features, self._verification.max_bytes)
                package = self._verification.fetched(statement, assignment, reader)
                store.save(_name(member), package)
            if (statement.version, statement.digest, statement.classes) != (member.version, member.file.digest, member.classes):
                raise RefusalError(Reason.DIGEST, "the signed statement and the frame differ")
        except RefusalError as refusal:
            raise RefusalError(refusal.reason, f"version {member.version}: {refusal.message}") from refusal
        return package

    def _on_disk(self, store: ModelStore, serving: VersionStatement, member: AdapterMember) -> Package:
        try:
            return store.load(_name(member))
        except BrokenFileError:
            if member.file.digest != serving.digest:
                raise
        package = self._versions.load(serving.stream)
        store.save(_name(member), package)
        return package

    def _store_of(self, stream: str) -> ModelStore:
        if stream not in self._members:
            self._members[stream] = ModelStore(self._folder / "members" / quote(stream, safe=""))
        return self._members[stream]


def _name(member: AdapterMember) -> str:
    """Under which a member is kept; two versions may be the same file."""
    return f"{member.version}-{member.file.digest}"


def _composition(frame: Frame) -> Composition:
    scaling = frame.scaling
    members = tuple((member.version, member.file.digest, member.classes) for member in frame.members)
    numbers = (scaling.features, scaling.means, scaling.gains, scaling.scales)
    return members, frame.classes, frame.numbers, scaling.width, *(part.tobytes() for part in numbers)


def _check_answers(mixture: ServingMixture) -> None:
    """Check a mixture's first answer.

    Raises
    ------
    RefusalError
        ``LOAD``: it does not answer, or with no probabilities or numbers.
    """
    rows = np.zeros((2, len(mixture.features)), np.float32)
    try:
        values = mixture.answer(rows).values
    except Exception as error:  # onnxruntime raises what it likes
        raise RefusalError(Reason.LOAD, f"{type(error).__name__}: {error}") from error
    if values.shape != ((2, len(mixture.classes)) if mixture.classes else (2,)) or not np.isfinite(values).all():
        raise RefusalError(Reason.LOAD, f"its {'probabilities' if mixture.classes else 'numbers'} are {values.tolist()}")
