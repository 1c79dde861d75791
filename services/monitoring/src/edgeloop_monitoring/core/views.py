"""Everything that monitoring knows: a fold of events into windows and the fleet."""

from __future__ import annotations

from dataclasses import dataclass

from edgeloop_contracts import (
    CandidateRefused,
    Device,
    DeviceDoubted,
    DeviceHealth,
    DeviceReport,
    DriftPartial,
    DriftSignal,
    Event,
    ModelVersion,
    ObservationBatch,
    PartialKind,
    RefusalReason,
    RunStatus,
    SignalKind,
    TrainingRun,
)

from edgeloop_monitoring.core.disagreement import Disagreement, Standout, Suspicion
from edgeloop_monitoring.core.fleet import Fleet, GroupOfDevices
from edgeloop_monitoring.core.members import GroupOfMembers, Members
from edgeloop_monitoring.core.subjects import Groups, Subject
from edgeloop_monitoring.core.windows import Cell, Windows

WRONG = 1  # in the error bytes of a partial
STRANGE = (RefusalReason.SIGNATURE, RefusalReason.UNKNOWN_REQUEST, RefusalReason.REPLAYED)


@dataclass(frozen=True, slots=True)
class Spans:
    """Lengths, milliseconds.

    Attributes
    ----------
    bucket, window
        A window is cut into buckets and moves on by one.
    silence
        How long a device may be quiet.
    forgetting
        How long a silent device is kept in mind.
    look_back
        How far back inputs are read at the start.
    """

    bucket: int = 5_000
    window: int = 60_000
    silence: int = 60_000
    forgetting: int = 3_600_000
    look_back: int = 900_000


@dataclass(frozen=True, slots=True)
class Summary:
    """The views at one moment.

    Attributes
    ----------
    end
        End of the window, milliseconds of record time.
    newest
        Newest record time seen.
    window_s
        Length of the window, seconds.
    cells
        By stream, group and version; by stream alone for signals and failed fits.
    groups
        By stream and group.
    members
        By tenant and group of the fleet.
    standouts
        Devices that stand out, by stream and group, over the whole look back.
    versions
        Stream and group, device, version that serves.
    adapters
        Stream and group, device, adapter that serves; of devices that are heard and take adapters.
    champions
        Newest version of each stream.
    """

    end: int
    newest: int
    window_s: float
    cells: dict[Subject, Cell]
    groups: dict[Subject, GroupOfDevices]
    members: dict[Subject, GroupOfMembers]
    standouts: dict[Subject, Standout]
    versions: tuple[tuple[Subject, str, int], ...]
    adapters: tuple[tuple[Subject, str, int], ...]
    champions: dict[Subject, int]


class Views:
    """Folds events; a record that lies before what was folded of its partition changes nothing.

    Parameters
    ----------
    groups, spans, suspicion
        As set.
    """

    def __init__(self, groups: Groups, spans: Spans, suspicion: Suspicion | None = None) -> None:
        self._of = groups.of
        self._spans = spans
        self._windows = Windows(spans.bucket, spans.look_back)
        self._disagreement = Disagreement(groups, suspicion or Suspicion(), spans.bucket, spans.look_back)
        self._fleet = Fleet(groups, spans.silence, spans.forgetting)
        self._members = Members()
        self._champions: dict[Subject, int] = {}
        self.ends: dict[tuple[str, int], int] = {}
        self.newest = 0

    def fold(self, topic: str, partition: int, offset: int, at: int, event: Event | None) -> bool:
        """Fold one record; give back whether it was new.

        Parameters
        ----------
        at
            Its timestamp in Kafka, milliseconds.
        event
            ``None`` for one that is skipped.
        """
        if offset < self.ends.get((topic, partition), 0):
            return False
        self.ends[topic, partition] = offset + 1
        self.newest = max(self.newest, at)
        match event:
            case ObservationBatch():
                self._observed(event, at)
            case DriftPartial() if event.kind is PartialKind.ERRORS and event.model_version:
                self._judged(event, at)
            case DriftSignal() if event.kind is SignalKind.INPUT:
                self._windows.cell(Subject(event.tenant, event.stream), at).input_signals += 1
            case DriftSignal() if event.rising:
                self._windows.cell(Subject(event.tenant, event.stream), at).signals += 1
            case DeviceReport():
                self._fleet.reported(event)
            case Device():
                self._members.changed(event)
            case DeviceHealth():
                self._members.judged(event)
            case TrainingRun() if event.status is RunStatus.FAILED:
                self._windows.cell(Subject(event.tenant, event.stream), at).failed += 1
            case CandidateRefused() if event.reason in STRANGE:
                self._windows.cell(Subject(event.tenant, event.stream), at).forged += 1
            case DeviceDoubted():
                cell = self._windows.cell(Subject(event.tenant, event.stream, self._of(event.device_id)), at)
                cell.doubted[event.device_id] += event.records
            case ModelVersion():
                subject = Subject(event.tenant, event.stream)
                self._champions[subject] = max(self._champions.get(subject, 0), event.version)
            case _:
                pass
        return True

    def summary(self, now: int) -> Summary:
        """The window that ends with the last whole bucket before ``now``.

        Parameters
        ----------
        now
            Record time, or later where time went on without records.
        """
        end = now - now % self._spans.bucket
        self._windows.expire(now)
        return Summary(
            end=end,
            newest=self.newest,
            window_s=self._spans.window / 1000,
            cells=self._windows.totals(end, self._spans.window),
            groups=self._fleet.groups(self._champions),
            members=self._members.groups(),
            standouts=self._disagreement.groups(now),
            versions=tuple(self._fleet.versions()),
            adapters=tuple(self._fleet.adapters()),
            champions=dict(self._champions),
        )

    def _observed(self, batch: ObservationBatch, at: int) -> None:
        cell = self._windows.cell(Subject(batch.tenant, batch.stream, self._of(batch.device_id), batch.model_version), at)
        cell.rows += batch.count
        cell.ages.add(at - time for time in batch.event_times if time)  # 0: this row's time is unknown
        self._fleet.observed(batch.tenant, batch.stream, batch.device_id, at)

    def _judged(self, partial: DriftPartial, at: int) -> None:
        cell = self._windows.cell(Subject(partial.tenant, partial.stream, self._of(partial.device_id), partial.model_version), at)
        wrong = partial.errors.count(WRONG)
        cell.labelled += partial.count
        cell.errors += wrong
        self._disagreement.judged(partial.tenant, partial.stream, partial.device_id, partial.count, wrong, at)
