"""The adapter service of a replay: learns from labelled rows; devices use an adapter from the next row on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from edgeloop_adapter.core.rows import BACKLOG
from edgeloop_contracts import Event
from edgeloop_kafka import body
from edgeloop_mixture.learner import Labelled, Learner
from edgeloop_mixture.memory import Window
from edgeloop_mixture.mixture import Adapter, Frame
from edgeloop_mixture.serialization import CLASSES, adapter_event, blocks, frame_event
from numpy.typing import NDArray

from edgeloop_replay.examples import STREAM, Examples
from edgeloop_replay.fleet import Serving, Sessions, member
from edgeloop_replay.models import Version
from edgeloop_replay.policy import Policy


class AdapterReplay:
    """Learning of a stream's models between two versions.

    Parameters
    ----------
    policy
        Whether and how to learn. As in the service, more classes than it takes go without a mixture.
    classes
        Of the stream; none for numbers.
    tolerance
        Of a stream of numbers, else 0.
    categories
        How many each feature has, 0 for a number; empty if all are numbers.
    warmup
        Labelled rows before the first that is answered.
    examples, versions, sessions
        What is learned from.
    serving
        Who answers with what was learned.

    Attributes
    ----------
    published
        Adapters so far.
    bytes
        Avro bytes of adapters that each device has received.
    """

    def __init__(
        self,
        policy: Policy,
        classes: Sequence[str],
        tolerance: float,
        categories: Sequence[int],
        warmup: int,
        examples: Examples,
        versions: Mapping[int, Version],
        sessions: Sessions,
        serving: Serving,
    ) -> None:
        self._on = policy.adapters and len(classes) <= CLASSES
        self._tolerance = tolerance
        self._rule = policy.adapter
        self._classes = classes
        self._categories = categories
        self._warmup = warmup
        self._examples = examples
        self._versions = versions
        self._sessions = sessions
        self._serving = serving
        self._learner: Learner | None = None
        self._sent_blocks = 0
        self._frame_sent: Frame | None = None
        self.published = self.bytes = 0

    def newest(self) -> tuple[Frame, Adapter, Window]:
        """The newest adapter that was published, with its frame and its memories' rows."""
        learner = self._learner
        assert learner is not None
        assert self._frame_sent is not None
        _, adapter = next(reversed(learner.history.values()))
        return self._frame_sent, adapter, learner.memory.window(adapter.memory_end, self._rule.horizon)

    def learn(self, row: Labelled, frame: Frame | None, said: NDArray[np.float32] | None) -> None:
        """Take the next labelled row: learn from it if it was answered, and publish what is due.

        Parameters
        ----------
        frame, said
            The mixture that answered it, and what each expert said, [K, C]; ``None`` where a version answered alone.
        """
        if not self._on or not row.version:
            return
        learner = self._learner or self._begin()
        newest = self._versions[row.version]
        learner.prepare([row], member(newest))
        if said is None or frame is None or frame.members != learner.frame.members or frame.classes != learner.frame.classes:
            session = self._sessions.of(learner.frame)
            said = session.answer_one(row.features[None], session.feeds(*learner.answering_window(row.adapter)), row.version)[1]
        if learner.learn(row, said):
            self._publish(learner)

    def _begin(self) -> Learner:
        """The mixture begins with the first row that was answered, and the newest rows before it."""
        rows = self._warmup
        start = max(0, rows - BACKLOG)
        first, labels = self._versions[1], self._examples.labels[start:rows]
        learner = self._learner = Learner.begin(
            self._rule,
            member(first),
            tuple(self._classes),
            self._examples.features(start, rows),
            labels,
            rows,
            tolerance=self._tolerance,
            categories=self._categories,
        )
        self._publish(learner)
        return learner

    def _publish(self, learner: Learner) -> None:
        adapter = learner.publish()
        self._serving.apply(learner.frame, adapter, learner)
        self.published += 1
        events: list[Event] = list(blocks("default", STREAM, 0, learner.memory, self._sent_blocks, self._rule.horizon))
        self._sent_blocks = learner.memory.end
        if self._frame_sent is not learner.frame:
            self._frame_sent = learner.frame
            events.append(frame_event("default", STREAM, learner.frame))
        event = replace(
            adapter_event("default", STREAM, learner.frame, adapter, learner.memory.window(0, 0)),
            digest="0" * 64,
            signature=bytes(64),
            key_id="0" * 16,
        )
        self.bytes += sum(len(body(each)) for each in (*events, event))
