"""Grafana panels as JSON, with the options that ours share. Keyword arguments are the keys of an entry in ``tables/``."""

from __future__ import annotations

import re
from typing import Any

Panel = dict[str, Any]
Thresholds = list[tuple[float, str]]
"""Bounds with the colour from there on; below the first it is green."""
SOURCE = {"type": "prometheus", "uid": "edgeloop-prometheus"}
LETTERS = "ABCDEFGH"
NEWEST = {"calcs": ["lastNotNull"], "fields": "", "values": False}


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


def panel(kind: str, title: str, queries: list[dict[str, Any]], *, description: str, unit: str = "short", **more: Any) -> Panel:
    """A panel of any kind; ``defaults`` and ``options`` in ``more`` go where Grafana wants them."""
    defaults = {"unit": unit, "noValue": "-", **more.pop("defaults", {})}
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": SOURCE,
        "targets": [{**one, "refId": LETTERS[n]} for n, one in enumerate(queries)],
        "fieldConfig": {"defaults": defaults, "overrides": more.pop("overrides", [])},
        "options": more.pop("options", {}),
        **more,
    }


def timeseries(
    title: str,
    *,
    description: str,
    expr: str = "",
    legend: str = "",
    queries: list[tuple[str, str]] | None = None,
    unit: str = "short",
    stacked: bool = False,
    stepped: bool = False,
) -> Panel:
    """Values over time: of one expression, or of several ``queries`` with a legend each."""
    custom = {
        "lineWidth": 2,
        "fillOpacity": 25 if stacked else 8,
        "showPoints": "never",
        "spanNulls": 30_000,
        "lineInterpolation": "stepAfter" if stepped else "linear",
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
    }
    options = {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True}, "tooltip": {"mode": "multi", "sort": "desc"}}
    asked = [query(*each) for each in queries or [(expr, legend)]]
    return panel("timeseries", title, asked, description=description, unit=unit, defaults={"custom": custom, "min": 0}, options=options)


def stat(title: str, *, description: str, expr: str, legend: str = "", unit: str = "short", thresholds: Thresholds | None = None) -> Panel:
    """The newest value, large; several series stand side by side."""
    options = {
        "reduceOptions": NEWEST,
        "colorMode": "value",
        "graphMode": "area",
        "textMode": "value_and_name" if legend else "value",
    }
    return panel("stat", title, [query(expr, legend)], description=description, unit=unit, defaults=_coloured(thresholds), options=options)


def bargauge(title: str, *, description: str, expr: str, legend: str, unit: str = "short", thresholds: Thresholds | None = None) -> Panel:
    """The newest value of each series as a bar."""
    options = {"orientation": "horizontal", "displayMode": "basic", "showUnfilled": True, "reduceOptions": NEWEST}
    # Grafana shows no name beside a single bar unless the panel sets one.
    name = re.sub(r"\{\{(\w+)\}\}", r"${__field.labels.\1}", legend)
    defaults = {**_coloured(thresholds), "displayName": name}
    queries = [query(expr, legend, instant=True)]
    return panel("bargauge", title, queries, description=description, unit=unit, defaults=defaults, options=options)


def heatmap(title: str, *, description: str, expr: str) -> Panel:
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
    return panel("heatmap", title, [query(expr, "{{le}}", form="heatmap")], description=description, options=options)


def state_timeline(title: str, *, description: str, expr: str, legend: str, zero_is: str) -> Panel:
    """The value of each series over time, as bars; ``zero_is`` is the text for 0."""
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
        "mappings": [{"type": "value", "options": {"0": {"text": zero_is, "index": 0}}}],
    }
    queries = [query(expr, legend)]
    return panel("state-timeline", title, queries, description=description, unit="none", defaults=defaults, options=options)


def table(title: str, *, description: str, columns: list[tuple[str, str, str]], by: list[str]) -> Panel:
    """One row for each combination of labels; a column is a name, an expression and a unit."""
    queries = [query(f"sum by ({', '.join(by)}) ({expr})", instant=True, form="table") for _, expr, _ in columns]
    values = {f"Value #{LETTERS[n]}" if len(columns) > 1 else "Value": name for n, (name, _, _) in enumerate(columns)}
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
        description=description,
        overrides=overrides,
        transformations=changes,
        options={"showHeader": True},
        defaults={"custom": {"minWidth": 70}, "noValue": "none"},
    )


def _coloured(thresholds: Thresholds | None) -> dict[str, Any]:
    """A value's colour by its thresholds."""
    steps = [{"color": "green", "value": None}, *({"color": colour, "value": bound} for bound, colour in thresholds or [])]
    return {"thresholds": {"mode": "absolute", "steps": steps}, "color": {"mode": "thresholds"}, "min": 0}
