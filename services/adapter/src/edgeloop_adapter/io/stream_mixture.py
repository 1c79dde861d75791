"""One stream's mixture: labelled rows in, adapters out."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from edgeloop_contracts import AdapterFrame, AdapterMember, Cause, LearnerState, MemoryBlock, ModelAdapter, StreamKey
from edgeloop_mixture import serialization
from edgeloop_mixture.learner import Labelled, Learner
from edgeloop_mixture.rule import Rule
from edgeloop_mixture.session import Feeds, MixtureSession
from edgeloop_streaming import State
from numpy.typing import NDArray

from edgeloop_adapter.core.snapshots import restored, snapshot, stored_rows

CACHED_FEEDS = 8
E = TypeVar("E", AdapterFrame, ModelAdapter, MemoryBlock)


@dataclass(slots=True)
class Due:
    """Records to send: the newest adapter, its frame and memory blocks as far as devices lack them, and their cause."""

    adapter: ModelAdapter
    cause: Cause
    frame: AdapterFrame | None
    blocks: dict[int, MemoryBlock]


class StreamMixture:
    """A stream's learner, with the models that give each expert's output for a row.

    Adapters do not depend on the bounds of transactions; of several in one transaction, only the newest is sent.

    Parameters
    ----------
    key
        Of the stream.
    learner
        Of the stream.
    scaling
        Number of the first frame with the current scaling.
    state
        Where it is saved.
    files
        File of a member.
    """

    def __init__(self, key: StreamKey, learner: Learner, scaling: int, state: State, files: Callable[[AdapterMember], bytes]) -> None:
        self.learner = learner
        self.due: Due | None = None
        self._key = key
        self._tenant, self._stream = key.tenant, key.stream
        self._scaling = scaling
        self._state = state
        self._files = files
        self._session: MixtureSession | None = None
        self._feeds: OrderedDict[tuple[int, int, int], Feeds] = OrderedDict()
        self._frames = {event.number: event.frame for event in _records_of(state, ModelAdapter, key)}
        self._stored = {event.number for event in _records_of(state, AdapterFrame, key)}
        self._written = learner.memory.end if self._frames else 0

    @classmethod
    def restore(cls, key: StreamKey, rule: Rule, state: State, files: Callable[[AdapterMember], bytes]) -> StreamMixture | None:
        """The mixture in the state; ``None`` if there is none."""
        kept = state.get(LearnerState, key)
        if kept is None or kept.frame is None:
            return None
        frames = {event.number: serialization.frame_of(event) for event in _records_of(state, AdapterFrame, key)}
        learner = restored(rule, kept, frames, _records_of(state, ModelAdapter, key), _records_of(state, MemoryBlock, key))
        return cls(key, learner, kept.scaling, state, files)

    def learn(self, row: Labelled, newcomer: AdapterMember | None, cause: Cause) -> int:
        """Learn from the stream's next row; return the number of adapters published.

        Parameters
        ----------
        newcomer
            The version that answered the row, where it is newer than all members and can take part.
        cause
            The record that brought the row.
        """
        published = 0
        if self.learner.prepare([row], newcomer):
            self._session = None
            self._feeds.clear()
        if not self.learner.published:  # the mixture is new, so devices need not wait for its first label
            published += self._publish(cause)
        if self.learner.learn(row, self._expert_outputs(row)):
            published += self._publish(cause)
        return published

    def save(self, order: LearnerState) -> LearnerState:
        """Save changes in the state; return the stream's record, made from ``order``."""
        learner = self.learner
        self._put_frame(serialization.frame_event(self._tenant, self._stream, learner.frame))
        for number in self._stored - {learner.frame.number, *self._frames.values()}:
            self._stored.discard(number)
            self._state.delete(AdapterFrame, f"{self._key}/{number:012}")
        for slot, block in self._blocks(self._written, stored_rows(learner.rule)).items():
            self._state.put(f"{self._key}/{slot}", block)
        self._written = learner.memory.end
        return replace(snapshot(order, learner), scaling=self._scaling)

    def _publish(self, cause: Cause) -> int:
        """Save an adapter, and mark it for the transaction."""
        learner = self.learner
        newest = next(reversed(learner.history), None)
        sent = learner.history[newest][1].memory_end if newest is not None else 0
        adapter = learner.publish()
        window = learner.memory.window(adapter.memory_end, learner.rule.horizon)
        event = serialization.adapter_event(self._tenant, self._stream, learner.frame, adapter, window)
        frame = serialization.frame_event(self._tenant, self._stream, learner.frame)
        known = newest is not None and self._frames[newest] == event.frame
        blocks = self._blocks(sent, learner.rule.horizon)
        if self.due is not None:
            known = known and self.due.frame is None
            blocks = self.due.blocks | blocks
        self.due = Due(event, cause, None if known else frame, blocks)
        self._frames[event.number] = event.frame
        self._state.put(f"{self._key}/{event.number:012}", event)
        self._put_frame(frame)
        for number in [number for number in self._frames if number not in learner.history]:
            del self._frames[number]
            self._state.delete(ModelAdapter, f"{self._key}/{number:012}")
        return 1

    def _put_frame(self, frame: AdapterFrame) -> None:
        self._state.put(f"{self._key}/{frame.number:012}", frame)
        self._stored.add(frame.number)

    def _expert_outputs(self, row: Labelled) -> NDArray[np.float32]:
        """Each expert's output for a row, under the adapter that answered it."""
        learner = self.learner
        if self._session is None:
            models = [self._files(member) for member in learner.frame.members]
            self._session = MixtureSession(learner.frame, models, learner.rule)
        then = learner.answering_adapter(row.adapter)
        place = (then.number, *learner.memory.span(then.memory_end, learner.rule.horizon))
        feeds = self._feeds.get(place)
        if feeds is None:
            window = learner.memory.window(then.memory_end, learner.rule.horizon)
            feeds = self._feeds[place] = self._session.feeds(then, window)
            while len(self._feeds) > CACHED_FEEDS:
                self._feeds.popitem(last=False)
        return self._session.experts(row.features[None], feeds)[0]

    def _blocks(self, since: int, horizon: int) -> dict[int, MemoryBlock]:
        """Memory blocks with the rows from number ``since`` on, by slot."""
        memory = self.learner.memory
        made = serialization.blocks(self._tenant, self._stream, self._scaling, memory, since, horizon)
        return {serialization.slot(block, horizon): block for block in made}


def _records_of(state: State, kind: type[E], key: str) -> Iterator[E]:
    """Records of a stream in a state, in the order of their keys."""
    return (event for name, event in state.items(kind) if name.startswith(f"{key}/"))
