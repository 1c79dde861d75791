"""Settlement: the check that the platform has handled everything that a run sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgeloop_contracts import RunStatus
from edgeloop_replay.ledger import Ledger

Place = tuple[str, int]
ENDED = frozenset({RunStatus.PROMOTED, RunStatus.REJECTED, RunStatus.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Result of one scan of one stream.

    Attributes
    ----------
    sent, observed
        Rows that devices answered (warm-up rows included), and rows in ``observations``.
    labelled, joined, pooled
        Labels sent, rows in ``examples``, and rows in the error partials.
    open_requests
        Training requests that have neither ended nor wait at their gate.
    open_candidates
        Candidates that the registry has not answered.
    open_assignments
        Assignments that their device has not reported, as device and version.
    open_adapters
        Devices that have not reported the stream's newest adapter, as device and adapter.
    ends
        By topic and partition: the offset after the stream's last record.
    committed
        By service, then by topic and partition: where its group stands.
    inputs
        By service: the topics that it consumes.
    dead
        Records of the stream in dead letters.
    """

    sent: int = 0
    observed: int = 0
    labelled: int = 0
    joined: int = 0
    pooled: int = 0
    open_requests: tuple[str, ...] = ()
    open_candidates: tuple[str, ...] = ()
    open_assignments: tuple[str, ...] = ()
    open_adapters: tuple[str, ...] = ()
    ends: Mapping[Place, int]
    committed: Mapping[str, Mapping[Place, int]]
    inputs: Mapping[str, tuple[str, ...]]
    dead: int = 0


def snapshot(
    ledger: Ledger, inputs: Mapping[str, tuple[str, ...]], ends: Mapping[Place, int], committed: Mapping[str, Mapping[Place, int]]
) -> Snapshot:
    """The state of a stream after one scan; parameters as the attributes of :class:`Snapshot`."""
    return Snapshot(
        sent=ledger.sent,
        observed=ledger.observed,
        labelled=ledger.labelled,
        joined=ledger.joined,
        pooled=ledger.pooled_rows,
        open_requests=tuple(sorted(request for request in ledger.requests if not _ended_or_at_gate(ledger, request))),
        open_candidates=tuple(sorted(ledger.candidates - ledger.answered_candidates)),
        open_assignments=tuple(
            f"{key} (version {version})" for key, version in sorted(ledger.assigned.items()) if not _fulfilled(ledger, key, version)
        ),
        open_adapters=tuple(f"{key} (adapter {ledger.adapter})" for key in sorted(ledger.assigned) if not _adapted(ledger, key)),
        ends=ends,
        committed=committed,
        inputs=inputs,
        dead=ledger.dead,
    )


def expected(now: Snapshot) -> list[str]:
    """Work still to come, as far as the records tell; one line each, by service."""
    missing: list[str] = []
    if now.observed < now.sent:
        missing.append(f"ingestion (or a device's outbox): {now.observed} of {now.sent} answered rows are in observations")
    if now.joined < now.labelled:
        missing.append(f"labels: {now.joined} of {now.labelled} labelled rows are in examples")
    if now.pooled < now.joined:
        missing.append(f"drift: {now.pooled} of {now.joined} examples are in drift.partials")
    if now.open_requests:
        missing.append(f"trainer: no end of {', '.join(now.open_requests)}")
    if now.open_candidates:
        missing.append(f"registry: no answer to {', '.join(now.open_candidates)}")
    if now.open_assignments or now.open_adapters:
        missing.append(f"inference: no report of {', '.join(now.open_assignments + now.open_adapters)}")
    return missing


def behind(now: Snapshot) -> list[str]:
    """Groups that have not handled everything; a line for each partition of an input."""
    lines: list[str] = []
    for service, consumed in now.inputs.items():
        stands = now.committed.get(service, {})
        for (topic, partition), end in sorted(now.ends.items()):
            at = stands.get((topic, partition), 0)
            if topic in consumed and at < end:
                lines.append(f"{service}: stands at {max(at, 0)} of {end} in {topic}/{partition}")
    return lines


def unsettled(now: Snapshot) -> list[str]:
    """Reason why one scan does not show everything done; empty if it does."""
    return expected(now) + behind(now)


def settled(before: Snapshot, now: Snapshot) -> bool:
    """Whether two scans, one after the other, show everything done and nothing new between them."""
    return not unsettled(before) and not unsettled(now) and dict(before.ends) == dict(now.ends)


def _ended_or_at_gate(ledger: Ledger, request: str) -> bool:
    run = ledger.runs.get(request)
    return run is not None and (run.event.status in ENDED or run.event.status is RunStatus.FITTED)


def _fulfilled(ledger: Ledger, key: str, version: int) -> bool:
    report = ledger.reported.get(key)
    return report is not None and max(report.version or 0, report.refused_version or 0) >= version


def _adapted(ledger: Ledger, key: str) -> bool:
    """Whether a device uses the newest adapter or has refused it; a device without a version needs none."""
    report = ledger.reported.get(key)
    if not ledger.adapter or report is None or not report.version:
        return True
    return not report.takes_adapters or max(report.adapter or 0, ledger.refused_adapters[key]) >= ledger.adapter
