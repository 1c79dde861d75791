"""The mirror against a real MLflow server, which our dependencies lack: they have its client.

``EDGELOOP_TEST_MLFLOW_PYTHON`` names a Python with ``mlflow``. Without it, MLflow's own store is tried: ``services/mirror/tests``.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from edgeloop_contracts import (
    Cause,
    Feature,
    Manifest,
    ModelChunk,
    ModelFile,
    ModelVersion,
    Range,
    RunStatus,
    StreamDefinition,
    TrainingRequest,
    TrainingRun,
    topics,
)
from edgeloop_local.ports import free_port
from edgeloop_signing.keys import Role, generate_keys, load_signer
from edgeloop_signing.statements import VersionStatement
from edgeloop_streaming import Context
from edgeloop_trainer.core.families import Family
from edgeloop_trainer.core.fit_job import FitJob
from edgeloop_trainer.core.fit_result import Fitted
from edgeloop_trainer.core.recipe import Recipe
from edgeloop_trainer.io.fit import fit
from support.processes import environment, eventually

PYTHON = os.environ.get("EDGELOOP_TEST_MLFLOW_PYTHON", "")
pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not PYTHON, reason="EDGELOOP_TEST_MLFLOW_PYTHON names no Python with MLflow"),
]
KEY = "default/boiler"
NAME = "edgeloop.default.boiler"
# As a user of MLflow does: load the model of a run and ask it.
USES = """
import json, sys, warnings
warnings.simplefilter("ignore")
import mlflow, numpy as np
mlflow.set_tracking_uri(sys.argv[1])
(model,) = mlflow.search_logged_models(experiment_ids=[sys.argv[2]], output_format="list")
loaded = mlflow.pyfunc.load_model(f"models:/{sys.argv[4]}@champion")
answers = loaded.predict(np.load(sys.argv[3]))
signature = loaded.metadata.signature
print(json.dumps({
    "name": model.name, "tags": model.tags, "metrics": [metric.key for metric in model.metrics], "parameters": model.params,
    "inputs": [(spec.name, str(spec.type), spec.shape) for spec in signature.inputs.inputs],
    "outputs": [(spec.name, str(spec.type), spec.shape) for spec in signature.outputs.inputs],
    "labels": answers["label"].tolist(),
}))
"""


class Server:
    """An MLflow server on the loopback interface that can be stopped and restarted."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    @contextmanager
    def running(self) -> Iterator[None]:
        store = [
            "--backend-store-uri",
            f"sqlite:///{self.directory}/mlflow.db",
            "--artifacts-destination",
            str(self.directory / "artifacts"),
        ]
        command = [PYTHON, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port), "--workers", "1", *store]
        with (self.directory / "server.log").open("ab") as log:
            process = subprocess.Popen(
                command, stdout=log, stderr=log, env=os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"}, start_new_session=True
            )
        try:
            eventually(self._answers, 120)
            yield
        finally:
            os.killpg(process.pid, 15)
            process.wait(30)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=60).is_success
        except httpx.HTTPError:
            return False

    def ask(self, path: str, **given: Any) -> Any:
        return httpx.post(f"{self.url}/api/2.0/mlflow/{path}", json=given, timeout=60).json()

    def experiment(self) -> str:
        found = self.ask("experiments/search", max_results=10).get("experiments", [])
        return next((each["experiment_id"] for each in found if each["name"] == f"edgeloop/{KEY}"), "")

    def runs(self) -> list[dict[str, Any]]:
        return self.ask("runs/search", experiment_ids=[self.experiment()]).get("runs", []) if self.experiment() else []

    def registered(self) -> list[dict[str, Any]]:
        answer = httpx.get(f"{self.url}/api/2.0/mlflow/registered-models/search", timeout=60).json()
        return answer.get("registered_models", [])

    def versions(self) -> list[dict[str, Any]]:
        answer = httpx.get(f"{self.url}/api/2.0/mlflow/model-versions/search", timeout=60).json()
        return sorted(answer.get("model_versions", []), key=lambda version: int(version["version"]))

    def settled(self) -> str:
        """All tags and notes of runs and versions, as text."""
        runs = sorted(self.runs(), key=lambda run: run["info"]["run_id"])
        return json.dumps([runs, self.registered(), self.versions()], sort_keys=True)


def tags(run: dict[str, Any]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in run["data"].get("tags", [])}


