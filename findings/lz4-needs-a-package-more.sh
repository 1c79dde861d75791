#!/usr/bin/env bash
# Library:  aiokafka 0.14.0, kafka-python 2.3.0, against librdkafka's mock cluster (confluent-kafka 2.16.0)
# Expected: a Kafka client reads every compression that Kafka's protocol has.
# Seen:     of a plain installation gzip is read; a batch in lz4 ends the consumer with an error about a missing library.
# Matters:  a producer that switches compression on shuts out consumers that it does not know.
# We:       keep topics that outsiders read uncompressed, and model bytes as zstd; docs say what readers need.
# Output:   aiokafka: gzip read, lz4 UnsupportedCodecError; kafka-python: gzip read, lz4 UnsupportedCodecError
set -euo pipefail
here=$(mktemp -d); broker=; trap 'test -z "$broker" || kill "$broker"; rm -rf "$here"' EXIT; cd "$here"
python3 -m venv v && v/bin/pip install -q --disable-pip-version-check aiokafka==0.14.0 kafka-python==2.3.0 confluent-kafka==2.16.0
cat > broker.py <<'P'
import time
from confluent_kafka import Producer

mock = Producer({"test.mock.num.brokers": 1, "log_level": 0})
broker = next(iter(mock.list_topics(timeout=5).brokers.values()))
for codec in ("gzip", "lz4"):
    producer = Producer({"bootstrap.servers": f"{broker.host}:{broker.port}", "compression.type": codec, "linger.ms": 50})
    for _ in range(100):
        producer.produce(codec, b"row " * 50, partition=0)
    producer.flush(5)
print(f"{broker.host}:{broker.port}", flush=True)
time.sleep(90)
P
cat > read.py <<'P'
import asyncio
import sys
from aiokafka import AIOKafkaConsumer, TopicPartition
from kafka import KafkaConsumer
from kafka import TopicPartition as OtherPartition

address = sys.argv[1]


async def aio(topic):
    consumer = AIOKafkaConsumer(bootstrap_servers=address, auto_offset_reset="earliest", enable_auto_commit=False)
    await consumer.start()
    consumer.assign([TopicPartition(topic, 0)])
    await consumer.seek_to_beginning()
    try:
        await asyncio.wait_for(consumer.getone(), 10)
        return "read"
    except Exception as error:
        return type(error).__name__
    finally:
        await consumer.stop()


def plain(topic):
    consumer = KafkaConsumer(bootstrap_servers=address, auto_offset_reset="earliest", enable_auto_commit=False, consumer_timeout_ms=10000)
    consumer.assign([OtherPartition(topic, 0)])
    consumer.seek_to_beginning()
    try:
        return "read" if next(consumer, None) is not None else "nothing"
    except Exception as error:
        return type(error).__name__
    finally:
        consumer.close()


found = {"aiokafka": [asyncio.run(aio(t)) for t in ("gzip", "lz4")], "kafka-python": [plain(t) for t in ("gzip", "lz4")]}
print("; ".join(f"{name}: gzip {gzip}, lz4 {lz4}" for name, (gzip, lz4) in found.items()))
assert all(gzip == "read" and lz4 != "read" for gzip, lz4 in found.values())
P
v/bin/python broker.py > address 2>/dev/null & broker=$!
for _ in $(seq 50); do test -s address && break; sleep 0.2; done
timeout 60 v/bin/python read.py "$(head -1 address)" 2>log || { tail -5 log; exit 1; }
