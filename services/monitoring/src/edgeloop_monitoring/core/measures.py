"""From the views to single numbers that a condition can be asked about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edgeloop_contracts import AlertKind

from edgeloop_monitoring.core.fleet import MOST_NAMED
from edgeloop_monitoring.core.subjects import Subject
from edgeloop_monitoring.core.views import Summary
from edgeloop_monitoring.core.windows import Cell


@dataclass(frozen=True, slots=True)
class Measure:
    """One number.

    Attributes
    ----------
    kind, subject
        What it says of whom.
    value, samples
        The number, and on how many rows, devices or events it rests.
    devices
        Some of the devices concerned.
    """

    kind: AlertKind
    subject: Subject
    value: float
    samples: int
    devices: tuple[str, ...] = ()


def measures(summary: Summary) -> Iterator[Measure]:
    """Everything that conditions are asked about, each kind and subject once."""
    by_group: dict[Subject, Cell] = {}
    for subject, cell in summary.cells.items():
        if subject.group:
            yield Measure(AlertKind.ERROR_SHARE, subject, cell.error_share, cell.labelled)
            by_group.setdefault(Subject(subject.tenant, subject.stream, subject.group), Cell()).merge(cell)
        else:
            yield Measure(AlertKind.DRIFT, subject, cell.signals, cell.signals)
            yield Measure(AlertKind.FAILED_TRAINING, subject, cell.failed, cell.failed)
            yield Measure(AlertKind.FORGED_CANDIDATE, subject, cell.forged, cell.forged)
    for subject, cell in by_group.items():
        yield Measure(AlertKind.EVENT_AGE, subject, cell.ages.quantile(0.95) / 1000, cell.ages.total)
        doubted = sorted(cell.doubted, key=lambda device: (-cell.doubted[device], device))
        yield Measure(AlertKind.DOUBTED_DEVICES, subject, len(doubted), cell.doubted.total(), tuple(doubted[:MOST_NAMED]))
    for subject, group in summary.groups.items():
        yield Measure(AlertKind.SILENT_DEVICES, subject, len(group.silent), group.seen, tuple(group.silent[:MOST_NAMED]))
        yield Measure(AlertKind.REFUSED_MODEL, subject, len(group.refusing), group.reporting, tuple(group.refusing[:MOST_NAMED]))
        strange = group.impossible
        yield Measure(AlertKind.IMPOSSIBLE_REPORT, subject, len(strange), max(group.reporting, len(strange)), tuple(strange[:MOST_NAMED]))
    for subject, members in summary.members.items():
        yield Measure(AlertKind.LOST_DEVICES, subject, len(members.lost), members.heard, tuple(members.lost[:MOST_NAMED]))
        yield Measure(AlertKind.TWIN_DEVICES, subject, len(members.twins), members.heard, tuple(members.twins[:MOST_NAMED]))
    for subject, standout in summary.standouts.items():
        devices = standout.devices
        yield Measure(AlertKind.OUTLYING_DEVICES, subject, len(devices), standout.judged, devices[:MOST_NAMED])
