"""Effects of a drift signal in a run: signal, campaign, version, devices."""

from __future__ import annotations

from edgeloop_contracts import Occasion, RunStatus
from edgeloop_replay.ledger import Ledger
from edgeloop_replay.report import everywhere, row_of, signal_behind, signal_row
from edgeloop_replay.timed_event import Timed

from edgeloop_cli.core.lineage import watched


def from_drift(ledger: Ledger) -> int:
    """The newest version that a drift signal led to; 0 for none. A quiet fit is none of its: it came because no signal did."""
    of_drift = [
        number
        for number, timed in ledger.versions.items()
        if (request := ledger.requests.get(timed.event.request_id))
        and request.event.occasion is Occasion.DRIFT
        and signal_behind(ledger, request.event)
    ]
    return max(of_drift, default=0)


def story(ledger: Ledger, device_keys: set[str]) -> list[tuple[str, str]]:
    """The story, as heads and texts.

    Parameters
    ----------
    device_keys
        ``tenant/stream/device`` of those that played.
    """
    number = from_drift(ledger)
    if not number:
        return [("signal", "none led to a version in these rows")]
    version = ledger.versions[number]
    request = ledger.requests[version.event.request_id].event
    signal = signal_behind(ledger, request)
    assert signal is not None
    return [
        ("signal", _signal(ledger, signal)),
        ("campaign", _campaign(ledger, request.campaign)),
        ("version", _version(ledger, number, version)),
        ("devices", _devices(ledger, number, device_keys)),
    ]


def _signal(ledger: Ledger, timed: Timed) -> str:
    signal = timed.event
    over = f", over the newest {signal.since:,} answers" if signal.since else ""
    went = f"{signal.before:.2f} to {signal.after:.2f}{over}"
    return f"{signal.detector} at row {signal_row(ledger, signal):,}: {watched(signal)} rose from {went}"


def _campaign(ledger: Ledger, campaign: str) -> str:
    became = {timed.event.request_id: number for number, timed in ledger.versions.items()}
    fits: list[str] = []
    for request_id, timed in ledger.requests.items():
        request = timed.event
        if request.campaign != campaign or request.occasion is not Occasion.DRIFT:
            continue
        run = ledger.runs.get(request_id)
        end = f"version {became[request_id]}" if request_id in became else run.event.status.value.lower() if run else "under way"
        fits.append(f"{request.row - request.opened:,} rows after it: {end}")
    return "fits " + "; ".join(fits)


def _version(ledger: Ledger, number: int, timed: Timed) -> str:
    version = timed.event
    told = f"{number}, trained on the {version.rows:,} rows since the signal"
    run = ledger.runs.get(version.request_id)
    if run is None or run.event.status is not RunStatus.PROMOTED:
        return told
    judged = run.event
    beaten = f"version {version.beat_version}" if version.beat_version else "the majority class"
    return (
        f"{told}; promoted at row {row_of(ledger, judged.row):,}, as on {judged.judged:,} rows after its fit it was right "
        f"{judged.wins:,} times where {beaten} was wrong, and wrong {judged.losses:,} times where that was right"
    )


def _devices(ledger: Ledger, number: int, device_keys: set[str]) -> str:
    newest = ledger.champion
    if everywhere(ledger, number, device_keys) is None or not ledger.serving(device_keys, number):
        serving = sorted(key.rpartition("/")[2] for key in device_keys if (key, number) in ledger.installed)
        return f"{len(serving)} of {len(device_keys)} have served it: {', '.join(serving) or 'none'}"
    now = "serve it" if newest == number else f"have served it, and now serve version {newest}"
    return f"all {len(device_keys)} {now}, from row {ledger.first_served.get(number, ledger.played):,} on"
