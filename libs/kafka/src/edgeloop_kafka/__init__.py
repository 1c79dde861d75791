"""Typed records on Kafka: settings, codec, schema registry, causes, and a plain producer."""

from edgeloop_kafka.codec import Codec, body, default_event, from_body
from edgeloop_kafka.columns import Columns
from edgeloop_kafka.partitioner import murmur2, partition_of
from edgeloop_kafka.publisher import Publisher
from edgeloop_kafka.reachability import UnreachableError, reach
from edgeloop_kafka.received_record import Received
from edgeloop_kafka.schema_registry import RegistryUnavailableError, SchemaRegistry, UnknownSchemaError
from edgeloop_kafka.settings import KafkaSettings, unusable

__all__ = [
    "Codec",
    "Columns",
    "KafkaSettings",
    "Publisher",
    "Received",
    "RegistryUnavailableError",
    "SchemaRegistry",
    "UnknownSchemaError",
    "UnreachableError",
    "body",
    "default_event",
    "from_body",
    "murmur2",
    "partition_of",
    "reach",
    "unusable",
]
