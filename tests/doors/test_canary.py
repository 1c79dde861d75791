"""A planted private value: sent to a device in every way, then searched for in everything that the platform has written."""

from __future__ import annotations

import json
import random
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import tritonclient.grpc as triton
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from edgeloop_contracts import Feature, Label, Mask, ObservationRow, RegisterStream, topics
from edgeloop_kafka import KafkaSettings
from edgeloop_streaming import Context
from support.platform import EDGELOOP, platform
from support.processes import eventually
from tritonclient.utils import InferenceServerException

pytestmark = [pytest.mark.doors, pytest.mark.timeout(500)]
STREAM, KEY = "pumps", "default/pumps"
LOCAL, PERSON, TOO_LARGE, AGE = 4861137.0, 5236191.0, 7393957.0, 87.625
FEATURES = (
    Feature(name="heat"),
    Feature(name="local", local_only=True),
    Feature(name="person", pii=True, maximum=6_000_000.0),
    Feature(name="age", mask=Mask.BUCKETS, bucket=10.0),
)


def call(folder: Path, *arguments: str) -> str:
    command = [EDGELOOP, *arguments, "--data-dir", folder / "data"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=150).stdout


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The data directory of a stack with one device."""
    with platform(tmp_path, "--devices", "1") as running:
        yield running.folder


def train(context: Context) -> None:
    """A stream, and labelled rows from another producer, without the canary."""
    publisher, chance = context.publisher(), random.Random(3)
    publisher.publish(
        topics.MODEL_COMMANDS, KEY, RegisterStream(tenant="default", stream=STREAM, features=FEATURES, classes=("bad", "good"))
    )
    assert publisher.flush() == 0
    time.sleep(5)
    for seq in range(300):
        heat = chance.gauss(80, 10)
        row = ObservationRow(tenant="default", stream=STREAM, device_id="gauge", boot_epoch=1, seq=seq, features=(heat, 1.0, 2.0, 40.0))
        label = Label(tenant="default", stream=STREAM, device_id="gauge", boot_epoch=1, seq=seq, label="bad" if heat > 85 else "good")
        publisher.publish(topics.OBSERVATION_ROWS_RAW, f"{KEY}/gauge", row)
        publisher.publish(topics.LABELS_RAW, f"{KEY}/gauge", label)
    assert publisher.flush() == 0


def ask(client: Any, rows: Any, **options: Any) -> str:
    """The device's answer or error, as text."""
    array = np.array(rows, np.float32)
    tensor = triton.InferInput("input", array.shape, "FP32")
    tensor.set_data_from_numpy(array)
    try:
        return str(client.infer(STREAM, [tensor], **options).get_response())
    except InferenceServerException as error:
        return str(error)


def forms(value: float) -> list[bytes]:
    """Forms in which a value could have been written."""
    texts = {repr(value), f"{value:g}", f"{value:.10g}", f"{value:e}"}
    return [*(text.encode() for text in texts), struct.pack("<f", value), struct.pack(">f", value), struct.pack("<d", value)]


PLANTED = [form for value in (LOCAL, PERSON, TOO_LARGE, AGE) for form in forms(value)]
LONG = [form for form in PLANTED if len(form) > 4]  # in large files four bytes occur by chance


def found_in(data: bytes, planted: list[bytes]) -> list[bytes]:
    return [form for form in planted if form in data]


def everything(bootstrap: str) -> Iterator[tuple[str, bytes]]:
    """Every record of every topic, decompressed, those of aborted transactions included."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "canary", "enable.partition.eof": True, "isolation.level": "read_uncommitted"}
    )
    known = consumer.list_topics(timeout=10).topics
    open_ = {(name, p) for name, topic in known.items() for p in topic.partitions}
    consumer.assign([TopicPartition(name, p, OFFSET_BEGINNING) for name, p in open_])
    while open_:
        for message in consumer.consume(500, 0.2):
            if message.error() is not None:
                open_.discard((message.topic(), message.partition()))
                continue
            headers = b"".join(value or b"" for _, value in message.headers() or ())
            yield (
                f"{message.topic()}/{message.partition()}/{message.offset()}",
                b"".join((message.key() or b"", message.value() or b"", headers)),
            )
    consumer.close()


def test_a_planted_value_is_in_nothing_that_the_platform_has_written(folder: Path) -> None:
    stack = json.loads((folder / "data/stack.json").read_text())
    context = Context(KafkaSettings(bootstrap=stack["bootstrap"], schema_registry_url=stack["registry_url"], extra={}), "test")
    train(context)
    call(folder, "train", STREAM, "--timeout", "0")
    processes = json.loads(call(folder, "status", "--json"))["processes"]
    (address,) = (row["address"] for row in processes if row["address"].startswith("grpc://"))
    client = triton.InferenceServerClient(address.removeprefix("grpc://"))
    eventually(lambda: client.is_model_ready(STREAM))

    row = [80.0, LOCAL, PERSON, AGE]
    said = [ask(client, [row] * count, request_id=f"r{count}") for count in (1, 2, 100)]
    assert all("edgeloop_seq" in answer for answer in said)
    for bad, options in (
        ([[80.0, LOCAL, TOO_LARGE, AGE]], {}),
        ([[np.inf, LOCAL, PERSON, AGE]], {}),
        ([[80.0, LOCAL, PERSON, np.inf]], {}),
        ([row], {"request_id": "L" * 600}),
        ([row[:3]], {}),
        ([row] * 20_000, {}),
    ):
        said.append(ask(client, bad, **options))
        assert "INVALID_ARGUMENT" in said[-1]
    publisher = context.publisher()
    publisher.publish(
        topics.LABELS_RAW,
        f"{KEY}/{_device(processes)}",
        Label(tenant="default", stream=STREAM, device_id=_device(processes), request_id="r1", label="bad"),
    )
    assert publisher.flush() == 0
    reader = context.reader()

    def arrived() -> bool:
        spans = reader.spans(topics.EXAMPLES)
        records = [r for p, (first, end) in spans.items() for r in reader.read(topics.EXAMPLES, p, first, end)]
        return any("r1" in repr(r.event) or r.key.endswith(_device(processes)) for r in records)

    eventually(arrived)
    pages = [httpx.get(entry["metrics"]).text for entry in processes if entry["metrics"]]
    assert len(pages) > 8 and not any(found_in(text.encode(), PLANTED) for text in (*said, *pages))
    records = list(everything(stack["bootstrap"]))
    batches = [data for place, data in records if place.startswith("observations.raw/")]
    assert sum(struct.pack("<f", 90.0) in data for data in batches) > 0, "the rows themselves are there, with the age in its bucket"
    assert {place: hit for place, data in records if (hit := found_in(data, PLANTED))} == {}
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert any(path.name == "outbox.db" for path in files) and any(path.suffix == ".log" and "observations" in str(path) for path in files)
    device = folder / "data/devices"
    hits = {str(path): found_in(path.read_bytes(), PLANTED if device in path.parents else LONG) for path in files}
    assert {path: hit for path, hit in hits.items() if hit} == {}


def _device(processes: list[dict[str, Any]]) -> str:
    return next(row["name"] for row in processes if row["address"].startswith("grpc://"))
