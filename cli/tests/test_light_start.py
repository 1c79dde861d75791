"""Help, completion and most commands start without the libraries of training, and help without those of Kafka."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping

import pytest
from edgeloop_cli.commands import COMMANDS, load

# The libraries that train and run models.
OF_MODELS = ("sklearn", "skl2onnx", "river", "onnx", "onnxruntime", "optuna", "scipy", "pandas", "matplotlib")
# What help and completion of names need not wait for; pydantic is imported by typer itself.
HEAVY = (*OF_MODELS, "numpy", "httpx", "confluent_kafka", "fastavro", "grpc", "rich", "yaml")
ELSEWHERE = ("--bootstrap", "127.0.0.1:9", "--schema-registry", "http://127.0.0.1:9")

STARTED = """
import importlib.abc, json, sys
blocked, words = json.loads(sys.argv.pop(1)), json.loads(sys.argv.pop(1))

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in blocked:
            raise ModuleNotFoundError(f"{name} is not installed here", name=name)

sys.meta_path.insert(0, Missing())
from edgeloop_cli.main import main
sys.argv = ["edgeloop", *words]
try:
    main()
finally:
    print("IMPORTED", json.dumps(sorted({name.partition(".")[0] for name in sys.modules} | {n for n in sys.modules if n.startswith("edgeloop")})))
"""


def started(*words: str, blocked: tuple[str, ...] = (), environment: Mapping[str, str] | None = None) -> tuple[int, str, set[str]]:
    """Exit code, output, and imported modules of a command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", STARTED, json.dumps(blocked), json.dumps(words)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **(environment or {})},
    )
    told, _, imported = done.stdout.partition("IMPORTED ")
    assert imported, done.stderr
    return done.returncode, told + done.stderr, set(json.loads(imported))


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_of_a_command_is_the_first_sentence_of_its_help(name: str) -> None:
    assert load(name).get_short_help_str(1_000) == COMMANDS[name].summary


def test_help_imports_no_command_and_no_library_of_ours() -> None:
    code, told, imported = started("--help")
    assert code == 0
    assert "backtest" in told
    assert not imported & set(HEAVY)
    assert {name for name in imported if name.startswith("edgeloop")} == {
        "edgeloop_cli",
        "edgeloop_cli.commands",
        "edgeloop_cli.main",
        "edgeloop_cli.errors",
        "edgeloop_errors",
    }


def test_completion_of_a_name_imports_no_command() -> None:
    typed = {"_EDGELOOP_COMPLETE": "complete_bash", "COMP_WORDS": "edgeloop ta", "COMP_CWORD": "1"}
    code, told, imported = started(environment=typed)
    assert (code, told.split()) == (0, ["tail"])
    assert not imported & {*HEAVY, "edgeloop_cli.tail"}


def test_completion_of_a_topic_needs_the_declarations_alone() -> None:
    typed = {"_EDGELOOP_COMPLETE": "complete_bash", "COMP_WORDS": "edgeloop tail drift.", "COMP_CWORD": "2"}
    code, told, imported = started(environment=typed)
    assert code == 0
    assert "drift.signals" in told.split()
    assert not imported & {*HEAVY, "edgeloop_kafka"}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_needs_no_library_of_models(name: str) -> None:
    code, told, _ = started(name, "--help", blocked=OF_MODELS)
    assert code == 0, told


@pytest.mark.parametrize(
    "words",
    [
        ("tail", "drift.signals", *ELSEWHERE),
        ("deadletters", *ELSEWHERE),
        ("skip", *ELSEWHERE),
        ("runs", *ELSEWHERE),
        ("models", *ELSEWHERE),
        ("devices", *ELSEWHERE),
        ("why", "device-0", *ELSEWHERE),
        ("train", "pumps", *ELSEWHERE),
    ],
    ids=lambda words: words[0],
)
def test_a_command_that_asks_kafka_needs_no_library_of_models(words: tuple[str, ...]) -> None:
    code, told, imported = started(*words, blocked=OF_MODELS)
    assert (code, told.count("\n"), "Kafka" in told) == (1, 1, True), told
    assert "edgeloop_trainer.io" not in imported


def test_status_and_down_need_no_library_of_models(tmp_path) -> None:
    code, told, imported = started("status", "--data-dir", str(tmp_path), blocked=OF_MODELS)
    assert (code, "nothing runs" in told) == (1, True), told
    assert "edgeloop_trainer.io" not in imported
