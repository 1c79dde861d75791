"""The whole loop as a user starts it: a running stack, and streams that are played through it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from edgeloop_cli import connection
from edgeloop_contracts import ModelAdapter, ObservationBatch, topics
from edgeloop_mixture.serialization import adapter_event
from edgeloop_replay.loop import ReplayLoop
from edgeloop_replay.policy import Policy
from edgeloop_replay.schedule import GROUP
from edgeloop_replay.tables.csv_file import read_table
from edgeloop_replay.tables.csv_options import CsvOptions
from edgeloop_replay.tables.regression import as_task
from edgeloop_replay.task import Task
from support.platform import EDGELOOP, platform

pytestmark = [pytest.mark.integration, pytest.mark.timeout(420)]
ROWS, FEATURES, TURN = 1_700, 6, 600


def call(*arguments: str | Path, code: int = 0, seconds: float = 300) -> str:
    done = subprocess.run([EDGELOOP, *map(str, arguments)], capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stdout + done.stderr


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Text labels, missing values, and one change of concept."""
    chance = np.random.default_rng(3)
    rows = chance.normal(size=(ROWS, FEATURES)).astype(np.float32)
    truth = rows[:, 0] + rows[:, 1] > 0
    truth[TURN:] = ~truth[TURN:]
    path = tmp_path_factory.mktemp("stream") / "turning.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join([*(f"sensor {i}" for i in range(FEATURES)), "state"]) + "\n")
        for row, yes in zip(rows, truth, strict=True):
            cells = ["" if chance.random() < 0.01 else f"{value:.4f}" for value in row]
            file.write(",".join([*cells, "bad" if yes else "good"]) + "\n")
    return path


