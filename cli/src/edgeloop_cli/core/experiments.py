"""Training runs and model versions with their causes and devices, folded from four topics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from edgeloop_contracts import CandidateRefused, DeviceReport, ModelVersion, RunStatus, StreamKey, TrainingRequest, TrainingRun
from edgeloop_contracts.keys import belongs
from edgeloop_replay.timed_event import Timed

WAITING = "WAITING"
Name = tuple[str, str]
"""Of a run: ``tenant/stream`` and its request's id."""


@dataclass(slots=True)
class Run:
    """One request and what became of it.

    Attributes
    ----------
    key
        Its stream.
    request_id
        ``campaign/stage``.
    request
        ``None`` where it is not kept any more.
    steps
        What the trainer told of it, trials left out, in order.
    trials
        Of a search, in order.
    refused
        Why the registry took no version of it; ``None`` if it did, or was not asked.
    """

    key: StreamKey
    request_id: str
    request: Timed | None = None
    steps: list[Timed] = field(default_factory=list[Timed])
    trials: list[Timed] = field(default_factory=list[Timed])
    refused: CandidateRefused | None = None

    @property
    def newest(self) -> TrainingRun:
        """Its last step; an empty one before the first."""
        return self.steps[-1].event if self.steps else TrainingRun(tenant="default", stream="")

    @property
    def status(self) -> str:
        """Of its last step; ``WAITING`` before the first."""
        return self.newest.status.value if self.steps else WAITING

    @property
    def began(self) -> int:
        """When it was asked for, or the first thing known of it, milliseconds."""
        first = [self.request] if self.request else [*self.trials, *self.steps]
        return first[0].timestamp if first else 0

    @property
    def cause(self) -> str:
        """``topic/partition/offset`` of the signal or command behind it; empty where that is not known."""
        return self.request.event.cause.at if self.request else ""


@dataclass(slots=True)
class Experiments:
    """Everything that is known of runs, versions and devices.

    Attributes
    ----------
    runs
        By ``tenant/stream`` and request.
    versions
        By ``tenant/stream`` and number.
    reports
        The newest of each device, by its key.
    """

    runs: dict[Name, Run] = field(default_factory=dict[Name, Run])
    versions: dict[tuple[str, int], Timed] = field(default_factory=dict[tuple[str, int], Timed])
    reports: dict[str, DeviceReport] = field(default_factory=dict[str, DeviceReport])

    def fold(self, event: Any, key: str, timestamp: int, event_id: str, at: str) -> None:
        """Fold one record; the topics may come in any order, each of them in its own."""
        timed = Timed(event, timestamp, event_id, at)
        match event:
            case TrainingRequest():
                self._run(event).request = timed
            case TrainingRun(status=RunStatus.TRIAL):
                self._run(event).trials.append(timed)
            case TrainingRun():
                self._run(event).steps.append(timed)
            case ModelVersion():
                self.versions[StreamKey.of(event), event.version] = timed
            case CandidateRefused() if event.request_id:  # without, it is no answer to a request
                self._run(event).refused = event
            case DeviceReport():
                self.reports[key] = event
            case _:
                pass

    def runs_of(self, tenant: str, stream: str = "") -> list[Run]:
        """Runs of a tenant's streams, or of one of them, newest first."""
        found = [run for run in self.runs.values() if belongs(run.key, tenant, stream)]
        return sorted(found, key=lambda run: (run.began, run.request_id), reverse=True)

    def versions_of(self, tenant: str, stream: str = "") -> list[Timed]:
        """Versions of a tenant's streams, or of one of them, newest first."""
        found = [timed for (key, _), timed in self.versions.items() if belongs(key, tenant, stream)]
        return sorted(found, key=lambda timed: (timed.timestamp, timed.event.stream, timed.event.version), reverse=True)

    def version_from(self, run: Run) -> Timed | None:
        """The version that came of a run."""
        found = (timed for (key, _), timed in self.versions.items() if key == run.key and timed.event.request_id == run.request_id)
        return next(found, None)

    def run_behind(self, version: ModelVersion) -> Run | None:
        """The run that a version came of."""
        return self.runs.get((StreamKey.of(version), version.request_id))

    def devices(self, version: ModelVersion) -> list[str]:
        """Devices whose last report says that they answer with a version."""
        found = (r for r in self.reports.values() if (StreamKey.of(r), r.version) == (StreamKey.of(version), version.version))
        return sorted(report.device_id for report in found)

    def champion(self, version: ModelVersion) -> bool:
        """Whether no newer version of its stream is there."""
        return (StreamKey.of(version), version.version) == max(place for place in self.versions if place[0] == StreamKey.of(version))

    def _run(self, event: TrainingRequest | TrainingRun | CandidateRefused) -> Run:
        name = (StreamKey.of(event), event.request_id or "")
        return self.runs.setdefault(name, Run(*name))


def run_names(runs: list[Run]) -> Iterator[tuple[Run, str]]:
    """Each run with a name short enough for a table: as many characters of its campaign as tell it from all others.

    >>> [name for _, name in run_names([Run("t/s", "abcdefghij/0"), Run("t/s", "abcdefghxx/1")])]
    ['abcdefghi/0', 'abcdefghx/1']
    """
    campaigns = sorted({run.request_id.rpartition("/")[0] for run in runs})
    length = 8
    while len({campaign[:length] for campaign in campaigns}) < len(campaigns):
        length += 1
    for run in runs:
        campaign, _, stage = run.request_id.rpartition("/")
        yield run, f"{campaign[:length]}/{stage}"


def matching(runs: list[Run], name: str) -> list[Run]:
    """Runs of which a name is the id or the beginning of it; a stage, if given, must be the same.

    >>> runs = [Run("t/s", "abcd/0"), Run("t/s", "abcd/1"), Run("t/s", "abxx/0")]
    >>> [run.request_id for run in matching(runs, "abc")], [run.request_id for run in matching(runs, "ab/0")]
    (['abcd/0', 'abcd/1'], ['abcd/0', 'abxx/0'])
    """
    if exact := [run for run in runs if run.request_id == name]:
        return exact
    head, slash, stage = name.rpartition("/")
    if not slash:
        return [run for run in runs if run.request_id.startswith(name)]
    parts = [(run, *run.request_id.rpartition("/")) for run in runs]
    return [run for run, campaign, _, number in parts if campaign.startswith(head) and number == stage]


def asked_by(found: Experiments, key: str, command: str) -> Run | None:
    """The newest run that a command led to; a first fit that came to nothing is asked for again, as ``<command>~2``."""
    campaigns = ((run, run.request_id.rpartition("/")[0]) for run in found.runs.values() if run.key == key)
    runs = [run for run, campaign in campaigns if campaign == command or campaign.startswith(f"{command}~")]
    return max(runs, key=lambda run: run.began, default=None)
