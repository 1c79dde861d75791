"""The report of a run. The same seed gives the same report, ``seconds`` aside: it holds no name of the run and no time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from edgeloop_contracts import DriftSignal, ModelVersion, Occasion, RunStatus, SignalKind, TrainingRequest

from edgeloop_replay.ledger import Ledger
from edgeloop_replay.timed_event import Timed

DIGITS = 6


@dataclass(frozen=True, slots=True)
class Counts:
    """Findings of an independent reader of the topics, in rows and labels.

    Attributes
    ----------
    produced
        Rows and labels that were sent.
    lost
        Rows without an observation, and labels without an example.
    duplicated
        Observations and examples beyond the first of their row.
    dead
        Records in dead letters.
    """

    produced: int = 0
    lost: int = 0
    duplicated: int = 0
    dead: int = 0


def assemble(ledger: Ledger, devices: int, stream: str, counts: Counts, wall: float, device_keys: set[str]) -> dict[str, Any]:
    """The report as the issue of a run has it; rows count from 0, the warm-up's included.

    Parameters
    ----------
    devices
        How many played.
    stream
        Name of the data.
    wall
        Seconds from the first row to the last settling.
    device_keys
        ``tenant/stream/device`` of those that played.
    """
    return {
        "rows": len(ledger.answers),
        **({"unlabelled": unlabelled} if (unlabelled := len(ledger.answers) - ledger.accuracy.rows) else {}),
        "devices": devices,
        "accuracy": round(ledger.accuracy.total, DIGITS),
        "accuracy_static": round(ledger.static.total, DIGITS),
        **errors(ledger),
        "fits": fits(ledger),
        "versions": [version_entry(ledger, number) for number in sorted(ledger.versions)],
        "signals": sorted(
            (
                {"row": signal_row(ledger, timed.event), "detector": detector_name(timed.event), "stream": stream}
                for timed in ledger.signals
            ),
            key=lambda entry: (entry["row"], entry["detector"]),
        ),
        "events": {"produced": counts.produced, "lost": counts.lost, "duplicated": counts.duplicated, "dead": counts.dead},
        "seconds": {
            "wall": round(wall, 3),
            "signal_to_serving_p50": _median(signal_to_serving(ledger, device_keys)),
            "gate_to_serving_p50": _median(gate_to_serving(ledger, device_keys)),
            "fit_p50": _median([run.fit_seconds for run in ledger.fitted.values()]),
        },
    }


def errors(ledger: Ledger) -> dict[str, float | None]:
    """Of a stream of numbers: the tolerance, by which ``accuracy`` counts, and the errors; nothing for classes."""
    if not ledger.tolerance:
        return {}
    found = {
        "mae": ledger.missed.mae,
        "mae_static": ledger.static_missed.mae,
        "rmse": ledger.missed.rmse,
        "rmse_static": ledger.static_missed.rmse,
    }
    return {
        "tolerance": ledger.tolerance,
        **{name: value if value is None else float(f"{value:.{DIGITS}g}") for name, value in found.items()},
    }


def error_figures(report: Mapping[str, Any]) -> dict[str, str]:
    """Entry of :func:`errors` in a report, for people."""
    if "tolerance" not in report:
        return {}
    told = {"right is within": f"{report['tolerance']:g}"}
    for name in ("mae", "rmse"):
        told[f"{name.upper()}, never retrained"] = ", ".join(
            "-" if e is None else f"{e:.4g}" for e in (report[name], report[f"{name}_static"])
        )
    return told


def alarms(ledger: Ledger) -> list[tuple[int, str]]:
    """Rows at which errors rose, by detector: the origin of campaigns."""
    errors = [timed.event for timed in ledger.signals if timed.event.kind is SignalKind.ERROR_RATE and timed.event.rising]
    return [(row_of(ledger, event.row), detector_name(event)) for event in errors]


def fits(ledger: Ledger) -> int:
    """Challengers that were fitted; the first version is none."""
    first = ledger.versions.get(1)
    return len(set(ledger.fitted) - ({first.event.request_id} if first else set[str]()))


def version_entry(ledger: Ledger, number: int) -> dict[str, Any]:
    """One version: what it is, what led to it, and the first row that it answered (the row that would have come next, if none).

    ``recalls`` is there for an archived version that was promoted again.
    """
    version: ModelVersion = ledger.versions[number].event
    return {
        "version": number,
        "digest": version.file.digest,
        "cause": cause_of(ledger, version),
        "trained_rows": version.rows,
        "installed_at_row": ledger.first_served.get(number, ledger.played),
        **({"recalls": version.recalls} if version.recalls else {}),
    }


def cause_of(ledger: Ledger, version: ModelVersion) -> str:
    """Cause of a version, for people: "warm-up", the signal and the stage of its campaign, or a quiet fit."""
    timed = ledger.requests.get(version.request_id)
    if timed is None:
        return "unknown"
    request: TrainingRequest = timed.event
    signal = signal_behind(ledger, request)
    if signal is not None:
        return f"{detector_name(signal.event)} at row {signal_row(ledger, signal.event)}, stage {request.stage + 1}"
    return "warm-up" if version.version == 1 else f"no signal (quiet), at row {row_of(ledger, request.row)}"


def signal_behind(ledger: Ledger, request: TrainingRequest) -> Timed | None:
    """The signal that a request goes back to; ``None`` for a command or a quiet fit."""
    if request.occasion is Occasion.QUIET:
        return None
    for signal in ledger.signals:
        if request.cause.id == signal.id or request.campaign in (signal.event.signal_id, signal.id):
            return signal
    return None


def detector_name(signal: DriftSignal) -> str:
    """Detector, with the feature that it watched."""
    return f"{signal.detector} of {signal.feature}" if signal.feature else signal.detector


def signal_row(ledger: Ledger, signal: DriftSignal) -> int:
    """Row of the stream at which a signal was raised."""
    return row_of(ledger, signal.row) if signal.kind is SignalKind.ERROR_RATE else signal.row - 1


def row_of(ledger: Ledger, labelled: int) -> int:
    """Row of the stream that was the pool's n-th labelled one."""
    row = ledger.pooled.row(labelled, ledger.rows)
    return labelled - 1 if row is None else row


