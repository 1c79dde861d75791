"""Compression of topics: public ones are readable for every stock client, model files are small for the links of devices."""

from __future__ import annotations

import struct
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from edgeloop_contracts import ModelChunk, Topic, topics
from edgeloop_kafka import default_event
from edgeloop_streaming import Context
from support.broker import Cluster

pytestmark = pytest.mark.clients
PACKAGES = ("kafka-python", "aiokafka")
READ = """
    import asyncio, sys
    import aiokafka, kafka

    where, *names = sys.argv[1:]
    options = {"bootstrap_servers": where, "auto_offset_reset": "earliest"}

    async def first(name):
        consumer = aiokafka.AIOKafkaConsumer(name, **options)
        await consumer.start()
        try:
            return await asyncio.wait_for(consumer.getone(), 30)
        finally:
            await consumer.stop()

    for name in names:
        consumer = kafka.KafkaConsumer(name, consumer_timeout_ms=30_000, **options)
        assert len(next(consumer).value) > 100, name
        consumer.close()
        assert len(asyncio.run(first(name)).value) > 100, name
"""


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with stock clients and without their optional packages."""
    folder = tmp_path_factory.mktemp("stock")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = folder / "bin" / "python"
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PACKAGES], check=True, timeout=600)
    for name in ("lz4", "cramjam", "zstandard", "snappy"):
        assert subprocess.run([str(python), "-c", f"import {name}"], capture_output=True, check=False).returncode != 0
    return python


def publish(context: Context, wanted: tuple[Topic, ...]) -> None:
    """Some similar records of each topic, compressed as our producers send them."""
    publisher = context.publisher()
    for topic in wanted:
        event: Any = default_event(topic.kinds[0])
        fields = [name for name, value in event.as_dict().items() if isinstance(value, str) and name in ("tenant", "stream")]
        for n in range(50):
            publisher.publish(topic, f"default/pumps/{n % 3}", replace(event, **dict.fromkeys(fields, "pumps" * 40)), partition=0)
    assert publisher.flush(30) == 0
    assert publisher.failures() == []


def test_stock_python_clients_read_what_is_there_for_others(cluster: Cluster, bare: Path) -> None:
    settings = cluster.settings()
    publish(Context(settings, "test"), topics.FACTS)
    names = [settings.topic_prefix + topic.name for topic in topics.FACTS]
    ran = subprocess.run(
        [str(bare), "-c", textwrap.dedent(READ), cluster.bootstrap, *names], capture_output=True, text=True, check=False, timeout=600
    )
    assert ran.returncode == 0, ran.stderr[-2_000:]


def packed_with(folder: Path, topic: str) -> set[int]:
    """Codec of each batch of a topic's partition 0, from the broker's own files: 0 for none, 3 for LZ4, 4 for zstd."""
    found: set[int] = set()
    for path in folder.rglob(f"{topic}-0/*.log"):
        data, at = path.read_bytes(), 0
        while at + 61 <= len(data):
            (length,) = struct.unpack_from(">i", data, at + 8)
            (attributes,) = struct.unpack_from(">h", data, at + 21)
            if not attributes & 0x20:  # no transaction marker
                found.add(attributes & 0x07)
            at += 12 + length
    return found


def test_models_bytes_lie_as_zstd_and_the_rest_as_declared(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> None:
    if cluster.kind != "embedded":
        pytest.skip("the broker's files are not here")
    settings = cluster.settings()
    context = Context(settings, "test")
    publish(context, (topics.OBSERVATIONS, topics.DRIFT_PARTIALS))
    publisher = context.publisher()
    publisher.publish(topics.MODEL_CHUNKS, "d/0", ModelChunk(index=0, digest="d", total=1, size=200_000, data=bytes(200_000)), partition=0)
    assert publisher.flush(30) == 0
    folder = next(tmp_path_factory.getbasetemp().glob("cluster*"))
    for topic, codec in ((topics.OBSERVATIONS, 0), (topics.DRIFT_PARTIALS, 3), (topics.MODEL_CHUNKS, 4)):
        assert packed_with(folder, settings.topic_prefix + topic.name) == {codec}, topic.name
