"""MLflow in memory and the real one on a file, and one stream's runs to mirror."""

from __future__ import annotations

import hashlib
import itertools
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from edgeloop_contracts import (
    Manifest,
    ModelChunk,
    ModelFile,
    ModelVersion,
    Range,
    RunStatus,
    SignedStatement,
    TrainingRequest,
    TrainingRun,
    topics,
)
from edgeloop_datasets import StreamDefinitions
from edgeloop_kafka import Received
from edgeloop_mirror.core.notes import DatasetNote
from edgeloop_mirror.handlers import Mirror
from edgeloop_mirror.io.signatures import Signatures
from edgeloop_mirror.io.sources import Sources
from edgeloop_mirror.io.tracking import Found, TrackingUnavailableError
from edgeloop_mirror.metrics import Metrics
from edgeloop_readers import RangeGoneError
from edgeloop_signing.statements import VersionStatement
from edgeloop_streaming import BackpressureError
from onnx import TensorProto, helper
from prometheus_client import CollectorRegistry


def passing_on() -> bytes:
    """A model that answers with its input."""
    given, answer = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 2]) for name in ("input", "answer"))
    graph = helper.make_graph([helper.make_node("Identity", ["input"], ["answer"])], "passing on", [given], [answer])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


ONNX = passing_on()
KEY = Ed25519PrivateKey.generate()
DIGEST = hashlib.sha256(ONNX).hexdigest()


class Died(Exception):
    """The process ended here."""


class MemoryTracking:
    """Keeps what it is told; ends or is away at one of its calls if it is told to."""

    def __init__(self) -> None:
        self.runs: dict[str, dict[str, Any]] = {}
        self.registered: dict[str, dict[int, Any]] = {}
        self.champions: dict[str, int] = {}
        self.calls = 0
        self.fail_at: dict[int, Exception] = {}

    def _called(self) -> None:
        self.calls += 1
        if error := self.fail_at.pop(self.calls, None):
            raise error

    def find(self, experiment: str, key: str) -> list[Found]:
        self._called()
        return [
            Found(run_id, dict(run["tags"]))
            for run_id, run in self.runs.items()
            if (run["experiment"], run["tags"]["edgeloop.key"]) == (experiment, key)
        ]

    def create(self, experiment: str, name: str, tags: Mapping[str, str], began_ms: int, parent: str) -> str:
        run_id = f"run{len(self.runs)}"
        self.runs[run_id] = {"experiment": experiment, "name": name, "tags": dict(tags), "began": began_ms, "parent": parent}
        self.runs[run_id] |= {"status": "RUNNING", "parameters": {}, "metrics": {}, "datasets": set(), "models": set()}
        self._called()  # the run may be there although nobody has heard of it
        return run_id

    def write(self, run_id: str, note: Any, at_ms: int) -> None:
        run = self.runs[run_id]
        run["parameters"] |= note.parameters
        run["metrics"] |= {(name, note.step, at_ms): value for name, value in note.metrics.items()}
        self._called()
        run["tags"] |= note.tags

    def dataset(self, run_id: str, note: Any) -> None:
        self.runs[run_id]["datasets"].add(note)
        self._called()

    def model(self, run_id: str, note: Any, step: int) -> None:
        self._called()
        self.runs[run_id]["models"].add((note.onnx, note.name, step))

    def register(self, run_id: str, note: Any) -> None:
        self.registered.setdefault(note.name, {}).setdefault(note.number, (run_id, note))
        self._called()
        if note.champion:
            self.champions[note.name] = max(note.number, self.champions.get(note.name, 0))

    def end(self, run_id: str, status: str, at_ms: int) -> None:
        self.runs[run_id] |= {"status": status, "ended": at_ms}
        self._called()