def signal_to_serving(ledger: Ledger, device_keys: set[str]) -> list[float]:
    """By version that a signal led to: seconds until every device served it; quiet fits wait for rows, and are left out."""
    found: list[float] = []
    for number, timed in sorted(ledger.versions.items()):
        request = ledger.requests.get(timed.event.request_id)
        signal = signal_behind(ledger, request.event) if request else None
        served = everywhere(ledger, number, device_keys)
        if signal is not None and served is not None:
            found.append((served - signal.timestamp) / 1000)
    return found


def gate_to_serving(ledger: Ledger, device_keys: set[str]) -> list[float]:
    """By version: seconds from sending the label that its gate decided on until every device served it."""
    found: list[float] = []
    for number, timed in sorted(ledger.versions.items()):
        run = ledger.runs.get(timed.event.request_id)
        served = everywhere(ledger, number, device_keys)
        if number == 1 or run is None or run.event.status is not RunStatus.PROMOTED or served is None:
            continue
        sent = ledger.label_times.get(row_of(ledger, run.event.row))
        if sent is not None:
            found.append((served - sent) / 1000)
    return found


def everywhere(ledger: Ledger, version: int, device_keys: set[str]) -> int | None:
    """When the last of these devices reported that it had installed a version; ``None`` if one has not."""
    times = [ledger.installed.get((key, version)) for key in device_keys]
    return None if not times or any(time is None for time in times) else max(time for time in times if time is not None)


def _median(values: list[float]) -> float | None:
    return round(median(values), 3) if values else None
