"""Snapshots of a learner as records of a state topic, equal to the bit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import astuple, replace

import numpy as np
from edgeloop_contracts import LearnerState, MemoryBlock, ModelAdapter
from edgeloop_mixture import serialization
from edgeloop_mixture.comparison import Comparison
from edgeloop_mixture.learner import Learner
from edgeloop_mixture.memory import MemoryRows
from edgeloop_mixture.mixture import Adapter, Frame
from edgeloop_mixture.rule import PATIENCE, Rule


def stored_rows(rule: Rule) -> int:
    """Number of memory rows that a learner keeps."""
    return rule.horizon + PATIENCE


def snapshot(order: LearnerState, learner: Learner) -> LearnerState:
    """The state of a stream: its row count, and the learner's numbers."""
    return replace(
        order,
        frame=learner.frame.number,
        published=learner.published,
        mistakes=learner.mistakes,
        weights=learner.weights.astype("<f8").tobytes(),
        bias=learner.bias.astype("<f8").tobytes(),
        coefficients=learner.coefficients.astype("<f8").tobytes(),
        comparison=np.array(astuple(learner.comparison), "<f8").tobytes(),
        memory_end=learner.memory.end,
        alone=learner.alone,
    )


def restored(
    rule: Rule, state: LearnerState, frames: Mapping[int, Frame], history: Iterable[ModelAdapter], blocks: Iterable[MemoryBlock]
) -> Learner:
    """The learner of a snapshot.

    Parameters
    ----------
    frames
        By number: the current one, and those of the published adapters in the history.
    history
        Published adapters that labels may still name.
    blocks
        Memory rows.
    """
    assert state.frame is not None
    frame = frames[state.frame]
    weights, bias = (np.frombuffer(part, "<f8").copy() for part in (state.weights, state.bias))
    coefficients = np.frombuffer(state.coefficients, "<f8").reshape(len(bias), -1).copy()
    memory = _memory(rule, frame, blocks)
    adapter = Adapter(state.published, weights, bias, coefficients.astype(np.float32), memory.end, state.alone)
    learner = Learner(rule, frame, adapter, memory, state.rows)
    learner.coefficients = coefficients
    learner.comparison = Comparison(*np.frombuffer(state.comparison, "<f8").tolist())
    learner.mistakes = state.mistakes
    for event in sorted(history, key=lambda event: event.number):
        then = frames[event.frame]
        learner.history[event.number] = (tuple(member.version for member in then.members), serialization.adapter_of(event, then))
    return learner


def _memory(rule: Rule, frame: Frame, blocks: Iterable[MemoryBlock]) -> MemoryRows:
    """The newest consecutive rows; under a rule with other memories, older blocks may remain in the state."""
    width, numbers = len(frame.scaling.features), frame.numbers is not None
    memory = MemoryRows(width, stored_rows(rule), numbers=numbers)
    for block in sorted(blocks, key=lambda block: block.first):
        if block.first != memory.end:
            memory = MemoryRows(width, stored_rows(rule), block.first, numbers=numbers)
        memory.append(*serialization.rows_of(block, width))
    return memory
