"""A user's own CSV through the whole platform, with a time, an identifier, texts, missing values, and rows without a label."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from edgeloop_cli import connection
from edgeloop_contracts import ModelAdapter, ObservationBatch, StreamDefinition, topics
from edgeloop_mixture.serialization import adapter_event
from edgeloop_replay.loop import ReplayLoop
from edgeloop_replay.policy import Policy
from edgeloop_replay.schedule import GROUP
from edgeloop_replay.tables.csv_file import read_table
from edgeloop_replay.tables.csv_options import CsvOptions
from support.platform import EDGELOOP, platform

pytestmark = [pytest.mark.doors, pytest.mark.timeout(420)]
ROWS, TURN = 1_000, 450
SITES = ("north", "south", "east", "harbour", "mill")
OPTIONS = ("--label", "state", "--time", "at", "--drop", "reading")
POLICY = {"training": {"challengers": ["hoeffding_adaptive_tree"], "trees": 12}, "retraining": {"stages": [100, 200], "gate": 80}}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data directory of a stack that runs in the background, with a device."""
    with platform(tmp_path_factory.mktemp("stack"), "--devices", "1") as running:
        yield running.data


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Readings of machines; the faulty sites change in mid-stream."""
    chance = np.random.default_rng(5)
    path = tmp_path_factory.mktemp("stream") / "machines.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("at,reading,site,heat,load,state\n")
        for row in range(ROWS):
            site, heat = SITES[chance.integers(len(SITES))], chance.normal(20, 5)
            bad = ((site in ("south", "mill")) != (row >= TURN)) != (heat > 27)
            load = "NA" if row % 50 == 7 else f"{chance.normal():.3f}"
            label = "" if row % 9 == 4 else "bad" if bad else "good"
            shown = "" if row % 31 == 3 else site
            file.write(f"2024-03-01T{row // 60:02}:{row % 60:02}:00Z,r-{row:05},{shown},{heat:.2f},{load},{label}\n")
    return path


def call(*arguments: str | Path) -> str:
    done = subprocess.run([EDGELOOP, *map(str, arguments)], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def policy(home: Path) -> Path:
    path = home / "own.yaml"
    path.write_text(json.dumps(POLICY), encoding="utf-8")
    call("policy", "set", "--stream", "machines", path, "--data-dir", home)
    return path


@pytest.fixture(scope="module")
def run(home: Path, stream: Path, policy: Path) -> dict:
    report = home / "run.json"
    call("run", "--stream", stream, *OPTIONS, "--name", "machines", "--devices", "2", "--data-dir", home, "--report", report)
    return json.loads(report.read_text(encoding="utf-8"))


def test_everything_arrives_and_the_fleet_learns_from_texts(run: dict) -> None:
    assert run["events"]["lost"] == run["events"]["duplicated"] == run["events"]["dead"] == 0
    assert run["rows"] == ROWS - ROWS // 10
    assert run["unlabelled"] == sum(row % 9 == 4 for row in range(ROWS // 10, ROWS))
    assert {column["name"]: column["taken_as"] for column in run["columns"]}["site"] == "category"
    assert len(run["versions"]) >= 2
    assert run["accuracy"] > run["accuracy_static"] + 0.15


def test_its_backtest_gives_the_same_report(run: dict, stream: Path, policy: Path, tmp_path: Path) -> None:
    out = tmp_path / "backtest.json"
    call("backtest", "--stream", stream, *OPTIONS, "--devices", "2", "--group", str(GROUP), "--policy", policy, "--report", out)
    backtest = json.loads(out.read_text(encoding="utf-8"))
    told = run.keys() - {"seconds", "group", "columns"}
    assert {name: backtest["policies"]["own"][name] for name in told} == {name: run[name] for name in told}
    assert backtest["columns"] == run["columns"]


def test_its_recorded_rows_are_backtested_as_categories_too(run: dict, home: Path) -> None:
    told = json.loads(call("backtest", "--topic", "examples", "--name", "machines", "--data-dir", home, "--json"))
    recorded = told["policies"]["default"]
    assert recorded["labels"] == run["rows"] + ROWS // 10 - sum(row % 9 == 4 for row in range(ROWS))
    assert recorded["accuracy"] > recorded["accuracy_static"] + 0.15
    assert "columns" not in told


def test_answers_adapters_and_event_times_are_those_of_the_backtest(run: dict, home: Path, stream: Path) -> None:
    table = read_table(stream, CsvOptions(label="state", time="at", drop=("reading",)))
    offline = ReplayLoop(table, ROWS // 10, 0, 2, GROUP, 0, Policy.parse(POLICY))
    offline.run()
    assert table.times is not None
    answers, times, newest, definitions = {}, {}, ModelAdapter(tenant="default", stream=""), []
    reader = connection.required(home).context("test").reader()
    for topic in (topics.OBSERVATIONS, topics.MODEL_ADAPTERS, topics.STREAMS):
        for partition, (begin, end) in reader.spans(topic).items():
            for record in reader.read(topic, partition, begin, end):
                match record.event:
                    case ObservationBatch() as batch if batch.stream == "machines":
                        device = batch.device_id.replace("machines", "backtest")
                        rows = [offline.ledger.rows[device, 1, batch.first_seq + i] for i in range(batch.count)]
                        times |= dict(zip(rows, batch.event_times, strict=True))
                        answers |= {row: answer for row, answer in zip(rows, batch.answers, strict=False) if answer}
                    case ModelAdapter() as adapter if adapter.stream == "machines":
                        newest = max(newest, adapter, key=lambda one: one.number)
                    case StreamDefinition() as definition if definition.stream == "machines":
                        definitions.append(definition)
    reader.close()
    assert answers == offline.ledger.answers
    assert times == dict(enumerate(table.times.tolist()))
    frame, adapter, window = offline.adapter.newest()
    assert newest.digest == adapter_event("default", "machines", frame, adapter, window).digest
    assert frame.scaling.features.max() >= frame.scaling.width  # categories are used
    assert sorted(definitions[-1].features[0].categories) == sorted(SITES)