@pytest.fixture(scope="module")
def turn(stream: Path) -> Path:
    """The rows of that stream until shortly after the change."""
    path = stream.with_name("turn.csv")
    path.write_text("".join(stream.read_text(encoding="utf-8").splitlines(keepends=True)[: TURN + 501]), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data directory of a stack that runs in the background, with a device."""
    with platform(tmp_path_factory.mktemp("stack"), "--devices", "1") as running:
        assert len(running.children) >= 10
        yield running.data


def play(home: Path, stream: Path, name: str, *more: str, label: str = "state") -> dict:
    report = home / f"{name}.json"
    call("run", "--stream", stream, "--label", label, "--name", name, "--devices", "2", "--data-dir", home, "--report", report, *more)
    return json.loads(report.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def first(home: Path, stream: Path) -> dict:
    return play(home, stream, "first")


def test_the_fleet_learns_the_new_world_and_nothing_is_lost_or_doubled(first: dict) -> None:
    assert first["rows"] == ROWS - ROWS // 10
    assert first["devices"] == 2
    assert first["events"]["lost"] == first["events"]["duplicated"] == first["events"]["dead"] == 0
    assert first["fits"] >= 1
    assert len(first["versions"]) >= 2
    assert any(TURN <= s["row"] <= TURN + 300 and s["detector"].startswith("ADWIN") for s in first["signals"])
    assert first["accuracy"] > first["accuracy_static"] + 0.1


@pytest.fixture(scope="module")
def offline(stream: Path) -> ReplayLoop:
    """The same rows without Kafka, in the same groups."""
    table = read_table(stream, CsvOptions(label="state"))
    loop = ReplayLoop(table, ROWS // 10, 0, 2, GROUP, 0, Policy())
    loop.run()
    return loop


def agree(run: dict, stream: Path, out: Path, policy: str, *more: str | Path) -> None:
    """Compare the report of a run with that of a backtest under a policy, durations aside."""
    call("backtest", "--stream", stream, "--label", "state", "--devices", "2", "--group", str(GROUP), "--report", out, *more)
    report = json.loads(out.read_text(encoding="utf-8"))["policies"][policy]
    told = run.keys() - {"seconds", "group", "columns"}
    assert {"rows", "accuracy", "accuracy_static", "fits", "signals", "versions", "events"} <= told
    assert {name: report[name] for name in told} == {name: run[name] for name in told}
    assert run["group"] == GROUP


def test_a_backtest_gives_the_signals_and_versions_of_the_run(first: dict, stream: Path, tmp_path: Path) -> None:
    agree(first, stream, tmp_path / "backtest.json", "default")


def test_a_policy_that_is_switched_on_gives_what_its_backtest_gave(first: dict, home: Path, turn: Path, tmp_path: Path) -> None:
    policy = tmp_path / "brisk.yaml"
    policy.write_text(
        "{detection: {detector: HDDM_A}, retraining: {stages: [100, 250], quiet: [], gate: 80}, training: {trees: 12}, gate: {minimum: 6},"
        " adapter: {publish_every: 120, publish_least: 100}}"
    )
    name = "zz-another.name_with-partitions-elsewhere"  # unknown to a backtest
    call("policy", "set", "--stream", name, policy, "--data-dir", home)
    governed = play(home, turn, name)
    assert governed["signals"] != first["signals"]
    assert governed["fits"] >= 2
    agree(governed, turn, tmp_path / "backtest.json", "brisk", "--policy", policy)


def test_a_version_of_a_world_that_comes_back_is_promoted_again_as_in_its_backtest(home: Path, tmp_path: Path) -> None:
    stream, rows = tmp_path / "returning.csv", 1_500
    values = np.random.default_rng(4).normal(size=(rows, 3)).astype(np.float32)
    truth = (values[:, 0] + values[:, 1] > 0) ^ (np.arange(rows) // 500 == 1)
    lines = [",".join([*(f"{value:.4f}" for value in row), "bad" if yes else "good"]) for row, yes in zip(values, truth, strict=True)]
    stream.write_text("\n".join(["a,b,c,state", *lines]) + "\n", encoding="utf-8")
    policy = tmp_path / "recalling.yaml"
    policy.write_text("{training: {archive: 8}, retraining: {stages: [150]}}")
    call("policy", "set", "--stream", "returning", policy, "--data-dir", home)
    returning = play(home, stream, "returning", "--warmup", "0.25")
    assert any(version.get("recalls") for version in returning["versions"])
    agree(returning, stream, tmp_path / "backtest.json", "recalling", "--policy", policy, "--warmup", "0.25")


def test_a_model_that_learns_from_every_row_is_that_of_its_backtest(home: Path, turn: Path, tmp_path: Path) -> None:
    policy = tmp_path / "online.yaml"
    policy.write_text(
        "{training: {family: online_logistic_regression, challengers: [hoeffding_adaptive_tree]}, retraining: {stages: [100, 250]}}"
    )
    call("policy", "set", "--stream", "online", policy, "--data-dir", home)
    online = play(home, turn, "online")
    assert len(online["versions"]) >= 2
    agree(online, turn, tmp_path / "backtest.json", "online", "--policy", policy)


def told(home: Path, name: str, offline: ReplayLoop) -> tuple[dict[int, tuple[str, int]], ModelAdapter]:
    """Answer and adapter of each row of a stream, and the stream's newest adapter."""
    answers, newest = {}, ModelAdapter(tenant="default", stream="")
    reader = connection.required(home).context("test").reader()
    for topic in (topics.OBSERVATIONS, topics.MODEL_ADAPTERS):
        for partition, (begin, end) in reader.spans(topic).items():
            for record in reader.read(topic, partition, begin, end):
                match record.event:
                    case ObservationBatch() as batch if batch.stream == name and batch.answers:
                        device = batch.device_id.replace(name, "backtest")
                        rows = (offline.ledger.rows[device, 1, batch.first_seq + i] for i in range(batch.count))
                        answers |= {row: (answer, batch.adapter) for row, answer in zip(rows, batch.answers, strict=True)}
                    case ModelAdapter() as adapter if adapter.stream == name:
                        newest = max(newest, adapter, key=lambda one: one.number)
    reader.close()
    return answers, newest


def test_a_backtest_gives_the_answers_and_adapters_of_the_run(first: dict, home: Path, offline: ReplayLoop) -> None:
    answers, newest = told(home, "first", offline)
    assert {row: answer for row, (answer, _) in answers.items()} == offline.ledger.answers
    assert len({adapter for _, adapter in answers.values()}) > 20
    frame, adapter, window = offline.adapter.newest()
    assert newest.digest == adapter_event("default", "first", frame, adapter, window).digest


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A number instead of a state, with one change of concept."""
    chance = np.random.default_rng(3)
    rows = chance.normal(size=(1_300, 4)).astype(np.float32)
    numbers = 20 + 5 * rows[:, 0] + 3 * rows[:, 1] + 0.3 * chance.normal(size=len(rows))
    numbers[600:] = 40 - numbers[600:]
    path = tmp_path_factory.mktemp("load") / "load.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("a,b,c,d,load\n")
        for row, number in zip(rows, numbers, strict=True):
            file.write(",".join([*(f"{value:.4f}" for value in row), f"{number:.3f}"]) + "\n")
    return path


def test_a_stream_of_numbers_goes_through_the_loop_as_through_its_backtest(home: Path, load: Path, tmp_path: Path) -> None:
    policy = tmp_path / "beside.yaml"
    policy.write_text("training: {challengers: [hoeffding_adaptive_tree]}")
    call("policy", "set", "--stream", "load", policy, "--data-dir", home)
    run = play(home, load, "load", "--task", "regression", label="load")
    assert run["events"]["lost"] == run["events"]["duplicated"] == run["events"]["dead"] == 0
    assert run["mae"] < 0.7 * run["mae_static"]
    loop = ReplayLoop(
        as_task(read_table(load, CsvOptions(label="load", numbers=True)), Task.REGRESSION, 130, None),
        130,
        0,
        2,
        GROUP,
        0,
        Policy.parse({"training": {"challengers": ["hoeffding_adaptive_tree"]}}),
    )
    loop.run()
    answers, newest = told(home, "load", loop)
    assert {row: answer for row, (answer, _) in answers.items()} == loop.ledger.answers
    assert len({adapter for _, adapter in answers.values()}) > 10
    frame, adapter, window = loop.adapter.newest()
    assert newest.digest == adapter_event("default", "load", frame, adapter, window).digest
    assert [v["digest"] for v in run["versions"]] == [v.event.file.digest for v in loop.trainer.versions.values()]
    assert len(run["versions"]) >= 2
    assert "hoeffding_adaptive_tree" in call("runs", "--stream", "load", "--json", "--data-dir", home)
    call("backtest", "--topic", "examples", "--name", "load", "--data-dir", home, "--report", tmp_path / "again.json")
    again = json.loads((tmp_path / "again.json").read_text(encoding="utf-8"))["policies"]["default"]
    assert again["tolerance"] == run["tolerance"]


def test_recorded_rows_can_be_played_again(first: dict, home: Path, tmp_path: Path) -> None:
    out = tmp_path / "again.json"
    call("backtest", "--topic", "examples", "--name", "first", "--data-dir", home, "--report", out)
    report = json.loads(out.read_text(encoding="utf-8"))["policies"]["default"]
    assert report["rows"] == first["rows"]
    assert report["accuracy"] > first["accuracy"] - 0.05
    assert "nobody" in call("backtest", "--topic", "examples", "--name", "nobody", "--data-dir", home, code=2)


def test_why_walks_from_a_device_back_to_the_signal(first: dict, home: Path) -> None:
    told = json.loads(call("why", "first-d0", "--json", "--data-dir", home))
    text = json.dumps(told)
    for step in ("DeviceReport", "Assignment", "ModelVersion", "ModelCandidate", "TrainingRequest", "DriftSignal"):
        assert step in text


def test_tail_prints_decoded_events(first: dict, home: Path) -> None:
    lines = call("tail", "model.events", "--from-beginning", "--count", "1", "--json", "--data-dir", home).splitlines()
    assert "digest" in lines[0]


@pytest.mark.parametrize(
    ("content", "label", "said"),
    [
        ("a,b\n1,2\n", "y", "y"),
        ("a,y\n1,x\nfoo,y\n", "y", "a"),
        ("", "y", "empty"),
        ("a,y\n1,x\n1,2,3\n", "y", "3"),
    ],
)
def test_a_bad_stream_is_told_in_one_line_with_exit_code_2(tmp_path: Path, content: str, label: str, said: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(content, encoding="utf-8")
    told = call("run", "--stream", path, "--label", label, "--data-dir", tmp_path / "home", code=2, seconds=60)
    assert said in told
    assert "bad.csv" in told
    assert len(told.strip().splitlines()) <= 2
    assert not (tmp_path / "home" / "stack.json").exists()


def test_an_unknown_device_or_topic_is_told_in_one_line(home: Path) -> None:
    assert "nobody" in call("why", "nobody", "--data-dir", home, code=2)
    assert "no.topic" in call("tail", "no.topic", "--data-dir", home, code=2)


def test_stock_clients_take_part(home: Path, first: dict) -> None:
    root = Path(__file__).resolve().parents[2]
    stack = json.loads((home / "stack.json").read_text(encoding="utf-8"))
    done = subprocess.run(
        [
            sys.executable,
            root / "examples/produce.py",
            "--bootstrap",
            stack["bootstrap"],
            "--registry",
            stack["registry_url"],
            "--rows",
            "60",
        ],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
        env=os.environ,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "60 of 60" in done.stdout
    run = json.loads(call("train", "boiler", "--rows", "60", "--json", "--data-dir", home))
    assert (run["status"], run["rows"], run["lineage"]["version"]["version"]) == ("PROMOTED", 60, 1)
    assert run["lineage"]["cause"]["at"].startswith("retraining.commands/")
