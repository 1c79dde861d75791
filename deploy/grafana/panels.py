"""Panels as Grafana's JSON has them, with what ours have in common."""

from __future__ import annotations

import re
from typing import Any

Panel = dict[str, Any]
SOURCE = {"type": "prometheus", "uid": "edgeloop-prometheus"}
GREEN, YELLOW, RED = "green", "yellow", "red"


def steps(*bounds: tuple[float, str], below: str = GREEN) -> dict[str, Any]:
    """Thresholds: the colour below the first bound, then that of each bound from there on."""
    return {"mode": "absolute", "steps": [{"color": below, "value": None}, *({"color": c, "value": v} for v, c in bounds)]}


def query(expr: str, legend: str = "", *, instant: bool = False, form: str = "time_series") -> dict[str, Any]:
    """One PromQL query."""
    return {
        "expr": expr,
        "legendFormat": legend or "__auto",
        "instant": instant,
        "range": not instant,
        "format": form,
        "datasource": SOURCE,
    }


def panel(kind: str, title: str, queries: list[dict[str, Any]], *, says: str, unit: str = "short", **more: Any) -> Panel:
    """A panel of any kind; ``defaults`` and ``options`` in ``more`` go where Grafana wants them."""
    letters = "ABCDEFGH"
    defaults = {"unit": unit, "noValue": "-", **more.pop("defaults", {})}
    return {
        "type": kind,
        "title": title,
        "description": says,
        "datasource": SOURCE,
        "targets": [{**one, "refId": letters[n]} for n, one in enumerate(queries)],
        "fieldConfig": {"defaults": defaults, "overrides": more.pop("overrides", [])},
        "options": more.pop("options", {}),
        **more,
    }


def lines(
    title: str, queries: list[dict[str, Any]], *, says: str, unit: str = "short", stacked: bool = False, steps_: bool = False
) -> Panel:
    """Values over time."""
    custom = {
        "lineWidth": 2,
        "fillOpacity": 25 if stacked else 8,
        "showPoints": "never",
        "spanNulls": 30_000,
        "lineInterpolation": "stepAfter" if steps_ else "linear",
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
    }
    options = {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True}, "tooltip": {"mode": "multi", "sort": "desc"}}
    return panel("timeseries", title, queries, says=says, unit=unit, defaults={"custom": custom, "min": 0}, options=options)


def number(title: str, expr: str, *, says: str, unit: str = "short", colours: dict[str, Any] | None = None, legend: str = "") -> Panel:
    """The newest value, large; several series stand side by side."""
    options = {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "value",
        "graphMode": "area",
        "textMode": "value_and_name" if legend else "value",
    }
    defaults = {"thresholds": colours or steps(), "color": {"mode": "thresholds"}, "min": 0}
    return panel("stat", title, [query(expr, legend)], says=says, unit=unit, defaults=defaults, options=options)


def bars(title: str, expr: str, legend: str, *, says: str, unit: str = "short", colours: dict[str, Any] | None = None) -> Panel:
    """The newest value of each series as a bar."""
    options = {
        "orientation": "horizontal",
        "displayMode": "basic",
        "showUnfilled": True,
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }
    # Grafana shows no name beside a single bar unless it is told to.
    name = re.sub(r"\{\{(\w+)\}\}", r"${__field.labels.\1}", legend)
    defaults = {"thresholds": colours or steps(), "color": {"mode": "thresholds"}, "min": 0, "displayName": name}
    return panel("bargauge", title, [query(expr, legend, instant=True)], says=says, unit=unit, defaults=defaults, options=options)


def heat(title: str, expr: str, *, says: str) -> Panel:
    """A histogram over time; its buckets are in seconds."""
    options = {
        "calculate": False,
        "cellGap": 1,
        "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64, "exponent": 0.5, "reverse": False},
        "filterValues": {"le": 1e-9},
        "legend": {"show": True},
        "rowsFrame": {"layout": "auto"},
        "tooltip": {"show": True, "yHistogram": False},
        "yAxis": {"unit": "s", "axisPlacement": "left"},
    }
    return panel("heatmap", title, [query(expr, "{{le}}", form="heatmap")], says=says, options=options)


def states(title: str, expr: str, legend: str, *, zero: str, says: str) -> Panel:
    """Which value each series had when; ``zero`` is what 0 means."""
    options = {
        "showValue": "auto",
        "mergeValues": True,
        "rowHeight": 0.8,
        "alignValue": "center",
        "legend": {"showLegend": False, "displayMode": "list", "placement": "bottom"},
    }
    defaults = {
        "custom": {"fillOpacity": 70, "lineWidth": 0, "spanNulls": 30_000},
        "color": {"mode": "continuous-BlPu"},
        "decimals": 0,
        "mappings": [{"type": "value", "options": {"0": {"text": zero, "index": 0}}}],
    }
    return panel("state-timeline", title, [query(expr, legend)], says=says, unit="none", defaults=defaults, options=options)


def table(title: str, columns: list[tuple[str, str, str]], by: list[str], *, says: str) -> Panel:
    """One row for each combination of labels; a column is a name, an expression and a unit."""
    queries = [query(f"sum by ({', '.join(by)}) ({expr})", instant=True, form="table") for _, expr, _ in columns]
    values = {f"Value #{'ABCDEFGH'[n]}" if len(columns) > 1 else "Value": name for n, (name, _, _) in enumerate(columns)}
    overrides = [
        {"matcher": {"id": "byName", "options": name}, "properties": [{"id": "unit", "value": unit}, {"id": "decimals", "value": 0}]}
        for name, _, unit in columns
    ]
    overrides.append({"matcher": {"id": "byName", "options": by[0]}, "properties": [{"id": "custom.minWidth", "value": 160}]})
    order = {name: place for place, name in enumerate([*by, *values])}
    changes = [
        {"id": "merge", "options": {}},
        {"id": "organize", "options": {"excludeByName": {"Time": True}, "indexByName": order, "renameByName": values}},
    ]
    return panel(
        "table",
        title,
        queries,
        says=says,
        overrides=overrides,
        transformations=changes,
        options={"showHeader": True},
        defaults={"custom": {"minWidth": 70}, "noValue": "none"},
    )
