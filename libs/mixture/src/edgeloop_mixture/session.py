"""Answers of a mixture by onnxruntime."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeloop_mixture import graph as g
from edgeloop_mixture.memory import Window
from edgeloop_mixture.mixture import Adapter, Frame
from edgeloop_mixture.rule import Rule
from edgeloop_mixture.runtime import onnxruntime, open_session

FAR = 1 << 24  # a squared distance larger than any row's


class Feeds:
    """Inputs of a graph for one adapter; safe to use from many threads.

    The runtime gets these arrays once instead of with each request: for one row, an array costs as much time as two nodes.

    Parameters
    ----------
    session
        Of onnxruntime.
    arrays
        By input, without the rows.
    """

    def __init__(self, session: Any, arrays: dict[str, NDArray[Any]]) -> None:
        self._session = session
        self._values = {name: onnxruntime.OrtValue.ortvalue_from_numpy(array) for name, array in arrays.items()}
        self._mine = threading.local()

    def run(self, rows: NDArray[np.float32], *outputs: str) -> list[Any]:
        """Outputs of the graph for rows [N, F]."""
        binding: Any = getattr(self._mine, "binding", None)
        if binding is None or self._mine.made_for != (outputs, len(rows)):  # bound outputs keep their first size
            binding = self._mine.binding = self._session.io_binding()
            self._mine.made_for = outputs, len(rows)
            for name, value in self._values.items():
                binding.bind_ortvalue_input(name, value)
            for name in outputs:
                binding.bind_output(name)
        binding.bind_cpu_input(g.INPUT, rows)
        self._session.run_with_iobinding(binding)
        return binding.copy_outputs_to_cpu()


class MixtureSession:
    """A frame that is ready to answer; safe to use from many threads.

    Parameters
    ----------
    frame, models, rule, memories
        See :func:`edgeloop_mixture.graph.build`.
    """

    def __init__(self, frame: Frame, models: Sequence[bytes], rule: Rule, *, memories: bool = True) -> None:
        self.frame = frame
        self.memories = memories and bool(rule.memories)
        self._rule = rule
        self._outputs = (g.PREDICTION,) if frame.numbers else (g.LABEL, g.PROBABILITIES)
        self._session = open_session(g.build(frame, models, rule, memories=memories), quiet=True)
        given = {output.name for output in self._session.get_outputs()}
        named = {member.version: (g.alone_output(number, frame), member.classes) for number, member in enumerate(frame.members)}
        self._alone = {version: found for version, found in named.items() if found[0] in given}

    def feeds(self, adapter: Adapter, window: Window) -> Feeds:
        """Inputs for an adapter; a new one replaces the old one as a whole."""
        own = len(self.frame.members) + 1
        left = adapter.weights if self.memories else np.append(adapter.weights[:own], adapter.weights[-1])
        weights = self.frame.target.normalized(left)[:-1]
        bias = adapter.weights[-1] * adapter.bias
        if adapter.alone:
            versions = [member.version for member in self.frame.members]
            weights = np.zeros(len(weights))
            weights[versions.index(adapter.alone)] = 1
            bias = np.zeros(len(bias))
        arrays: dict[str, NDArray[Any]] = {
            # The graph multiplies the logarithms of all experts with one matrix.
            g.WEIGHTS: np.kron(weights[:, None], np.eye(len(bias))).astype(np.float32),
            g.BIAS: bias.astype(np.float32),
            g.COEFFICIENTS: np.ascontiguousarray(adapter.coefficients[:, :-1].T),
            g.CONSTANT: np.ascontiguousarray(adapter.coefficients[:, -1]),
        }
        return Feeds(self._session, arrays | self._remembered(window) if self.memories else arrays)

    def _remembered(self, window: Window) -> dict[str, NDArray[Any]]:
        """Memory rows, doubled, since a distance holds each product twice; a small memory is filled up with rows that have no vote.

        The norms include the shift of the rows in the products.
        """
        missing = max(0, max(memory.neighbours for memory in self._rule.memories) - len(window.labels))
        doubled = window.rows * np.int8(2)
        norms = window.norms.astype(np.int32) + doubled.sum(axis=0, dtype=np.int32) * g.SHIFT.astype(np.int32)
        return {
            g.MEMORY: np.pad(doubled, ((0, 0), (0, missing))),
            g.NORMS: np.pad(norms, (0, missing), constant_values=FAR),
            g.MEMORY_LABELS: np.pad(window.labels, (0, missing), constant_values=len(self.frame.classes)),
        }

    def answer(self, rows: NDArray[np.float32], feeds: Feeds) -> tuple[list[str], NDArray[np.float32]]:
        """Classes and probabilities [N, C] of rows [N, F]; or numbers, as texts and as they are [N]."""
        found, *more = feeds.run(rows, *self._outputs)
        return _texts(found, self.frame.classes), more[0] if more else found

    def answer_with_alone(self, rows: NDArray[np.float32], feeds: Feeds, version: int) -> tuple[list[str], NDArray[np.float32], list[str]]:
        """Output of :meth:`answer`, and a member's answers alone, equal to the bit to its answers without the mixture.

        For a version that is no member, these are the mixture's answers.
        """
        if version not in self._alone:
            texts, values = self.answer(rows, feeds)
            return texts, values, texts
        name, classes = self._alone[version]
        found, *more, alone = feeds.run(rows, *self._outputs, name)
        return _texts(found, self.frame.classes), more[0] if more else found, _texts(alone, classes)

    def answer_one(self, row: NDArray[np.float32], feeds: Feeds, version: int) -> tuple[str, NDArray[np.float32], str]:
        """Class or number of one row [1, F], outputs of its experts [K, C], and a member's answer alone, as in :meth:`answer_with_alone`."""
        if version not in self._alone:
            found, experts = feeds.run(row, self._outputs[0], g.EXPERTS)
            text = _texts(found, self.frame.classes)[0]
            return text, experts[0], text
        name, classes = self._alone[version]
        found, experts, alone = feeds.run(row, self._outputs[0], g.EXPERTS, name)
        return _texts(found, self.frame.classes)[0], experts[0], _texts(alone, classes)[0]

    def experts(self, rows: NDArray[np.float32], feeds: Feeds) -> NDArray[np.float32]:
        """Outputs of the experts [N, K, C], row by row, so that batches do not change them."""
        return np.concatenate([feeds.run(rows[i : i + 1], g.EXPERTS)[0] for i in range(len(rows))])


def _texts(found: NDArray[Any], classes: Sequence[str]) -> list[str]:
    """Names of classes by their indexes, or numbers as texts."""
    places: list[int] = found.tolist()
    return [classes[i] for i in places] if classes else [str(number) for number in found]
