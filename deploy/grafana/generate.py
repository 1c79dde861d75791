"""Write the dashboards: ``python deploy/grafana/generate.py``; ``--check`` only says whether they are up to date."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from panels import RED, SOURCE, YELLOW, Panel, bars, heat, lines, number, query, states, steps, table

FOLDER = Path(__file__).resolve().parent / "dashboards"
WIDTH = 24
PER_SECOND = "suffix:/s"
BAD_FROM_ONE = steps((1, RED))


def laid_out(rows: list[tuple[int, list[tuple[int, Panel]]]]) -> list[Panel]:
    """Rows of panels, each with its width, under one another."""
    placed: list[Panel] = []
    y = 0
    for height, row in rows:
        x = 0
        for width, one in row:
            placed.append({**one, "id": len(placed) + 1, "gridPos": {"x": x, "y": y, "w": width, "h": height}})
            x += width
        assert x == WIDTH, f"a row is {x} wide"
        y += height
    return placed


def variable(name: str, expr: str) -> dict[str, Any]:
    """A choice above the dashboard."""
    return {
        "name": name,
        "label": name,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": expr, "refId": "variable"},
        "definition": expr,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
    }


def dashboard(
    uid: str, title: str, says: str, choices: list[dict[str, Any]], rows: list[tuple[int, list[tuple[int, Panel]]]]
) -> dict[str, Any]:
    """A whole dashboard."""
    return {
        "uid": f"edgeloop-{uid}",
        "title": f"edgeloop: {title}",
        "description": says,
        "tags": ["edgeloop"],
        "schemaVersion": 38,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "5s",
        "time": {"from": "now-15m", "to": "now"},
        "timezone": "browser",
        "templating": {"list": choices},
        "annotations": {"list": []},
        "links": [{"type": "dashboards", "tags": ["edgeloop"], "asDropdown": False, "title": "", "keepTime": True, "includeVars": False}],
        "panels": laid_out(rows),
    }


def devices() -> dict[str, Any]:
    """What devices answer, how quickly, with which version and adapter, and whether their rows get through."""
    d = '{device=~"$device"}'
    return dashboard(
        "devices",
        "devices",
        "What the devices answer, how quickly, with which version and adapter; and whether their rows get through.",
        [variable("device", "label_values(edgeloop_inference_rows_total, device)")],
        [
            (
                3,
                [
                    (
                        6,
                        number("Devices up", 'sum(up{job="edgeloop-devices", device=~"$device"})', says="Devices that answer a scrape."),
                    ),
                    (
                        6,
                        number(
                            "Rows answered",
                            f"sum(edgeloop:device_rows:rate1m{d})",
                            unit=PER_SECOND,
                            says="Rows a second, over the last minute.",
                        ),
                    ),
                    (
                        6,
                        number(
                            "Answer, p99",
                            f"max(edgeloop:device_request_seconds:p99{d} >= 0)",
                            unit="s",
                            colours=steps((0.05, YELLOW), (0.5, RED)),
                            says="The slowest device's 99th percentile, inside the server.",
                        ),
                    ),
                    (
                        6,
                        number(
                            "Rows in outboxes",
                            f"sum(edgeloop_inference_outbox_rows{d})",
                            colours=steps((10_000, YELLOW), (100_000, RED)),
                            says="Rows that no broker has yet. Grows while devices are offline.",
                        ),
                    ),
                ],
            ),
            (
                3,
                [
                    (
                        6,
                        number(
                            "Silent devices",
                            "sum(edgeloop_monitoring_silent_devices)",
                            colours=BAD_FROM_ONE,
                            says="Not heard for a minute while others are; judged by the service monitoring.",
                        ),
                    ),
                    (
                        6,
                        number(
                            "Refused models",
                            f"sum(edgeloop_inference_refusals_total{d}) or vector(0)",
                            colours=BAD_FROM_ONE,
                            says="Assigned versions that a device did not take, since its start.",
                        ),
                    ),
                    (
                        6,
                        number(
                            "Refused adapters",
                            f"sum(edgeloop_inference_adapter_refusals_total{d}) or vector(0)",
                            colours=BAD_FROM_ONE,
                            says="Adapters that a device did not take, since its start; what served before serves on.",
                        ),
                    ),
                    (
                        6,
                        number(
                            "Without memories",
                            f"count(edgeloop_inference_memories{d} == 0) or vector(0)",
                            colours=steps((1, YELLOW)),
                            says="Devices whose mixtures answer without their memories, or that take no adapters at all.",
                        ),
                    ),
                ],
            ),
            (
                8,
                [
                    (
                        8,
                        lines(
                            "Rows a second",
                            [query(f"edgeloop:device_rows:rate1m{d}", "{{device}}")],
                            unit=PER_SECOND,
                            stacked=True,
                            says="Answered rows of each device.",
                        ),
                    ),
                    (
                        8,
                        lines(
                            "Time to answer",
                            [query(f"max(edgeloop:device_request_seconds:{p}{d})", p) for p in ("p50", "p95", "p99")],
                            unit="s",
                            says="Of the slowest device: decoding, model and outbox, without the network.",
                        ),
                    ),
                    (
                        8,
                        heat(
                            "Time to answer, all requests",
                            f"sum by (le) (increase(edgeloop_inference_request_seconds_bucket{d}[$__rate_interval]))",
                            says="How many requests took how long.",
                        ),
                    ),
                ],
            ),
            (
                8,
                [
                    (
                        12,
                        states(
                            "Version that serves",
                            f"edgeloop_inference_model_version{d}",
                            "{{device}} {{stream}}",
                            zero="none",
                            says="A step is an installation. Devices of a stream should change together.",
                        ),
                    ),
                    (
                        12,
                        lines(
                            "Rows in the outbox",
                            [query(f"edgeloop_inference_outbox_rows{d}", "{{device}}")],
                            says="Rows that no broker has yet.",
                        ),
                    ),
                ],
            ),
            (
                8,
                [
                    (
                        8,
                        lines(
                            "Adapter that answers with the version",
                            [query(f"edgeloop_inference_model_adapter{d}", "{{device}} {{stream}}")],
                            steps_=True,
                            says="An adapter's number is that of the labelled row after which it was made. A flat line gets none.",
                        ),
                    ),
                    (
                        8,
                        lines(
                            "Age of an adapter at its first answer",
                            [
                                query(
                                    f"histogram_quantile({q}, sum by (le) (increase(edgeloop_inference_adapter_age_seconds_bucket{d}[5m])))",
                                    f"p{int(q * 100)}",
                                )
                                for q in (0.5, 0.95)
                            ],
                            unit="s",
                            says="From its record in Kafka; high after a time offline.",
                        ),
                    ),
                    (
                        8,
                        lines(
                            "Bytes for models",
                            [query(f"sum by (what) (rate(edgeloop_inference_received_bytes_total{d}[5m]))", "{{what}}")],
                            unit="Bps",
                            stacked=True,
                            says="What devices read a second for versions and for adapters.",
                        ),
                    ),
                ],
            ),
            (
                8,
                [
                    (
                        12,
                        table(
                            "Devices",
                            [
                                ("rows", f"edgeloop_inference_rows_total{d}", "none"),
                                ("outbox", f"edgeloop_inference_outbox_bytes{d}", "bytes"),
                                ("dropped", f"edgeloop_inference_outbox_dropped_rows{d}", "none"),
                                (
                                    "refused",
                                    f"edgeloop_inference_adapter_refusals_total{d} or 0 * edgeloop_inference_rows_total{d}",
                                    "none",
                                ),
                                ("repeated", f"edgeloop_inference_failed_deliveries_total{d}", "none"),
                                (
                                    "failures",
                                    f"edgeloop_inference_background_failures_total{d} or 0 * edgeloop_inference_rows_total{d}",
                                    "none",
                                ),
                            ],
                            ["device"],
                            says="Since each device's start: rows answered, bytes in the outbox, rows dropped from it, adapters refused, "
                            "deliveries repeated, failures of background jobs.",
                        ),
                    ),
                    (
                        6,
                        bars(
                            "Age of rows at the platform",
                            "max by (quantile) (edgeloop_monitoring_event_age_seconds)",
                            "p {{quantile}}",
                            unit="s",
                            colours=steps((5, YELLOW), (30, RED)),
                            says="From the event's own time to its record in `observations`.",
                        ),
                    ),
                    (
                        6,
                        lines(
                            "Installing a version",
                            [
                                query(
                                    f"histogram_quantile({q}, sum by (le) (increase(edgeloop_inference_install_seconds_bucket{d}[5m])))",
                                    f"p{int(q * 100)}",
                                )
                                for q in (0.5, 0.95)
                            ],
                            unit="s",
                            says="From taking up an assignment to serving it.",
                        ),
                    ),
                ],
            ),
        ],
    )


def flow() -> dict[str, Any]:
    """How records move through the services."""
    s = '{service=~"$service"}'
    age = 'edgeloop_event_age_seconds_bucket{service=~"$service"}'
    return dashboard(
        "flow",
        "data flow",
        "How records move through the services: how many, how far behind, how long a transaction takes, and what was put aside.",
        [variable("service", 'label_values(up{job="edgeloop-services"}, service)')],
        [
            (
                4,
                [
                    (4, number("Services up", 'sum(up{job="edgeloop-services"})', says="Services that answer a scrape.")),
                    (
                        4,
                        number(
                            "Records handled",
                            f"sum(edgeloop:records_handled:rate1m{s})",
                            unit=PER_SECOND,
                            says="A second, all services together; one record is handled by several.",
                        ),
                    ),
                    (
                        4,
                        number(
                            "Lag",
                            f"sum(edgeloop:consumer_lag:sum{s})",
                            colours=steps((1_000, YELLOW), (10_000, RED)),
                            says="Records that are there and not handled.",
                        ),
                    ),
                    (
                        4,
                        number(
                            "Transaction, p99",
                            f"max(edgeloop:transaction_seconds:p99{s} >= 0)",
                            unit="s",
                            colours=steps((0.2, YELLOW), (1, RED)),
                            says="Of the slowest service, from begin to commit.",
                        ),
                    ),
                    (
                        4,
                        number(
                            "Dead letters",
                            f"sum(edgeloop_records_dead_total{s}) or vector(0)",
                            colours=BAD_FROM_ONE,
                            says="Records put aside since the services started.",
                        ),
                    ),
                    (
                        4,
                        number(
                            "Doubted outcomes",
                            f"sum(edgeloop_recoveries_total{s})",
                            colours=steps((1, YELLOW), (10, RED)),
                            says="Times a service dropped its producer and read its state again.",
                        ),
                    ),
                ],
            ),
            (
                8,
                [
                    (
                        12,
                        lines(
                            "Records a second",
                            [query(f"sum by (service) (edgeloop:records_handled:rate1m{s})", "{{service}}")],
                            unit=PER_SECOND,
                            says="Handled and committed.",
                        ),
                    ),
                    (
                        12,
                        lines(
                            "Lag",
                            [query(f"sum by (service) (edgeloop:consumer_lag:sum{s})", "{{service}}")],
                            says="Flat and high is worse than a peak.",
                        ),
                    ),
                ],
            ),
            (
                8,
                [
                    (
                        8,
                        lines(
                            "Transactions, p99",
                            [query(f"edgeloop:transaction_seconds:p99{s}", "{{service}}")],
                            unit="s",
                            says="From begin to commit.",
                        ),
                    ),
                    (
                        8,
                        heat(
                            "Age of records when handled",
                            f"sum by (le) (increase({age}[$__rate_interval]))",
                            says="From a record's timestamp to the commit of its effect, all services.",
                        ),
                    ),
                    (
                        8,
                        bars(
                            "Age of records, p95",
                            f"max by (service) (edgeloop:event_age_seconds:p95{s}) >= 0",
                            "{{service}}",
                            unit="s",
                            colours=steps((1, YELLOW), (10, RED)),
                            says="The slowest input of each service.",
                        ),
                    ),
                ],
            ),
            (
                8,
                [
                    (
                        8,
                        lines(
                            "Rows at the door",
                            [query("sum by (outcome) (rate(edgeloop_ingestion_rows_total[1m]))", "{{outcome}}")],
                            unit=PER_SECOND,
                            stacked=False,
                            says="What ingestion did with raw rows.",
                        ),
                    ),
                    (
                        8,
                        lines(
                            "Labels",
                            [
                                query("sum by (outcome) (rate(edgeloop_labels_labels_total[1m]))", "{{outcome}} /s"),
                                query("sum(edgeloop_labels_waiting)", "waiting now"),
                            ],
                            says="What became of labels; those that came before their observation wait.",
                        ),
                    ),
                    (
                        8,
                        table(
                            "Put aside",
                            [("records", f"edgeloop_records_dead_total{s}", "short")],
                            ["service", "topic", "reason"],
                            says="By reason. `edgeloop tail deadletters.<service>` shows them.",
                        ),
                    ),
                ],
            ),
        ],
    )


def models() -> dict[str, Any]:
    """Whether models are right, what is done about it, and what is learned in between."""
    s = '{stream=~"$stream"}'
    return dashboard(
        "models",
        "models",
        "Whether models are right, what drifted, what was trained, what is learned in between, which version is the newest.",
        [variable("stream", "label_values(edgeloop_monitoring_champion_version, stream)")],
        [
            (
                4,
                [
                    (5, number("Newest version", f"edgeloop_monitoring_champion_version{s}", legend="{{stream}}", says="Of each stream.")),
                    (
                        5,
                        number(
                            "Wrong answers",
                            f"edgeloop:error_share:by_stream{s}",
                            unit="percentunit",
                            legend="{{stream}}",
                            colours=steps((0.3, YELLOW), (0.5, RED)),
                            says="Share of the labelled rows of the last minute.",
                        ),
                    ),
                    (
                        5,
                        number(
                            "Rows a second",
                            f"edgeloop:rows:per_second{s}",
                            unit=PER_SECOND,
                            legend="{{stream}}",
                            says="Observed rows of the last minute.",
                        ),
                    ),
                    (
                        5,
                        number(
                            "Drift signals",
                            f"sum(edgeloop_monitoring_drift_signals{s}) or vector(0)",
                            colours=steps((1, YELLOW)),
                            says="Of both kinds, in the last minute. After one of a rising error a retraining should follow.",
                        ),
                    ),
                    (
                        4,
                        number(
                            "Open alerts",
                            f"sum(edgeloop_monitoring_alert_active{s}) or vector(0)",
                            colours=BAD_FROM_ONE,
                            says="Conditions that hold; see the table below.",
                        ),
                    ),
                ],
            ),
            (
                9,
                [
                    (
                        12,
                        lines(
                            "Wrong answers by version",
                            [query(f"edgeloop:error_share:by_version{s}", "{{stream}} v{{version}}")],
                            unit="percentunit",
                            says="A new version should lie below the one that it replaces.",
                        ),
                    ),
                    (
                        12,
                        lines(
                            "Devices by the version that they serve",
                            [
                                query(
                                    f'count_values by (stream) ("version", edgeloop_monitoring_device_version{s} > 0)',
                                    "{{stream}} v{{version}}",
                                )
                            ],
                            stacked=True,
                            steps_=True,
                            says="An old version that keeps devices wants a look; the dashboard of devices shows which.",
                        ),
                    ),
                ],
            ),
            (
                8,
                [
                    (
                        8,
                        lines(
                            "Drift signals",
                            [
                                query(
                                    "sum by (kind, scope, rising) (increase(edgeloop_drift_signals_total[1m]))",
                                    "{{kind}} {{scope}} rising={{rising}}",
                                )
                            ],
                            steps_=True,
                            says="Told by the service drift within a minute. Only a rising error asks for retraining.",
                        ),
                    ),
                    (
                        8,
                        lines(
                            "Training",
                            [
                                query("sum by (status) (increase(edgeloop_trainer_runs_total[1m]))", "{{status}}"),
                                query("sum(increase(edgeloop_retraining_requests_total[1m]))", "requested"),
                            ],
                            steps_=True,
                            says="Requests, and how runs ended, within a minute.",
                        ),
                    ),
                    (
                        8,
                        lines(
                            "Time of a fit",
                            [
                                query(
                                    "sum(increase(edgeloop_trainer_fit_seconds_sum[2m])) / (sum(increase(edgeloop_trainer_fit_seconds_count[2m])) > 0)",
                                    "mean",
                                )
                            ],
                            unit="s",
                            says="Wall time.",
                        ),
                    ),
                ],
            ),
            (
                8,
                [
                    (
                        6,
                        lines(
                            "Rows not learned from yet",
                            [
                                query(f"edgeloop:adapter_lag:newest{s}", "{{stream}} newest adapter"),
                                query(f"max by (stream) (edgeloop:adapter_lag:device{s})", "{{stream}} furthest device"),
                            ],
                            says="Labelled rows so far, less the number of the adapter. 50 and what is on its way are usual; of a device, "
                            "also what came since its last report.",
                        ),
                    ),
                    (
                        6,
                        lines(
                            "Learning between the fits",
                            [query("sum by (outcome) (rate(edgeloop_adapter_rows_total[1m]))", "{{outcome}}")],
                            unit=PER_SECOND,
                            says="Labelled rows a second, and what became of them.",
                        ),
                    ),
                    (
                        6,
                        lines(
                            "Adapters",
                            [
                                query("sum(increase(edgeloop_adapter_published_total[1m]))", "published"),
                                query(
                                    f"sum by (reason) (increase(edgeloop_inference_adapter_refusals_total{s}[1m]))", "refused: {{reason}}"
                                ),
                                query("sum(increase(edgeloop_adapter_refused_versions_total[1m]))", "versions that cannot take part"),
                            ],
                            steps_=True,
                            says="Within a minute. Many mean that devices answer wrongly.",
                        ),
                    ),
                    (
                        6,
                        states(
                            "Version in the mixture's place",
                            f"edgeloop_adapter_alone{s}",
                            "{{stream}}",
                            zero="the mixture",
                            says="A number: the mixture has done worse than this version, which answers alone.",
                        ),
                    ),
                ],
            ),
            (
                8,
                [
                    (
                        8,
                        lines(
                            "Rows and labels",
                            [
                                query(f"edgeloop:rows:per_second{s}", "{{stream}} rows"),
                                query(f"sum by (stream) (edgeloop_monitoring_labelled_rows_per_second{s})", "{{stream}} labelled"),
                            ],
                            unit=PER_SECOND,
                            says="Labels that stay behind make everything else late.",
                        ),
                    ),
                    (
                        6,
                        bars(
                            "Labelled rows by version",
                            f"sum by (stream, version) (edgeloop_monitoring_labelled_rows_per_second{s}) > 0",
                            "{{stream}} v{{version}}",
                            unit=PER_SECOND,
                            says="Which versions the newest labels are about.",
                        ),
                    ),
                    (
                        10,
                        table(
                            "Open alerts",
                            [("open", f"edgeloop_monitoring_alert_active{s}", "short")],
                            ["kind", "stream", "group", "version"],
                            says="The events in `alerts` have the numbers.",
                        ),
                    ),
                ],
            ),
        ],
    )


def main() -> int:
    """Entry point; gives back the exit code."""
    stale = 0
    for name, made in (("devices", devices()), ("flow", flow()), ("models", models())):
        path = FOLDER / f"{name}.json"
        text = json.dumps(made, indent=2, ensure_ascii=False) + "\n"
        if "--check" in sys.argv:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                print(f"{path.name} is not what generate.py makes")
                stale = 1
        else:
            path.write_text(text, encoding="utf-8")
    return stale


if __name__ == "__main__":
    sys.exit(main())
