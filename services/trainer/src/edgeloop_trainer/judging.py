"""The gate's rows: fetched in the pooled order, answered by challenger and champion."""

from __future__ import annotations

from dataclasses import replace

from edgeloop_contracts import GateState, ModelVersion, TrainingRequest
from edgeloop_contracts.row_references import PooledRows, Reference, mark_before, replayed
from edgeloop_datasets.ranges import Artifact, ModelGoneError
from edgeloop_readers import RangeGoneError

from edgeloop_trainer.attempts import artifact_of
from edgeloop_trainer.core.gate import Judgement, NumberTally, Rule, Verdict, judge, outcomes
from edgeloop_trainer.core.runs import judged, tally_of
from edgeloop_trainer.io.champions import Champions
from edgeloop_trainer.io.models import Models
from edgeloop_trainer.io.rows import Rows


class Judge:
    """Judges challengers of one partition's streams.

    Parameters
    ----------
    partition
        Of ``drift.partials``.
    rows, models, champions
        Where rows, answers and champions come from.
    """

    def __init__(self, partition: int, rows: Rows, models: Models, champions: Champions) -> None:
        self._partition = partition
        self._rows = rows
        self._models = models
        self._champions = champions
        self._orders: dict[str, PooledRows] = {}

    def note(self, key: str, reference: Reference) -> None:
        """Take the next rows of a stream."""
        self._orders.setdefault(key, PooledRows()).append(reference)

    def trim(self, key: str) -> None:
        """Forget rows that nobody will ask for soon; older ones are read again if need be."""
        if key in self._orders:
            self._orders[key].trim()

    def advance(self, key: str, gate: GateState, request: TrainingRequest, until: int) -> tuple[GateState, Verdict | None]:
        """Judge the rows that have come, up to number ``until``.

        Raises
        ------
        RangeGoneError, ModelGoneError
            Rows or models cannot be read any more.
        """
        while True:
            champion = self._champion(key, gate)
            if champion.version != gate.champion_version:
                gate = restarted(gate, request, champion.version)
            gate, verdict = self._judge(key, gate, champion, until)
            if verdict != Verdict.PROMOTE:
                return gate, verdict
            self._champions.refresh()
            if self._champion(key, gate).version == gate.champion_version:
                return gate, verdict

    def _judge(self, key: str, gate: GateState, champion: ModelVersion, until: int) -> tuple[GateState, Verdict | None]:
        challenger = Artifact(gate.digest, gate.chunk_partition, gate.chunk_offset, gate.chunks, gate.classes)
        current = artifact_of(champion)
        features, truth = self._rows.at(self._references(key, gate, until), self._models.width(challenger))
        answers, others = self._models.answers(challenger, features), self._models.answers(current, features)
        compared = outcomes(answers, others, truth, numbers=not gate.classes)
        judgement = judge(Rule(gate.gate_minimum), Judgement(tally_of(gate), gate.next_row), compared, until)
        return judged(gate, judgement), judgement.verdict

    def _champion(self, key: str, gate: GateState) -> ModelVersion:
        champion = self._champions.get(key)
        if champion is None or champion.version < gate.champion_version:
            self._champions.refresh()  # this process is younger than the gate
            champion = self._champions.get(key)
        if champion is None:
            raise ModelGoneError(f"{key} has no champion any more")
        return champion

    def _references(self, key: str, gate: GateState, until: int) -> list[Reference]:
        first, last = gate.next_row, min(gate.rows, until)
        if first > last:
            return []
        order = self._orders.get(key)
        if order is None or not order.covers(first):
            mark = mark_before(gate.marks, first)
            if mark is None:
                raise RangeGoneError(f"row {first} of {key} is older than the order that is kept")
            order = replayed(mark, self._rows.partials(self._partition, key, mark.offset, gate.last_offset + 1))
            self._orders[key] = order
        return order.between(first, last)


def restarted(gate: GateState, request: TrainingRequest, champion_version: int) -> GateState:
    """The gate at its first row again."""
    return judged(replace(gate, champion_version=champion_version), Judgement(NumberTally(), request.row + 1))
