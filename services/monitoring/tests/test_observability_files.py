"""Files of Prometheus and Grafana against the metrics in the code; promtool and amtool judge them where installed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"
RULES = sorted((DEPLOY / "prometheus/rules").glob("*.yml"))
DASHBOARDS = sorted((DEPLOY / "grafana/dashboards").glob("*.json"))
PANELS = {"timeseries", "stat", "table", "heatmap", "bargauge", "state-timeline"}
NAME = re.compile(r"\bedgeloop_[a-z0-9_]+")
RECORDED = re.compile(r"\bedgeloop:[a-z0-9_]+:[a-z0-9_]+")


def said_by_the_code() -> set[str]:
    """Names of metrics as they stand in the sources, their prefixes filled in."""
    names: set[str] = set()
    for path in [*ROOT.glob("services/*/src/**/metrics.py"), *ROOT.glob("libs/streaming/src/**/telemetry.py")]:
        text = path.read_text(encoding="utf-8")
        prefix = match.group(1) if (match := re.search(r'^PREFIX = "(\w+)"', text, re.MULTILINE)) else ""
        names |= set(NAME.findall(text.replace("{PREFIX}", prefix)))
        names |= {f"{prefix}_{name}" for name in re.findall(r'_gauge\(\s*"(\w+)"', text)}
    return names


def stem(name: str) -> str:
    """A metric's name without what the client appends to counters and histograms."""
    return re.sub(r"_(total|bucket|sum|count)$", "", name)


def recorded() -> set[str]:
    return {name for path in RULES for name in re.findall(r"record: (\S+)", path.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("path", [*RULES, *DASHBOARDS], ids=lambda p: p.name)
def test_every_metric_that_is_asked_for_is_told_by_somebody(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    told = said_by_the_code()
    unknown = {name for name in NAME.findall(text) if name not in told and stem(name) not in told}
    assert unknown == set()
    assert set(RECORDED.findall(text)) <= recorded()


def test_every_metric_of_monitoring_stands_in_its_readme() -> None:
    text = (ROOT / "services/monitoring/README.md").read_text(encoding="utf-8")
    own = {name for name in said_by_the_code() if name.startswith("edgeloop_monitoring_")}
    assert own
    assert {name for name in own if name not in text} == set()


def test_every_metric_stands_in_the_page_about_metrics_or_in_the_readme_of_its_service() -> None:
    pages = [ROOT / "docs/metrics.md", *ROOT.glob("services/*/README.md")]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    others = {
        name
        for name in said_by_the_code()
        if not name.startswith(("edgeloop_monitoring", "edgeloop_contracts", "edgeloop_admission")) and name != "edgeloop_inference"
    }
    assert {name for name in others if name not in text} == set()


def test_dashboards_are_what_their_generator_makes() -> None:
    done = subprocess.run([sys.executable, str(DEPLOY / "grafana/generate.py"), "--check"], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda p: p.name)
def test_a_dashboard_has_only_panels_that_explain_themselves(path: Path) -> None:
    made = json.loads(path.read_text(encoding="utf-8"))
    assert made["uid"].startswith("edgeloop-")
    assert {panel["type"] for panel in made["panels"]} <= PANELS
    assert all(panel["title"] and panel["description"] and panel["targets"] for panel in made["panels"])


def run(*command: str) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed: apt install prometheus prometheus-alertmanager")
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_do_what_their_own_tests_say() -> None:
    run("promtool", "test", "rules", str(DEPLOY / "prometheus/tests/rules_test.yml"))


@pytest.mark.parametrize("name", ["prometheus.yml", "embedded.yml"])
def test_prometheus_takes_its_configuration(name: str) -> None:
    run("promtool", "check", "config", str(DEPLOY / "prometheus" / name))


def test_alertmanager_takes_its_configuration() -> None:
    run("amtool", "check-config", str(DEPLOY / "alertmanager/alertmanager.yml"))
