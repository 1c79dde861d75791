"""Grafana's dashboards, generated from the tables in ``tables/``.

``python deploy/grafana/generate.py`` writes them; ``--check`` exits with 1 if they are not up to date.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent))
from panels import SOURCE, Panel, bargauge, heatmap, stat, state_timeline, table, timeseries

FOLDER = Path(__file__).resolve().parent
WIDTH = 24
KINDS = {
    "stat": stat,
    "timeseries": timeseries,
    "bargauge": bargauge,
    "heatmap": heatmap,
    "state-timeline": state_timeline,
    "table": table,
}


def laid_out(rows: list[dict[str, Any]]) -> list[Panel]:
    """Panels in rows of a height, each panel with its width, from the top down."""
    placed: list[Panel] = []
    y = 0
    for row in rows:
        x = 0
        for entry in row["panels"]:
            made, width = panel(entry), entry["width"]
            placed.append({**made, "id": len(placed) + 1, "gridPos": {"x": x, "y": y, "w": width, "h": row["height"]}})
            x += width
        if x != WIDTH:
            raise SystemExit(f"generate: the row of {row['panels'][0]}: expected widths of {WIDTH} in all, given {x}")
        y += row["height"]
    return placed


def panel(entry: dict[str, Any]) -> Panel:
    """A panel from its entry, whose first key is the panel's type and names its title."""
    kind, title = next(iter(entry.items()))
    if kind not in KINDS:
        raise SystemExit(f"generate: {entry}: expected one of {', '.join(KINDS)} as the first key, given {kind}")
    return KINDS[kind](title, **{key: value for key, value in entry.items() if key not in (kind, "width")})


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


def dashboard(name: str, content: dict[str, Any]) -> dict[str, Any]:
    """A whole dashboard."""
    return {
        "uid": f"edgeloop-{name}",
        "title": f"edgeloop: {content['title']}",
        "description": content["description"],
        "tags": ["edgeloop"],
        "schemaVersion": 38,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "5s",
        "time": {"from": "now-15m", "to": "now"},
        "timezone": "browser",
        "templating": {"list": [variable(*each) for each in content["variables"].items()]},
        "annotations": {"list": []},
        "links": [{"type": "dashboards", "tags": ["edgeloop"], "asDropdown": False, "title": "", "keepTime": True, "includeVars": False}],
        "panels": laid_out(content["rows"]),
    }


def main() -> int:
    """Entry point; returns the exit code."""
    stale = 0
    for source in sorted((FOLDER / "tables").glob("*.yaml")):
        made = dashboard(source.stem, yaml.safe_load(source.read_text(encoding="utf-8")))
        path = FOLDER / f"dashboards/{source.stem}.json"
        text = json.dumps(made, indent=2, ensure_ascii=False) + "\n"
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            print(f"{path.name} does not match {source.name}: run python deploy/grafana/generate.py")
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main())
