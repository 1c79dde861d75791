"""Rows and labels with aiokafka and fastavro.

python aiokafka_producer.py HOST:PORT REGISTRY boiler-aio 20
"""

from __future__ import annotations

import asyncio
import io
import json
import sys
import time
import urllib.request
from pathlib import Path

import fastavro
from aiokafka import AIOKafkaProducer

SCHEMAS = Path(__file__).parents[2] / "schemas"


class Kind:
    """A schema with its frame, the five bytes in front of each record."""

    def __init__(self, registry: str, topic: str, file: str) -> None:
        text = (SCHEMAS / file).read_text(encoding="utf-8")
        question = json.dumps({"schema": text}).encode()
        address = f"{registry}/subjects/{topic}-value"  # looked up by its text, without registration
        request = urllib.request.Request(address, question, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            self.frame = b"\0" + json.load(answer)["id"].to_bytes(4, "big")
        self.schema = fastavro.parse_schema(json.loads(text))

    def encode(self, record: dict) -> bytes:
        """Frame and record; missing fields get the schema's defaults."""
        out = io.BytesIO()
        fastavro.schemaless_writer(out, self.schema, record)
        return self.frame + out.getvalue()


async def main(bootstrap: str, registry: str, device: str, rows: str) -> None:
    """Send."""
    row = Kind(registry, "observations.rows.raw", "observation/ObservationRow.avsc")
    label = Kind(registry, "labels.raw", "label/Label.avsc")
    key, epoch = f"default/boiler/{device}".encode(), int(time.time())
    # By default, aiokafka chooses partitions as Java's client does.
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True) as producer:
        for seq in range(int(rows)):
            name = {"tenant": "default", "stream": "boiler", "device_id": device, "boot_epoch": epoch, "seq": seq}
            now = {"event_time": int(time.time() * 1000)}
            temperature = 70.0 + seq
            await producer.send("observations.rows.raw", row.encode(name | now | {"features": [temperature, 2.0]}), key)
            await producer.send("labels.raw", label.encode(name | now | {"label": "bad" if temperature > 85 else "good"}), key)
    print(f"sent {rows} rows and labels as {key.decode()}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