class RealTracking:
    """MLflow itself, without a server: what it keeps, told as :class:`MemoryTracking` tells it.

    Parameters
    ----------
    file
        SQLite's; made if it is not there.
    """

    def __init__(self, file: Path) -> None:
        from edgeloop_mirror.io.mlflow_environment import set_defaults

        set_defaults()
        from edgeloop_mirror.io.mlflow_tracking import MlflowTracking

        self._tracking = MlflowTracking(f"sqlite:///{file}")
        self._client = self._tracking._client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tracking, name)

    @property
    def runs(self) -> dict[str, dict[str, Any]]:
        """All runs, oldest first."""
        experiments = {one.experiment_id: one.name for one in self._client.search_experiments()}
        found = self._client.search_runs(list(experiments), order_by=["attributes.start_time ASC"])
        return {run.info.run_id: self._run(run, experiments[run.info.experiment_id]) for run in found}

    @property
    def registered(self) -> dict[str, dict[int, Any]]:
        """Run and note of each version."""
        found: dict[str, dict[int, Any]] = {}
        for one in sorted(self._client.search_model_versions(), key=lambda one: int(one.version)):
            found.setdefault(one.name, {})[int(one.tags["edgeloop.version"])] = (one.run_id, SimpleNamespace(tags=dict(one.tags)))
        return found

    @property
    def champions(self) -> dict[str, int]:
        """Numbers of the versions that are champions."""
        names = [model.name for model in self._client.search_registered_models()]
        return {name: int(self._client.get_model_version_by_alias(name, "champion").tags["edgeloop.version"]) for name in names}

    def _run(self, run: Any, experiment: str) -> dict[str, Any]:
        run_id, tags = run.info.run_id, dict(run.data.tags)
        history = [metric for name in run.data.metrics for metric in self._client.get_metric_history(run_id, name)]
        return {
            "experiment": experiment,
            "name": run.info.run_name,
            "tags": tags,
            "began": run.info.start_time,
            "ended": run.info.end_time,
            "parent": tags.get("mlflow.parentRunId", ""),
            "status": run.info.status,
            "parameters": dict(run.data.params),
            "metrics": {(metric.key, metric.step, metric.timestamp): metric.value for metric in history},
            "datasets": {self._dataset(one.dataset) for one in run.inputs.dataset_inputs},
            "models": {self._model(one) for one in run.outputs.model_outputs} if run.outputs else set(),
        }

    def _dataset(self, kept: Any) -> DatasetNote:
        return DatasetNote(name=kept.name, digest=kept.digest, source=kept.source, schema=kept.schema or "", profile=kept.profile)

    def _model(self, output: Any) -> tuple[bytes, str, int]:
        import mlflow.onnx

        loaded = mlflow.onnx.load_model(f"models:/{output.model_id}")
        return loaded.SerializeToString(), self._client.get_logged_model(output.model_id).name, output.step


class Kept:
    """Records by place; stands in for range reader and table."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, int], list[Any]] = {}

    def read(self, topic: Any, partition: int, first: int, end: int, timeout: float = 1.0) -> list[Received[Any]]:
        if (topic.name, partition) not in self.records:
            raise RangeGoneError(f"{topic.name}/{partition}")
        events = self.records[topic.name, partition]
        return [received(event, topic, partition, offset) for offset, event in enumerate(events) if first <= offset < end]

    def end(self, topic: Any, partition: int) -> int:
        return len(self.records.get((topic.name, partition), []))

    def refresh(self) -> None:
        pass

    def get(self, key: str) -> None:
        return None


class Log:
    """Takes what is told and forgets it."""

    def warning(self, *_: Any, **__: Any) -> None:
        pass

    error = warning


def received(event: Any, topic: Any = topics.TRAINING_RUNS, partition: int = 0, offset: int = 0) -> Received[Any]:
    headers = {"ce_causationat": b"training.requests/1/0"}
    return Received(event, topic.name, partition, offset, 1_000_000 + 1_000 * offset, "default/boiler", f"id{offset}", "", headers)


def version(number: int = 1, **fields: Any) -> ModelVersion:
    """A version of the run's challenger, signed."""
    file = ModelFile(digest=DIGEST, size=len(ONNX), chunks=1, partition=3)
    made = {"tenant": "default", "stream": "boiler", "version": number, "request_id": "campaign/1", "file": file, "rows": 70, **fields}
    statement = VersionStatement(
        tenant="default",
        stream=made["stream"],
        version=number,
        digest=made["file"].digest,
        size=made["file"].size,
        classes=("no", "yes"),
        definition_version=1,
        features=("heat",),
    ).encode()
    rest = {"classes": ("no", "yes"), "parameters": {"family": "mlp"}, "dataset_digest": "d" * 64}
    return ModelVersion(**rest, **made, signed=SignedStatement(statement=statement, signature=KEY.sign(statement), key_id="k" * 16))


