"""Partials, signals, commands and runs in; training requests out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from edgeloop_contracts import (
    CampaignState,
    DetectionProgress,
    DriftPartial,
    DriftSignal,
    PartialKind,
    Reference,
    RowPage,
    RunStatus,
    SignalKind,
    StartTraining,
    TrainingRun,
    topics,
)
from edgeloop_contracts.plausibility import LARGEST_NUMBER, LONGEST_COMMAND_ID, impossible_partial, is_id, is_name
from edgeloop_contracts.pooled_order import PooledOrder
from edgeloop_contracts.scopes import ALONE
from edgeloop_kafka import Received
from edgeloop_readers import Policies
from edgeloop_streaming import InvalidEventError, Send, State

from edgeloop_retraining.core.campaign import Alarm, Command, Counted, Detected, FirstFitFailed, Happening, decide, under_policy
from edgeloop_retraining.core.policy import Policy
from edgeloop_retraining.core.requests import request
from edgeloop_retraining.core.windows import oldest, outdated, page_of, reference
from edgeloop_retraining.metrics import Metrics

Stream = tuple[str, str]


@dataclass(slots=True)
class StreamCampaigns:
    """One stream in memory: its campaigns, and the places of its rows in pages."""

    state: CampaignState
    policy: Policy | None = None
    pages: dict[int, list[Reference]] = field(default_factory=dict[int, list[Reference]])
    touched: set[int] = field(default_factory=set[int])

    def references(self) -> Iterable[Reference]:
        """All references, oldest first."""
        return (r for page in sorted(self.pages) for r in self.pages[page])


class RetrainingTask:
    """Decides on the campaigns of one partition's streams.

    Parameters
    ----------
    partition
        The partition of the inputs.
    state
        Rebuilt state of the partition.
    policies
        Policy of each stream.
    cluster
        Id of the Kafka cluster, for manifests.
    metrics
        Counters of the process.
    """

    def __init__(self, partition: int, state: State, policies: Policies[Policy], cluster: str, metrics: Metrics) -> None:
        self._partition = partition
        self._state = state
        self._policies = policies
        self._polled = False
        self._cluster = cluster
        self._metrics = metrics
        self._streams: dict[Stream, StreamCampaigns] = {}
        self._touched: dict[Stream, None] = {}
        for _, campaign in state.items(CampaignState):
            self._streams[campaign.tenant, campaign.stream] = StreamCampaigns(campaign)
        for key, page in state.items(RowPage):
            self._streams[page.tenant, page.stream].pages[int(key.rpartition("/")[2])] = list(page.references)

    def handle(self, received: Received[Any]) -> Iterable[Send]:
        """Apply one record; request the fits that have become due."""
        if not self._polled:
            self._policies.poll()
            self._polled = True
        if not 0 <= getattr(received.event, "row", 0) <= LARGEST_NUMBER:
            raise InvalidEventError("MALFORMED", f"row: expected 0 to {LARGEST_NUMBER}, given {received.event.row}")
        match received.event:
            case DriftPartial(kind=PartialKind.ERRORS) as partial:
                return self._counted(partial)
            case DriftSignal(kind=SignalKind.ERROR_RATE, rising=True) as signal:
                return self._decide(signal, Alarm(signal.signal_id, signal.row, received.cause, signal.scope == ALONE))
            case DetectionProgress() as progress:
                return self._decide(progress, Detected(progress.row))
            case StartTraining() as command:
                named = is_name(command.tenant) and is_name(command.stream) and is_id(command.command_id, LONGEST_COMMAND_ID)
                if not named or command.rows < 0:
                    raise InvalidEventError(
                        "MALFORMED", "a command needs a tenant, a stream, an id of at most 250 characters, and no less than 0 rows"
                    )
                return self._decide(command, Command(command.command_id, command.rows, received.cause, command.seed))
            case TrainingRun(status=RunStatus.REJECTED | RunStatus.FAILED, stage=0) as run:
                return self._decide(run, FirstFitFailed(run.campaign, received.cause))
            case DriftPartial() | DriftSignal() | TrainingRun():
                return []
            case other:
                raise InvalidEventError("WRONG_TYPE", f"expected a partial, signal, command or run, given {type(other).__name__}")

    def flush(self) -> Iterable[Send]:
        """Write changed state; forget rows that no window can reach."""
        for stream in self._touched:
            known = self._streams[stream]
            name = "/".join(stream)
            self._state.put(name, known.state)
            for page in sorted(known.touched):
                self._state.put(f"{name}/{page}", RowPage(tenant=stream[0], stream=stream[1], references=tuple(known.pages[page])))
            for page in outdated(known.pages, known.state.decided - self._policies.of(*stream).window):
                del known.pages[page]
                self._state.delete(RowPage, f"{name}/{page}")
            known.touched.clear()
        if self._touched:
            undecided = sum(known.state.rows - known.state.decided for known in self._streams.values())
            self._metrics.undecided.labels(self._partition).set(undecided)
        self._touched = {}
        self._polled = False
        return []

    def _counted(self, partial: DriftPartial) -> list[Send]:
        if why := impossible_partial(partial):
            raise InvalidEventError("MALFORMED", why)
        known = self._known(partial)
        order = PooledOrder(known.state.rows, known.state.positions)
        new = reference(order, partial)
        if new is None:
            return []
        page = page_of(new)
        known.pages.setdefault(page, []).append(new)
        known.touched.add(page)
        order = order.after(partial)
        known.state = replace(known.state, positions=order.positions)
        return self._decide(partial, Counted(order.rows, new.row + 1 if partial.model_version else 0))

    def _known(self, event: Any) -> StreamCampaigns:
        stream = (event.tenant, event.stream)
        if stream not in self._streams:
            self._streams[stream] = StreamCampaigns(CampaignState(tenant=event.tenant, stream=event.stream))
        return self._streams[stream]

    def _decide(self, event: Any, happening: Happening) -> list[Send]:
        known = self._known(event)
        self._touched[event.tenant, event.stream] = None
        policy = self._policies.of(event.tenant, event.stream)
        if policy != known.policy:
            known.state, known.policy = under_policy(policy, known.state), policy
        known.state, fits = decide(policy, known.state, happening)
        sends: list[Send] = []
        for fit in fits:
            # Rows beyond the window of an earlier policy are forgotten.
            reachable = replace(fit, start=max(fit.start, oldest(known.references())))
            training_request = request(event.tenant, event.stream, reachable, known.references(), self._cluster)
            self._metrics.requests.labels(str(fit.reason.stage) if fit.reason.stage < len(policy.stages) else "later").inc()
            sends.append(
                Send(topics.TRAINING_REQUESTS, topics.TRAINING_REQUESTS.key_of(training_request), training_request, cause=fit.reason.cause)
            )
        return sends