class Platform:
    """Events of trainer and model registry about one request."""

    def __init__(self, cluster: Any, keys: Path) -> None:
        self.keys = generate_keys(keys, Role.REGISTRY)
        self.signer = load_signer(self.keys.private, "KEY")
        self.settings = cluster.settings()
        self.context = Context(self.settings, "test")
        self.publisher = self.context.publisher()
        rng = np.random.default_rng(0)
        self.rows = rng.normal(size=(300, 3)).astype(np.float32)
        labels = (self.rows[:, 0] > 0).astype(np.int64)
        recipe = Recipe(Family.MLP, search_seconds=60, search_trials=3)
        result = fit(FitJob("d" * 64, self.rows, labels, ("cold", "hot"), None, recipe, np.arange(300) >= 240))
        assert isinstance(result, Fitted), result
        self.fitted = result

    def put(self, topic: Any, event: Any, key: str = KEY, cause: Cause | None = None) -> None:
        self.publisher.publish(topic, key, event, partition=0, cause=cause)
        assert self.publisher.flush() == 0

    def play(self) -> None:
        self.put(
            topics.STREAMS,
            StreamDefinition(tenant="default", stream="boiler", version=2, features=tuple(Feature(name=f"t{n}") for n in range(3))),
        )
        manifest = Manifest(cluster_id="here", topic="examples", ranges=(Range(partition=1, end_offset=7, end_index=300),), rows=300)
        self.put(
            topics.TRAINING_REQUESTS,
            TrainingRequest(tenant="default", stream="boiler", request_id="campaign/0", campaign="campaign", manifest=manifest),
        )
        cause = Cause(id="x", at="training.requests/0/0")
        onnx = self.fitted.onnx
        self.put(
            topics.MODEL_CHUNKS,
            ModelChunk(index=0, digest=self.fitted.digest, total=1, size=len(onnx), data=onnx),
            f"{self.fitted.digest}/0",
        )
        run = {
            "tenant": "default",
            "stream": "boiler",
            "request_id": "campaign/0",
            "campaign": "campaign",
            "rows": 300,
            "dataset_digest": "d" * 64,
            "row": 300,
        }
        for number, trial in enumerate(self.fitted.steps, 1):
            told = {"metrics": trial.metrics, "parameters": trial.parameters, "fit_seconds": trial.seconds}
            self.put(topics.TRAINING_RUNS, TrainingRun(**run, **told, status=RunStatus.TRIAL, trial=number), cause=cause)
        model = {"file": self.file, "classes": ("cold", "hot"), "definition_version": 2}
        run |= {**model, "parameters": self.fitted.parameters, "fit_seconds": self.fitted.seconds}
        self.put(topics.TRAINING_RUNS, TrainingRun(**run, status=RunStatus.FITTED, metrics=self.fitted.metrics), cause=cause)

    @property
    def file(self) -> ModelFile:
        return ModelFile(digest=self.fitted.digest, size=len(self.fitted.onnx), chunks=1)

    def promote(self) -> None:
        gate = {"gate_accuracy": 0.95, "gate_champion_accuracy": 0.5}
        run = {"tenant": "default", "stream": "boiler", "request_id": "campaign/0", "campaign": "campaign", "rows": 300, "file": self.file}
        self.put(topics.TRAINING_RUNS, TrainingRun(**run, status=RunStatus.PROMOTED, row=340, metrics=gate, wins=20, judged=40))

    def register(self, number: int) -> None:
        """The model registry makes the challenger a version, and signs it."""
        statement = VersionStatement(
            tenant="default",
            stream="boiler",
            version=number,
            digest=self.file.digest,
            size=self.file.size,
            classes=("cold", "hot"),
            definition_version=2,
            features=("a", "b", "c"),
        )
        version = ModelVersion(
            tenant="default",
            stream="boiler",
            version=number,
            request_id="campaign/0",
            file=self.file,
            classes=("cold", "hot"),
            definition_version=2,
            rows=300,
            dataset_digest="d" * 64,
            parameters=self.fitted.parameters,
            signed=self.signer.signed(statement.encode()),
        )
        self.put(topics.MODEL_EVENTS, version)

    @contextmanager
    def mirror(self, server: Server, log: Path) -> Iterator[subprocess.Popen[bytes]]:
        own = {
            "EDGELOOP_MIRROR_RETRY_SECONDS": "0.5",
            "EDGELOOP_MIRROR_TRUST_FILE": str(self.keys.public),
            "MLFLOW_TRACKING_URI": server.url,
        }
        with log.open("ab") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "edgeloop_mirror"], env=environment(self.settings, **own), stdout=out, stderr=out
            )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@pytest.mark.timeout(420)
