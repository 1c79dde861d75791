"""Rows and labels with Quix Streams.

python quixstreams_producer.py HOST:PORT REGISTRY boiler-quix 20
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from quixstreams import Application
from quixstreams.models.serializers.avro import AvroSerializer
from quixstreams.models.serializers.schema_registry import SchemaRegistryClientConfig, SchemaRegistrySerializationConfig

SCHEMAS = Path(__file__).parents[2] / "schemas"


def main(bootstrap: str, registry: str, device: str, rows: str) -> None:
    """Send."""

    # Quix Streams writes the schema's text anew, so the registry must compare its meaning: normalize_schemas.
    def serializer(file: str) -> AvroSerializer:
        return AvroSerializer(
            json.loads((SCHEMAS / file).read_text(encoding="utf-8")),
            schema_registry_client_config=SchemaRegistryClientConfig(url=registry),
            schema_registry_serialization_config=SchemaRegistrySerializationConfig(auto_register_schemas=False, normalize_schemas=True),
        )

    application = Application(
        broker_address=bootstrap,
        auto_create_topics=False,
        producer_extra_config={"partitioner": "murmur2_random", "enable.idempotence": True},
    )
    observed = application.topic("observations.rows.raw", value_serializer=serializer("observation/ObservationRow.avsc"))
    found = application.topic("labels.raw", value_serializer=serializer("label/Label.avsc"))
    key, epoch = f"default/boiler/{device}", int(time.time())
    with application.get_producer() as producer:
        for seq in range(int(rows)):
            name = {"tenant": "default", "stream": "boiler", "device_id": device, "boot_epoch": epoch, "seq": seq}
            now = {"event_time": int(time.time() * 1000)}
            temperature = 70.0 + seq
            for topic, value in (
                (observed, name | now | {"features": [temperature, 2.0]}),
                (found, name | now | {"label": "bad" if temperature > 85 else "good"}),
            ):
                message = topic.serialize(key, value)
                producer.produce(topic.name, message.value, message.key, headers=message.headers)
    print(f"sent {rows} rows and labels as {key}")


if __name__ == "__main__":
    main(*sys.argv[1:])
