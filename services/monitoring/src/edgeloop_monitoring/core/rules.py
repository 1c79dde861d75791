"""The conditions as they are unless set otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgeloop_contracts import AlertKind

from edgeloop_monitoring.core.conditions import Rule


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Settings of the conditions; see the service's README."""

    error_share: float = 0.5
    error_rows: int = 100
    event_age_s: float = 30.0
    silent_devices: int = 1
    raise_after_ms: int = 10_000
    clear_after_ms: int = 30_000


def rules(t: Thresholds) -> Mapping[AlertKind, Rule]:
    """A rule for each kind. What is an event by itself (a signal, a failed fit, a refusal) is told at once."""
    wait, rest = t.raise_after_ms, t.clear_after_ms
    return {
        AlertKind.ERROR_SHARE: Rule(
            t.error_share, 0.8 * t.error_share, wait, rest, t.error_rows, "{value:.0%} of {samples} labelled rows were answered wrongly"
        ),
        AlertKind.EVENT_AGE: Rule(
            t.event_age_s, 0.5 * t.event_age_s, wait, rest, 1, "rows are {value:.1f} s old when the platform has them (95th percentile)"
        ),
        AlertKind.DRIFT: Rule(1, 0, 0, rest, 1, "the error rose: {value:.0f} signals within the window"),
        AlertKind.SILENT_DEVICES: Rule(
            t.silent_devices, t.silent_devices - 1, wait, 0, 1, "{value:.0f} of {samples} devices are silent while others are heard"
        ),
        AlertKind.REFUSED_MODEL: Rule(1, 0, 0, 0, 1, "{value:.0f} of {samples} devices refused the model they were assigned"),
        AlertKind.FAILED_TRAINING: Rule(1, 0, 0, rest, 1, "{value:.0f} fits failed within the window"),
        AlertKind.FORGED_CANDIDATE: Rule(
            1, 0, 0, rest, 1, "{value:.0f} candidates were not the trainer's answer to a request: somebody else writes to model.candidates"
        ),
        AlertKind.IMPOSSIBLE_REPORT: Rule(
            1,
            0,
            wait,
            0,
            1,
            "newest reports of {value:.0f} of {samples} devices say what cannot be: somebody else writes to fleet.reported",
        ),
        AlertKind.DOUBTED_DEVICES: Rule(
            1, 0, 0, rest, 1, "{samples} records in the names of {value:.0f} devices cannot all be theirs: see devices.doubted"
        ),
        AlertKind.LOST_DEVICES: Rule(1, 0, 0, 0, 1, "{value:.0f} of {samples} devices are lost: see `edgeloop devices --health lost`"),
        AlertKind.TWIN_DEVICES: Rule(
            1, 0, 0, 0, 1, "the names of {value:.0f} devices are used by several processes: see `edgeloop device show`"
        ),
        AlertKind.OUTLYING_DEVICES: Rule(
            1, 0, wait, rest, 1, "labels and answers of {value:.0f} of {samples} devices differ much oftener than those of the others"
        ),
    }
