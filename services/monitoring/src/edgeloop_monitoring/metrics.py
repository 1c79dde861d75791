"""Every metric that monitoring owns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from edgeloop_contracts import Alert, SignalKind
from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from edgeloop_monitoring.core.subjects import Subject
from edgeloop_monitoring.core.views import Summary
from edgeloop_monitoring.core.windows import Cell

PREFIX = "edgeloop_monitoring"
_SERIES = ("tenant", "stream", "group", "version")
_GROUP = ("tenant", "stream", "group")
_STREAM = ("tenant", "stream")


class Metrics(Collector):
    """Counters of the process, and the newest window as gauges.

    The gauges are made at each scrape from the last summary, so that a series that has ended disappears.

    Parameters
    ----------
    registry
        Where they are registered; one a process.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        # records folded, by topic; aborted ones included
        self.handled = Counter(f"{PREFIX}_records", "Records folded, those of aborted transactions included", ["topic"], registry=registry)
        # bytes that were no event and were skipped
        self.undecodable = Counter(
            f"{PREFIX}_undecodable", "Records skipped, as they could not be decoded", ["topic", "reason"], registry=registry
        )
        # alerts told
        self.alerts = Counter(f"{PREFIX}_alerts", "Alerts told", ["kind", "status"], registry=registry)
        # as of every other service
        self.lag = Gauge("edgeloop_consumer_lag", "Records not handled yet", ["topic", "partition"], registry=registry)
        self._shown: tuple[Summary, tuple[Alert, ...]] | None = None
        registry.register(self)

    def show(self, summary: Summary, alerts: Iterable[Alert]) -> None:
        """Show this from the next scrape on."""
        self._shown = (summary, tuple(alerts))

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Gauges of the newest window; called by the registry from a thread that serves a scrape."""
        if self._shown is None:
            return
        summary, alerts = self._shown
        yield from _windows(summary)
        yield from _fleet(summary)
        active = _gauge("alert_active", "1 for each open alert", ("kind", *_SERIES))
        for alert in alerts:
            active.add_metric([alert.kind.value, alert.tenant, alert.stream, alert.device_group or "", str(alert.model_version or 0)], 1)
        yield active
        newest = _gauge("record_time_seconds", "Newest record time seen, seconds since 1970", ())
        newest.add_metric([], summary.newest / 1000)
        yield newest


def _windows(summary: Summary) -> Iterator[GaugeMetricFamily]:
    rate = _gauge("rows_per_second", "Observed rows a second in the window", _SERIES)
    labelled = _gauge("labelled_rows_per_second", "Answered rows a second whose truth became known in the window", _SERIES)
    errors = _gauge("error_share", "Share of those that were answered wrongly", _SERIES)
    ages = _gauge("event_age_seconds", "Age of a row when the platform had it", (*_GROUP, "quantile"))
    signals = _gauge("drift_signals", "Drift signals in the window", (*_STREAM, "kind"))
    failed = _gauge("failed_trainings", "Failed fits in the window", _STREAM)
    forged = _gauge("forged_candidates", "Candidates in the window that were not the trainer's answer to a request", _STREAM)
    groups: dict[Subject, Cell] = {}
    for subject, cell in sorted(summary.cells.items()):
        if not subject.group:
            signals.add_metric([*_labels(subject, 2), SignalKind.ERROR_RATE.value], cell.signals)
            signals.add_metric([*_labels(subject, 2), SignalKind.INPUT.value], cell.input_signals)
            failed.add_metric(_labels(subject, 2), cell.failed)
            forged.add_metric(_labels(subject, 2), cell.forged)
            continue
        rate.add_metric(_labels(subject, 4), cell.rows / summary.window_s)
        labelled.add_metric(_labels(subject, 4), cell.labelled / summary.window_s)
        if cell.labelled:
            errors.add_metric(_labels(subject, 4), cell.error_share)
        groups.setdefault(Subject(subject.tenant, subject.stream, subject.group), Cell()).merge(cell)
    for subject, cell in groups.items():
        for quantile in (0.5, 0.95, 0.99) if cell.ages.total else ():
            ages.add_metric([*_labels(subject, 3), str(quantile)], cell.ages.quantile(quantile) / 1000)
    yield from (rate, labelled, errors, ages, signals, failed, forged)


def _fleet(summary: Summary) -> Iterator[GaugeMetricFamily]:
    devices = _gauge("devices", "Devices heard of", _GROUP)
    silent = _gauge("silent_devices", "Devices that are silent while others are heard", _GROUP)
    refusing = _gauge("refusing_devices", "Devices that refused the newest version they were assigned", _GROUP)
    unadapted = _gauge("adapter_refusing_devices", "Devices whose newest report refuses an adapter", _GROUP)
    for subject, group in sorted(summary.groups.items()):
        labels = _labels(subject, 3)
        devices.add_metric(labels, group.seen)
        silent.add_metric(labels, len(group.silent))
        refusing.add_metric(labels, len(group.refusing))
        unadapted.add_metric(labels, len(group.refusing_adapters))
    strange = _gauge("impossible_reports", "Devices whose newest report says what cannot be", _GROUP)
    for subject, group in sorted(summary.groups.items()):
        strange.add_metric(_labels(subject, 3), len(group.impossible))
    outlying = _gauge("outlying_devices", "Devices whose labels and answers differ much oftener than those of the others", _GROUP)
    for subject, standout in sorted(summary.standouts.items()):
        outlying.add_metric(_labels(subject, 3), len(standout.devices))
    lost = _gauge("lost_devices", "Devices that the fleet counts as lost", _GROUP)
    twins = _gauge("twin_devices", "Devices whose name several processes use", _GROUP)
    for subject, members in sorted(summary.members.items()):
        lost.add_metric(_labels(subject, 3), len(members.lost))
        twins.add_metric(_labels(subject, 3), len(members.twins))
    versions = _gauge("device_version", "Version that a device says it serves", (*_GROUP, "device"))
    for subject, device, version in summary.versions:
        versions.add_metric([*_labels(subject, 3), device], version)
    adapters = _gauge("device_adapter", "Adapter that a device says it answers with", (*_GROUP, "device"))
    for subject, device, adapter in summary.adapters:
        adapters.add_metric([*_labels(subject, 3), device], adapter)
    champions = _gauge("champion_version", "Newest version of a stream", _STREAM)
    for subject, version in sorted(summary.champions.items()):
        champions.add_metric(_labels(subject, 2), version)
    yield from (devices, silent, refusing, strange, unadapted, outlying, lost, twins, versions, adapters, champions)


def _gauge(name: str, text: str, labels: Sequence[str]) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{PREFIX}_{name}", text, labels=labels)


def _labels(subject: Subject, count: int) -> list[str]:
    return [subject.tenant, subject.stream, subject.group, str(subject.version)][:count]
