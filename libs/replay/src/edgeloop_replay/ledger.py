"""Ledger of a run or replay: answers, labels and events so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from edgeloop_contracts import (
    Assignment,
    CandidateRefused,
    DeadLetter,
    DeviceReport,
    DeviceStatus,
    DriftPartial,
    DriftSignal,
    ExampleBatch,
    ModelAdapter,
    ModelCandidate,
    ModelVersion,
    ObservationBatch,
    PartialKind,
    RunStatus,
    StreamDefinition,
    TrainingRequest,
    TrainingRun,
    topics,
)
from edgeloop_contracts.outcomes import error, right

from edgeloop_replay.accuracy import Missed, RollingAccuracy
from edgeloop_replay.pooled_order import PooledOrder, RowId
from edgeloop_replay.timed_event import Timed


@dataclass(slots=True)
class Ledger:
    """The state of one run.

    Attributes
    ----------
    tolerance
        Of labels that are numbers; 0 for classes.
    sent, labelled
        Rows answered (warm-up rows included) and labels sent.
    served
        By row of the stream: the version that answered it; 0 for warm-up rows.
    right
        By row: whether the answer was right; warm-up rows count for nothing.
    requests, runs, versions, signals
        What the platform did, in order of appearance; runs by request, the newest status only.
    fitted
        Runs that fitted a model, by request.
    adapter
        Number of the newest adapter; 0 before the first.
    refused_adapters
        By device: the newest that it has refused, which it says once.
    """

    warmup: int
    total: int
    tolerance: float = 0.0
    sent: int = 0
    labelled: int = 0
    observed: int = 0
    joined: int = 0
    pooled_rows: int = 0
    dead: int = 0
    definition: StreamDefinition | None = None
    accuracy: RollingAccuracy = field(default_factory=RollingAccuracy)
    static: RollingAccuracy = field(default_factory=RollingAccuracy)
    missed: Missed = field(default_factory=Missed)
    static_missed: Missed = field(default_factory=Missed)
    answers: dict[int, str] = field(default_factory=dict[int, str])
    served: dict[int, int] = field(default_factory=dict[int, int])
    first_served: dict[int, int] = field(default_factory=dict[int, int])
    label_times: dict[int, int] = field(default_factory=dict[int, int])
    rows: dict[RowId, int] = field(default_factory=dict[RowId, int])
    pooled: PooledOrder = field(default_factory=PooledOrder)
    requests: dict[str, Timed] = field(default_factory=dict[str, Timed])
    runs: dict[str, Timed] = field(default_factory=dict[str, Timed])
    fitted: dict[str, TrainingRun] = field(default_factory=dict[str, TrainingRun])
    candidates: set[str] = field(default_factory=set[str])
    answered_candidates: set[str] = field(default_factory=set[str])
    versions: dict[int, Timed] = field(default_factory=dict[int, Timed])
    signals: list[Timed] = field(default_factory=list[Timed])
    assigned: dict[str, int] = field(default_factory=dict[str, int])
    adapter: int = 0
    refused_adapters: dict[str, int] = field(default_factory=dict[str, int])
    reported: dict[str, DeviceReport] = field(default_factory=dict[str, DeviceReport])
    installed: dict[tuple[str, int], int] = field(default_factory=dict[tuple[str, int], int])

    @property
    def played(self) -> int:
        """Rows of the stream that were played, those of the warm-up and those without a label included."""
        return self.warmup + len(self.answers)

    def record(self, row: int, place: RowId, answer: str = "", version: int = 0, label: str = "", static: str | None = None) -> None:
        """A row has been answered by a device, or sent as an observation of the warm-up.

        Parameters
        ----------
        row
            Of the stream, from 0.
        place
            By which name its label and its example come.
        answer, version, label
            The device's answer, who gave it, and the truth; without a truth, the answer is not counted.
        static
            What version 1 answers; ``None`` where it is not known yet.
        """
        self.sent += 1
        self.rows[place] = row
        self.served[row] = version
        if row >= self.warmup:
            self.answers[row] = answer
            if label:
                self._judged(answer, label, static)
        if version:
            self.first_served[version] = min(row, self.first_served.get(version, row))

    def _judged(self, answer: str, label: str, static: str | None) -> None:
        self.accuracy.add(right(answer, label, self.tolerance))
        if static is not None:
            self.static.add(right(static, label, self.tolerance))
        if self.tolerance:
            self.missed.add(error(answer, label, numbers=True))
            if static is not None:
                self.static_missed.add(error(static, label, numbers=True))

    def label_sent(self, row: int, now_ms: int) -> None:
        """A label has been sent."""
        self.labelled += 1
        self.label_times[row] = now_ms

    def fold(self, event: Any, key: str, timestamp: int, event_id: str, at: str) -> None:
        """Fold one record of the stream."""
        timed = Timed(event, timestamp, event_id, at)
        match event:
            case ObservationBatch() if at.startswith(f"{topics.OBSERVATIONS.name}/"):
                self.observed += event.count
            case ExampleBatch():
                self.joined += 0 if event.corrects else len(event.seqs)
                partition = int(at.split("/")[1])
                self.pooled.example(partition, event.first_index, [(event.device_id, event.boot_epoch, seq) for seq in event.seqs])
            case DriftPartial(kind=PartialKind.ERRORS):
                self.pooled_rows += event.count
                self.pooled.partial(event.partition, event.first_index, event.count)
            case DriftSignal():
                self.signals.append(timed)
            case TrainingRequest():
                self.requests[event.request_id] = timed
            case TrainingRun(status=RunStatus.TRIAL):
                pass
            case TrainingRun():
                self.runs[event.request_id] = timed
                if event.file and event.rows:
                    self.fitted[event.request_id] = event
            case ModelCandidate():
                self.candidates.add(event.request_id)
            case ModelVersion():
                self.versions[event.version] = timed
                self.answered_candidates.add(event.request_id)
            case CandidateRefused():
                if event.request_id is not None:
                    self.answered_candidates.add(event.request_id)
            case Assignment():
                self.assigned[key] = event.version
            case DeviceReport():
                self.reported[key] = event
                self.refused_adapters[key] = max(event.refused_adapter or 0, self.refused_adapters.get(key, 0))
                if event.status is DeviceStatus.INSTALLED and event.version is not None:
                    self.installed.setdefault((key, event.version), timestamp)
            case ModelAdapter():
                self.adapter = event.number
            case StreamDefinition():
                self.definition = event
            case DeadLetter():
                self.dead += 1
            case _:
                pass

    @property
    def champion(self) -> int:
        """Newest version; 0 for none."""
        return max(self.versions, default=0)

    def serving(self, device_keys: set[str], version: int) -> bool:
        """Whether all these devices have reported that they serve a version, or a newer one."""
        return all((report := self.reported.get(key)) is not None and (report.version or 0) >= version for key in device_keys)
