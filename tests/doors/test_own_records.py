"""A device and a rollout as processes, while somebody else forges the records that they read about themselves."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from edgeloop_contracts import (
    Assignment,
    DeviceReport,
    DeviceStatus,
    Feature,
    ModelChunk,
    ModelFile,
    ModelVersion,
    StreamDefinition,
    Topic,
    topics,
)
from edgeloop_kafka import KafkaSettings
from edgeloop_local.ports import free_port
from edgeloop_readers import RangeGoneError
from edgeloop_signing.keys import KeyPair, Role, generate_keys, load_signer
from edgeloop_signing.statements import VersionStatement
from edgeloop_streaming import Context
from onnx import TensorProto, helper, numpy_helper
from support.broker import Cluster
from support.processes import environment

pytestmark = pytest.mark.doors
KEY = "default/pumps/p1"


def small_model() -> bytes:
    """One feature, two classes."""
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["input", "weights"], ["scores"]),
            helper.make_node("Softmax", ["scores"], ["probabilities"]),
            helper.make_node("ArgMax", ["probabilities"], ["label"], axis=1, keepdims=0),
        ],
        "small",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 1])],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, ["N"]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 2]),
        ],
        [numpy_helper.from_array(np.array([[1.0, -1.0]], np.float32), "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


class Site:
    """A cluster with one version of one stream, a rollout and a device."""

    def __init__(self, settings: KafkaSettings, folder: Path, keys: KeyPair) -> None:
        self.settings, self.folder, self.keys = settings, folder, keys
        self.context = Context(settings, "test")
        self.publisher = self.context.publisher()
        self.reports = self.context.follower([topics.FLEET_REPORTED])
        self.seen: list[DeviceReport] = []
        self.http = free_port()

    def put(self, topic: Topic, event: Any, key: str = "default/pumps", **place: Any) -> None:
        self.publisher.publish(topic, key, event, **place)
        assert self.publisher.flush() == 0

    def version(self) -> ModelVersion:
        """Define the stream and publish a version, as the model registry would."""
        model = small_model()
        digest = hashlib.sha256(model).hexdigest()
        self.put(
            topics.STREAMS,
            StreamDefinition(tenant="default", stream="pumps", version=1, features=(Feature(name="heat"),), classes=("no", "yes")),
        )
        first = self.context.reader().end(topics.MODEL_CHUNKS, 1)
        self.put(topics.MODEL_CHUNKS, ModelChunk(index=0, digest=digest, total=1, size=len(model), data=model), f"{digest}/0", partition=1)
        statement = VersionStatement("default", "pumps", 1, digest, len(model), ("no", "yes"), 1, ("heat",)).encode()
        signer = load_signer(self.keys.private, "KEY")
        file = ModelFile(digest=digest, size=len(model), chunks=1, partition=1, offset=first)
        signed = signer.signed(statement)
        version = ModelVersion(
            tenant="default", stream="pumps", version=1, file=file, classes=("no", "yes"), definition_version=1, signed=signed
        )
        self.put(topics.MODEL_EVENTS, version)
        return version

    @contextmanager
    def running(self, package: str, **more: str) -> Iterator[subprocess.Popen[bytes]]:
        with (self.folder / f"{package}.log").open("ab") as log:
            process = subprocess.Popen([sys.executable, "-m", package], env=environment(self.settings, **more), stdout=log, stderr=log)
        try:
            yield process
            assert process.poll() is None, "it has ended"
        finally:
            process.kill()
            process.wait()

    def device(self) -> Any:
        return self.running(
            "edgeloop_inference",
            EDGELOOP_HTTP_PORT=str(self.http),
            EDGELOOP_INFERENCE_DEVICE="p1",
            EDGELOOP_INFERENCE_STREAMS="pumps",
            EDGELOOP_INFERENCE_GRPC_PORT=str(free_port()),
            EDGELOOP_INFERENCE_DATA_DIR=str(self.folder / "disk"),
            EDGELOOP_INFERENCE_TRUST_FILE=str(self.keys.public),
        )

    def until(self, found: Callable[[DeviceReport], bool], seconds: float = 60.0) -> DeviceReport:
        """The next report that fulfils the condition."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for received in self.reports.poll(0.2):
                self.seen.append(received.event)
                if found(received.event):
                    return received.event
        raise AssertionError([f"{r.status} {r.version} {r.reason} {r.message}" for r in self.seen])

    def installed(self, epoch: int) -> None:
        self.until(lambda report: report.status is DeviceStatus.INSTALLED and (report.version, report.boot_epoch) == (1, epoch))


@pytest.fixture
def site(cluster: Cluster, tmp_path: Path) -> Site:
    return Site(cluster.settings(), tmp_path, generate_keys(tmp_path / "keys", Role.REGISTRY))


def test_a_device_outlives_what_a_stranger_says_of_it_and_is_assigned_again_after_its_disk_is_lost(site: Site) -> None:
    version = site.version()
    with ExitStack() as stack:
        stack.enter_context(site.running("edgeloop_rollout"))
        with site.device():
            site.installed(1)
            # The report names a version that does not run, and an impossible boot epoch.
            site.put(
                topics.FLEET_REPORTED, DeviceReport(tenant="default", stream="pumps", device_id="p1", boot_epoch=2**63 - 1, version=7), KEY
            )
        shutil.rmtree(site.folder / "disk")
        junk = Assignment(
            tenant="default",
            stream="pumps",
            device_id="p1",
            version=9,
            file=ModelFile(digest=version.file.digest, size=9, chunks=1, partition=10**9),
        )
        site.put(topics.ROLLOUT_ASSIGNMENTS, junk, KEY)
        with site.device():
            site.installed(2)
    shutil.rmtree(site.folder / "disk")
    # A place without a chunk, under a statement that the registry has signed, while no rollout runs to repair it.
    elsewhere = replace(version.file, partition=77)
    assignment = Assignment(tenant="default", stream="pumps", device_id="p1", version=1, file=elsewhere, signed=version.signed)
    site.put(topics.ROLLOUT_ASSIGNMENTS, assignment, KEY)
    with ExitStack() as stack:
        stack.enter_context(site.device())
        refused = site.until(lambda report: report.status is DeviceStatus.REFUSED and report.boot_epoch == 3)
        assert (refused.version, refused.refused_version, refused.reason) == (None, 1, "MISSING")
        assert "no partition 77" in refused.message
        stack.enter_context(site.running("edgeloop_rollout"))
        site.installed(3)


def test_a_partition_that_there_is_not_is_told_by_name(site: Site) -> None:
    with pytest.raises(RangeGoneError, match=r"model\.chunks has no partition 77"):
        site.context.reader().end(topics.MODEL_CHUNKS, 77)


def test_the_forged_report_is_a_dead_letter_of_the_rollout(site: Site) -> None:
    site.put(topics.FLEET_REPORTED, replace(DeviceReport(tenant="default", stream="pumps", device_id="p1"), boot_epoch=2**63 - 1), KEY)
    letters = site.context.follower([topics.dead_letters("rollout")])
    with site.running("edgeloop_rollout"):
        deadline = time.monotonic() + 60
        found: list[Any] = []
        while not found and time.monotonic() < deadline:
            found = letters.poll(0.5)
    assert [letter.event.reason for letter in found] == ["IMPOSSIBLE"]