class Scene:
    """A mirror, what it reads and what it writes to."""

    def __init__(self, tracking: Any = None) -> None:
        self.tracking = tracking or MemoryTracking()
        self.onnx = ONNX
        self.kept = Kept()
        manifest = Manifest(cluster_id="here", topic="examples", ranges=(Range(partition=2, end_offset=9),), rows=70)
        self.kept.records = {
            ("training.requests", 1): [TrainingRequest(tenant="default", stream="boiler", request_id="campaign/1", manifest=manifest)],
            ("model.chunks", 3): [ModelChunk(index=0, digest=DIGEST, total=1, size=len(ONNX), data=ONNX)],
        }
        run = {
            "tenant": "default",
            "stream": "boiler",
            "request_id": "campaign/1",
            "campaign": "campaign",
            "stage": 1,
            "rows": 70,
            "dataset_digest": "d" * 64,
        }
        file = ModelFile(digest=DIGEST, size=len(ONNX), chunks=1, partition=3)
        fitted = {**run, "file": file, "classes": ("no", "yes"), "parameters": {"family": "mlp"}}
        gate = {"gate_accuracy": 0.9, "gate_champion_accuracy": 0.8}
        self.events = [
            TrainingRun(**run, status=RunStatus.TRIAL, trial=1, metrics={"accuracy": 0.7}, parameters={"alpha": "1.0"}),
            TrainingRun(**run, status=RunStatus.TRIAL, trial=2, metrics={"accuracy": 0.8}, parameters={"alpha": "0.1"}),
            TrainingRun(**fitted, status=RunStatus.FITTED, row=100, metrics={"parity_agreement": 1.0}, fit_seconds=2.0),
            TrainingRun(**fitted, status=RunStatus.PROMOTED, row=140, metrics={"parity_agreement": 1.0, **gate}, wins=9, judged=40),
            version(),
        ]
        self.clock = 0.0
        self.trusted = [KEY.public_key()]
        self.mirror = self.made()

    def made(self) -> Mirror:
        sources = Sources(self.kept, StreamDefinitions(self.kept))
        return Mirror(
            self.tracking, sources, Signatures(self.trusted), Metrics(CollectorRegistry()), Log(), "edgeloop", 5.0, lambda: self.clock
        )

    def play(self) -> None:
        """Mirror all events; after a death a new process begins with the event that was not committed, while away the same one waits."""
        offset = 0
        while offset < len(self.events):
            try:
                self.mirror.handle(received(self.events[offset], offset=offset))
            except Died:
                self.mirror = self.made()
            except BackpressureError as pressure:
                assert not pressure.ready()
                self.clock += 5.0
                assert pressure.ready()
                assert self.clock < 100, pressure.__context__
            else:
                offset += 1

    def away(self, call: int) -> None:
        self.tracking.fail_at[call] = TrackingUnavailableError("no answer")

    def death(self, call: int) -> None:
        self.tracking.fail_at[call] = Died()


@pytest.fixture
def make_version() -> Any:
    return version


@pytest.fixture
def make_scene() -> type[Scene]:
    return Scene


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an MLflow in which nothing is; to make its tables takes a while."""
    file = tmp_path_factory.mktemp("mlflow") / "empty.db"
    RealTracking(file).find("nobody", "nothing")
    return file


@pytest.fixture(params=["memory", "mlflow"])
def make_either(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes scenes, each with an MLflow of its own: in memory, or the real one."""
    if request.param == "memory":
        return Scene
    monkeypatch.chdir(tmp_path)  # where files of models go
    files = (tmp_path / f"{number}.db" for number in itertools.count())
    return lambda: Scene(RealTracking(Path(shutil.copy(request.getfixturevalue("empty"), next(files)))))


@pytest.fixture
def either(make_either: Any) -> Scene:
    return make_either()