def test_runs_are_in_mlflow_with_model_dataset_and_trials_whatever_goes_away_meanwhile(cluster: Any, tmp_path: Path) -> None:
    server, platform, log = Server(tmp_path), Platform(cluster, tmp_path / "keys"), tmp_path / "mirror.log"
    platform.play()
    with platform.mirror(server, log):
        eventually(lambda: b"event not mirrored" in log.read_bytes(), 90)  # MLflow is not there yet
        with server.running():
            eventually(lambda: any("edgeloop.at.fitted" in tags(run) for run in server.runs()))
            assert len(server.runs()) == 4
        platform.promote()
        platform.register(1)
        waits = log.read_bytes().count(b"event not mirrored")
        eventually(lambda: log.read_bytes().count(b"event not mirrored") > waits, 90)  # and away again
    with server.running():
        with platform.mirror(server, log) as killed:
            eventually(lambda: bool(server.runs()))
            killed.kill()
        with platform.mirror(server, log):
            eventually(lambda: any("edgeloop.at.promoted" in tags(run) for run in server.runs()))
        parent = next(run for run in server.runs() if "edgeloop.digest" in tags(run))
        trials = [run for run in server.runs() if tags(run).get("mlflow.parentRunId") == parent["info"]["run_id"]]
        assert (len(server.runs()), len(trials)) == (4, 3)
        assert {run["info"]["status"] for run in server.runs()} == {"FINISHED"}
        metrics = {metric["key"]: (metric["value"], metric["step"]) for metric in parent["data"]["metrics"]}
        assert metrics["gate_accuracy"] == (0.95, 340)
        assert metrics["parity_agreement"][1] == 300
        assert {one["key"]: one["value"] for one in parent["data"]["params"]} == platform.fitted.parameters
        (dataset,) = parent["inputs"]["dataset_inputs"]
        assert dataset["tags"] == [{"key": "mlflow.data.context", "value": "training"}]
        assert json.loads(dataset["dataset"]["source"])["ranges"][0]["end_offset"] == 7
        assert [column["name"] for column in json.loads(dataset["dataset"]["schema"])["mlflow_colspec"]] == ["t0", "t1", "t2"]
        assert len(parent["outputs"]["model_outputs"]) == 1
        with platform.mirror(server, log):
            _versions_are_registered(server, platform, parent)
        _the_model_answers(server, platform, tmp_path)
        _mirrored_again_nothing_changes(server, platform, log)


def _versions_are_registered(server: Server, platform: Platform, parent: dict[str, Any]) -> None:
    eventually(lambda: len(server.versions()) == 1)
    platform.register(2)
    eventually(lambda: [model.get("aliases") for model in server.registered()] == [[{"alias": "champion", "version": "2"}]])
    (model,) = server.registered()
    assert model["name"] == NAME
    assert {tag["key"]: tag["value"] for tag in model["tags"]} == {"edgeloop.tenant": "default", "edgeloop.stream": "boiler"}
    first, second = server.versions()
    told = {tag["key"]: tag["value"] for tag in first["tags"]}
    assert (told["edgeloop.version"], told["edgeloop.signature"], told["edgeloop.digest"]) == ("1", "verified", platform.fitted.digest)
    assert {version["run_id"] for version in (first, second)} == {parent["info"]["run_id"]}
    assert {version["source"] for version in (first, second)} == {f"models:/{parent['outputs']['model_outputs'][0]['model_id']}"}


def _the_model_answers(server: Server, platform: Platform, directory: Path) -> None:
    np.save(directory / "rows.npy", platform.rows)
    command = [sys.executable, "-c", USES, server.url, server.experiment(), str(directory / "rows.npy"), NAME]
    told = json.loads(subprocess.check_output(command, text=True).splitlines()[-1])
    assert told["inputs"] == [["input", "float32", [-1, 3]]]
    assert told["outputs"] == [["label", "int64", [-1]], ["probabilities", "float32", [-1, 2]]]
    assert told["tags"]["edgeloop.digest"] == hashlib.sha256(platform.fitted.onnx).hexdigest()
    assert "gate_accuracy" in told["metrics"]
    assert told["parameters"] == platform.fitted.parameters
    right = np.array(told["labels"]) == (platform.rows[:, 0] > 0)
    assert right.mean() == pytest.approx(platform.fitted.metrics["training_accuracy"])


def _mirrored_again_nothing_changes(server: Server, platform: Platform, log: Path) -> None:
    """Repeat every event, as for a process that died before its commit."""
    before = server.settled()
    group = f"{platform.settings.topic_prefix}edgeloop-mirror"
    events = {platform.settings.topic_prefix + topic.name: count for topic, count in ((topics.TRAINING_RUNS, 5), (topics.MODEL_EVENTS, 2))}
    for topic in events:
        _rewind(platform.settings.bootstrap, group, topic)
    with platform.mirror(server, log):
        eventually(lambda: all(_committed(platform.settings.bootstrap, group, topic) == count for topic, count in events.items()))
    assert server.settled() == before
    assert len(server.versions()) == 2


def _rewind(bootstrap: str, group: str, topic: str) -> None:
    from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
    from confluent_kafka.admin import AdminClient

    admin = AdminClient({"bootstrap.servers": bootstrap})

    def rewound() -> bool:
        from confluent_kafka import KafkaException

        try:
            wanted = [ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 0, 0)])]
            admin.alter_consumer_group_offsets(wanted)[group].result()
        except KafkaException:  # the killed member's session has not ended yet
            return False
        return True

    eventually(rewound)


def _committed(bootstrap: str, group: str, topic: str) -> int:
    from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
    from confluent_kafka.admin import AdminClient

    admin = AdminClient({"bootstrap.servers": bootstrap})
    asked = [ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 0)])]
    return admin.list_consumer_group_offsets(asked)[group].result().topic_partitions[0].offset
