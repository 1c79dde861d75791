"""Rows and labels from your own program, with Confluent's Kafka client and Avro serializer alone.

    .venv/bin/python examples/produce.py --stream boiler --rows 200

defines the stream, sends rows to ``observations.rows.raw`` and their labels to ``labels.raw``, and then waits for the joined rows in
``examples``. ``edgeloop train boiler`` fits a first model on them.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from signed_records import RecordSigner

SCHEMAS = Path(__file__).resolve().parent.parent / "schemas"
WRITTEN = {
    "model.commands": "model/RegisterStream.avsc",
    "observations.rows.raw": "observation/ObservationRow.avsc",
    "labels.raw": "label/Label.avsc",
}


def addresses(arguments: argparse.Namespace) -> tuple[str, str]:
    """Addresses of Kafka and schema registry: the given ones, else those of the stack that runs here."""
    if arguments.bootstrap and arguments.registry:
        return arguments.bootstrap, arguments.registry
    path = Path(".edgeloop/stack.json")
    if not path.exists():
        sys.exit("no stack runs here: start one with `edgeloop up`, or give --bootstrap and --registry")
    stack = json.loads(path.read_text(encoding="utf-8"))
    return stack["bootstrap"], stack["registry_url"]


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bootstrap", help="Kafka, host:port")
    parser.add_argument("--registry", help="schema registry, its Confluent-compatible address")
    parser.add_argument("--stream", default="boiler", help="name of the stream (default: %(default)s)")
    parser.add_argument("--device", default="boiler-7", help="name of the device (default: %(default)s)")
    parser.add_argument("--rows", type=int, default=200, help="number of rows (default: %(default)s)")
    parser.add_argument(
        "--key", type=Path, help="private key, PEM, that signs the records, for a tenant that admits enrolled members alone"
    )
    arguments = parser.parse_args()
    signer = RecordSigner(arguments.key) if arguments.key else None
    bootstrap, registry_url = addresses(arguments)

    registry = SchemaRegistryClient({"url": registry_url})
    # The schemas are registered already. A program writes with those that it knows: "the latest" may be another's.
    settings = {"auto.register.schemas": False}
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "partitioner": "murmur2_random"})
    schemas = {topic: (SCHEMAS / file).read_text(encoding="utf-8") for topic, file in WRITTEN.items()}
    serializer: Any = AvroSerializer
    serializers = {topic: serializer(registry, schema, conf=settings) for topic, schema in schemas.items()}

    def send(topic: str, key: str, record: dict) -> None:
        value = serializers[topic](record, SerializationContext(topic, MessageField.VALUE))
        headers: Any = signer.headers(topic, key.encode(), schemas[topic], value) if signer else {}
        producer.produce(topic, key=key.encode(), value=value, headers=headers)
        producer.poll(0)

    stream, device = {"tenant": "default", "stream": arguments.stream}, {"device_id": arguments.device, "boot_epoch": int(time.time())}
    features = [
        {"name": name, "unit": unit, "nullable": True, "minimum": None, "maximum": None, "pii": False, "local_only": False}
        for name, unit in (("temperature", "°C"), ("pressure", "bar"))
    ]
    send(
        "model.commands",
        f"default/{arguments.stream}",
        stream | {"features": features, "label": "state", "classes": ["bad", "good"], "expected_version": 0},
    )
    producer.flush()
    time.sleep(2)  # a definition must precede its rows

    chance = random.Random(7)
    key = f"default/{arguments.stream}/{arguments.device}"
    for seq in range(arguments.rows):
        temperature, pressure = chance.gauss(80, 10), chance.gauss(2, 0.3)
        now = int(time.time() * 1000)
        row = {"seq": seq, "features": [temperature, pressure], "event_time": now, "request_id": "", "model_version": 0, "answer": ""}
        send("observations.rows.raw", key, stream | device | row)
        truth = "bad" if temperature > 85 and pressure > 2 else "good"
        send("labels.raw", key, stream | device | {"seq": seq, "request_id": "", "label": truth, "event_time": now})
    if producer.flush(30):
        sys.exit("not everything was delivered within 30 s")
    print(f"sent {arguments.rows} rows and labels as {key}")
    return await_examples(bootstrap, registry, arguments, device["boot_epoch"])


def await_examples(bootstrap: str, registry: SchemaRegistryClient, arguments: argparse.Namespace, epoch: int) -> int:
    """Read ``examples`` until all rows have arrived with their labels."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": f"example-{epoch}",
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
        }
    )
    consumer.subscribe(["examples"])
    deserializer: Any = AvroDeserializer
    decode = deserializer(registry)
    joined: set[int] = set()
    deadline = time.monotonic() + 30
    while len(joined) < arguments.rows and time.monotonic() < deadline:
        message = consumer.poll(0.2)
        if message is None or message.error():
            continue
        batch = decode(message.value(), SerializationContext("examples", MessageField.VALUE))
        if (batch["stream"], batch["device_id"], batch["boot_epoch"]) == (arguments.stream, arguments.device, epoch):
            joined.update(batch["seqs"])
            deadline = time.monotonic() + 30  # as long as some arrive, others may
    consumer.close()
    print(f"{len(joined)} of {arguments.rows} came back as examples")
    return 0 if len(joined) == arguments.rows else 1


if __name__ == "__main__":
    sys.exit(main())
