"""Labelled rows in, adapters out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from edgeloop_contracts import (
    AdapterMember,
    Cause,
    DriftPartial,
    LearnerState,
    ModelAdapter,
    PartialKind,
    StreamDefinition,
    StreamKey,
    outcomes,
    topics,
)
from edgeloop_contracts.keys import adapter_key
from edgeloop_contracts.plausibility import impossible_partial
from edgeloop_contracts.row_references import folded, reference
from edgeloop_datasets import LabelledRows, ModelFiles, ModelGoneError, ModelVersions, StreamDefinitions
from edgeloop_kafka import Received
from edgeloop_mixture.columns import categories_of
from edgeloop_mixture.graph import PREDICTION, PROBABILITIES, GraphError, checked
from edgeloop_mixture.learner import Labelled, Learner
from edgeloop_mixture.rule import Rule
from edgeloop_mixture.serialization import CLASSES
from edgeloop_readers import Policies, RangeGoneError
from edgeloop_signing.keys import Signer
from edgeloop_signing.statements import adapter_statement
from edgeloop_streaming import InvalidEventError, Send, State

from edgeloop_adapter.core.members import member_of
from edgeloop_adapter.core.rows import BACKLOG, labelled
from edgeloop_adapter.io.stream_mixture import StreamMixture
from edgeloop_adapter.metrics import Metrics

BEGIN = 2  # labelled rows that a mixture needs


@dataclass(frozen=True, slots=True)
class Ports:
    """Dependencies of a task; one set for all tasks of a process.

    Attributes
    ----------
    rows, versions, files, definitions
        Read from topics.
    rules
        Learning rules by stream; ``None`` switches learning off.
    signer
        The key that devices trust for adapters alone.
    metrics
        Of the process.
    """

    rows: LabelledRows
    versions: ModelVersions
    files: ModelFiles
    definitions: StreamDefinitions
    rules: Policies[Rule] | None
    signer: Signer
    metrics: Metrics


class AdapterTask:
    """Learning in one partition of ``drift.partials``, in the pooled order of each stream.

    It learns from rows one by one, so batches, transactions and restarts do not change the result.

    Parameters
    ----------
    partition
        Of the input; the adapters of its streams go to the same partition of ``model.adapters``.
    state
        What its mixtures have learned.
    ports
        Of the process.
    """

    def __init__(self, partition: int, state: State, ports: Ports) -> None:
        self._partition = partition
        self._state = state
        self._ports = ports
        self._mixtures: dict[str, StreamMixture] = {}
        self._orders: dict[StreamKey, LearnerState] = {}
        self._refused: set[tuple[str, int]] = set()
        self._polled = False

    def handle(self, received: Received[Any]) -> Iterable[Send]:
        """Learn from a partial's rows; :meth:`flush` sends the adapters."""
        if self._ports.rules and not self._polled:
            self._ports.rules.poll()
            self._polled = True
        match received.event:
            case DriftPartial(kind=PartialKind.ERRORS) as partial:
                if why := impossible_partial(partial):
                    raise InvalidEventError("MALFORMED", why)
                self._labelled(received, partial)
            case _:
                pass
        return ()

    def flush(self) -> Iterator[Send]:
        """Save what was learned, and send each stream's newest adapter after its rows and its frame, since it refers to both."""
        for key, order in sorted(self._orders.items()):
            mixture, metrics = self._mixtures.get(key), self._ports.metrics
            self._state.put(key, mixture.save(order) if mixture else order)
            metrics.labelled.labels(order.tenant, order.stream).set(order.rows)
            if mixture is None or mixture.due is None:
                continue
            due, mixture.due = mixture.due, None
            for slot, block in sorted(due.blocks.items(), key=lambda item: item[1].first):
                yield Send(topics.MODEL_ADAPTERS, adapter_key(key, f"block/{slot}"), block, due.cause, self._partition)
            if due.frame is not None:
                yield Send(topics.MODEL_ADAPTERS, adapter_key(key, "frame"), due.frame, due.cause, self._partition)
            yield Send(topics.MODEL_ADAPTERS, adapter_key(key, "adapter"), self._signed(due.adapter), due.cause, self._partition)
            metrics.newest.labels(order.tenant, order.stream).set(due.adapter.number)
            metrics.alone.labels(order.tenant, order.stream).set(due.adapter.alone)
        self._orders = {}
        self._polled = False

    def _signed(self, adapter: ModelAdapter) -> ModelAdapter:
        signer = self._ports.signer
        return replace(adapter, signature=signer.sign(adapter_statement(adapter)), key_id=signer.key_id)

    def _labelled(self, received: Received[Any], partial: DriftPartial) -> None:
        key = StreamKey.of(partial)
        before = self._order(key, partial)
        if before.last_offset is not None and received.offset <= before.last_offset:
            return
        order = self._orders[key] = folded(before, partial, received.offset)
        rule = self._ports.rules.of(partial.tenant, partial.stream) if self._ports.rules else None
        mixture = self._mixture(key, rule) if rule else None
        outcomes = self._ports.metrics.rows
        if rule is None or before.unsuited or (mixture is None and not partial.model_version):
            outcomes.labels("idle").inc(partial.count)
        elif not partial.model_version:
            outcomes.labels("unanswered").inc(partial.count)
        else:
            try:
                rows = labelled(self._ports.rows.slices([reference(partial, before.rows)]))
            except RangeGoneError:
                outcomes.labels("gone").inc(partial.count)
            else:
                self._learn(key, rule, order, before.rows, rows, received.cause)
        if learner := self._mixtures.get(key):
            learner.learner.rows = order.rows

    def _learn(self, key: StreamKey, rule: Rule, order: LearnerState, before: int, rows: list[Labelled], cause: Cause) -> None:
        """Learn from a partial's rows, all answered by one version; the first is number ``before + 1``."""
        outcomes = self._ports.metrics.rows
        version = self._member(key, rows[0])
        first = None if key in self._mixtures else member_of(self._ports.versions.first(key))
        for number, row in enumerate(rows, before):
            mixture = self._mixtures.get(key) or (self._start_mixture(key, rule, order, first, number, row) if first else None)
            if mixture is None:
                outcomes.labels("idle").inc()
                continue
            mixture.learner.rows = number
            if _fits(mixture.learner, row):
                newcomer = version if version and _has_room(mixture.learner, version, row) else None
                self._ports.metrics.published.inc(mixture.learn(row, newcomer, cause))
                outcomes.labels("learned").inc()
            else:
                outcomes.labels("unfit").inc()

    def _start_mixture(
        self, key: StreamKey, rule: Rule, order: LearnerState, first: AdapterMember, rows: int, row: Labelled
    ) -> StreamMixture | None:
        """A new mixture of the first version, learned from the rows before this one."""
        if rows < BEGIN or self._orders[key].unsuited:
            return None
        definition = self._ports.definitions.get(key) or StreamDefinition(tenant=key.tenant, stream=key.stream)
        classes, tolerance = definition.classes, definition.tolerance
        categories = categories_of(definition) if len(definition.features) == len(row.features) else ()
        oldest = max(1, rows - BACKLOG + 1)
        earlier = labelled(self._ports.rows.newest(self._partition, key, order.marks, order.last_offset, oldest, rows))
        earlier = [one for one in earlier if one.features.shape == row.features.shape and (not tolerance or _is_number(one.label))]
        if len(earlier) < BEGIN:
            return None
        labels = [one.label for one in earlier]
        too_many = not tolerance and len({*first.classes, *classes, *labels, row.label}) > CLASSES
        if too_many or not self._can_join(key, first, len(row.features), numbers=tolerance > 0):
            self._orders[key] = replace(self._orders[key], unsuited=True)
            return None
        features = np.stack([one.features for one in earlier])
        learner = Learner.begin(rule, first, classes, features, labels, rows, tolerance=tolerance, categories=categories)
        self._mixtures[key] = StreamMixture(key, learner, learner.frame.number, self._state, self._file)
        return self._mixtures[key]

    def _member(self, key: StreamKey, row: Labelled) -> AdapterMember | None:
        """The version that answered a row, where it is newer than all members and can take part."""
        mixture = self._mixtures.get(key)
        if mixture and row.version <= mixture.learner.frame.members[-1].version:
            return None
        member = member_of(self._ports.versions.get(key, row.version))
        numbers = mixture is not None and mixture.learner.frame.numbers is not None
        return member if member and mixture and self._can_join(key, member, len(row.features), numbers=numbers) else None

    def _can_join(self, key: StreamKey, member: AdapterMember, width: int, *, numbers: bool) -> bool:
        """Whether a version's file can be a member for rows of this width and labels of this kind."""
        if bool(member.classes) == numbers or (key, member.version) in self._refused:
            return False
        try:
            checked(self._file(member), width, PREDICTION if numbers else PROBABILITIES)
        except (GraphError, ModelGoneError):
            self._ports.metrics.refused.inc()
            self._refused.add((key, member.version))
            return False
        return True

    def _file(self, member: AdapterMember) -> bytes:
        return self._ports.files.read(member.file)

    def _mixture(self, key: StreamKey, rule: Rule) -> StreamMixture | None:
        if key not in self._mixtures and (restored := StreamMixture.restore(key, rule, self._state, self._file)):
            self._mixtures[key] = restored
        mixture = self._mixtures.get(key)
        if mixture is not None:
            mixture.learner.rule = rule
        return mixture

    def _order(self, key: StreamKey, partial: DriftPartial) -> LearnerState:
        kept = self._orders.get(key) or self._state.get(LearnerState, key)
        return kept or LearnerState(tenant=partial.tenant, stream=partial.stream)


def _fits(learner: Learner, row: Labelled) -> bool:
    """Whether a row has the mixture's width, and its label is a number, a known class, or a new class within the limit."""
    frame = learner.frame
    fits = _is_number(row.label) if frame.numbers else row.label in frame.classes or len(frame.classes) < CLASSES
    return fits and len(row.features) == frame.scaling.width


def _has_room(learner: Learner, version: AdapterMember, row: Labelled) -> bool:
    """Whether a version is newer than all members, and its classes are within the limit."""
    frame = learner.frame
    room = frame.numbers is not None or len({*frame.classes, *version.classes, row.label}) <= CLASSES
    return room and version.version > frame.members[-1].version


def _is_number(label: str) -> bool:
    return outcomes.number(label) is not None
