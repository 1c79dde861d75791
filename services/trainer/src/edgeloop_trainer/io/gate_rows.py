"""Rows of the gate: fetched in the pooled order, answered by challenger and champion."""

from __future__ import annotations

from edgeloop_contracts import GateState, ModelVersion
from edgeloop_contracts.row_references import PooledRows, Reference
from edgeloop_datasets import ModelGoneError
from edgeloop_readers import RangeGoneError

from edgeloop_trainer.core.gate import outcomes
from edgeloop_trainer.core.phases import ChampionRead, Compare, Compared, Lost, ReadChampion
from edgeloop_trainer.io.champions import Champions
from edgeloop_trainer.io.models import Models
from edgeloop_trainer.io.rows import Rows


class GateRows:
    """Carries out comparisons for the streams of one partition.

    Parameters
    ----------
    partition
        Of ``drift.partials``.
    rows, models, champions
        Sources of rows, answers and champions.
    """

    def __init__(self, partition: int, rows: Rows, models: Models, champions: Champions) -> None:
        self._partition = partition
        self._rows = rows
        self._models = models
        self._champions = champions
        self._orders: dict[str, PooledRows] = {}

    def append(self, key: str, reference: Reference) -> None:
        """Take the next rows of a stream."""
        self._orders.setdefault(key, PooledRows()).append(reference)

    def trim(self, key: str) -> None:
        """Forget all but the newest rows; older ones are read again if a gate needs them."""
        if key in self._orders:
            self._orders[key].trim()

    def champion(self, key: str, effect: ReadChampion) -> ChampionRead | Lost:
        """The newest version of a stream."""
        if effect.fresh:
            self._champions.refresh()
        champion = self._champion(key, effect.known)
        return ChampionRead(champion.version) if champion else Lost(f"{key} has no champion any more")

    def compare(self, key: str, state: GateState, effect: Compare) -> Compared | Lost:
        """The outcomes of rows, as far as they have come."""
        gate = effect.gate
        champion = self._champion(key, gate.champion_version)
        if champion is None:
            return Lost(f"{key} has no champion any more")
        try:
            features, truth = self._rows.at(self._references(key, state, effect), self._models.width(gate.challenger))
            answers, others = self._models.answers(gate.challenger, features), self._models.answers(champion, features)
        except (RangeGoneError, ModelGoneError) as error:
            return Lost(str(error))
        compared = outcomes(answers, others, truth, numbers=not gate.challenger.classes)
        return Compared(champion.version, effect.first, tuple(compared))

    def _champion(self, key: str, known: int | None) -> ModelVersion | None:
        champion = self._champions.champion(key)
        if champion is None or champion.version < (known or 0):
            self._champions.refresh()  # this process is younger than the gate
            champion = self._champions.champion(key)
        return champion

    def _references(self, key: str, state: GateState, effect: Compare) -> list[Reference]:
        first, last = effect.first, effect.last
        if first > last:
            return []
        order = self._orders.get(key)
        if order is None or not order.covers(first):
            order = self._orders[key] = self._rows.order(self._partition, key, state.marks, state.last_offset, first)
        return order.between(first, last)
