#!/usr/bin/env bash
# Library:  confluent-kafka 2.16.0 (librdkafka), against its own mock cluster
# Expected: a connected consumer that is assigned a partition asks for its leader at once.
# Seen:     of a topic that this client has not met, it asks at the next tick of a timer of one second.
# Matters:  a reader that goes from topic to topic (to ask why, to restore state) loses a second for each.
# We:       ask for the topic's metadata ourselves before the assignment: reads begin at once.
# Output:   first record of a topic: 1.02 s unmet, 0.50 s met (half a second is the mock's own)
set -euo pipefail
here=$(mktemp -d); trap 'rm -rf "$here"' EXIT; cd "$here"
python3 -m venv v && v/bin/pip install -q --disable-pip-version-check confluent-kafka==2.16.0
v/bin/python - 2>/dev/null <<'P'
import time
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

producer = Producer({"test.mock.num.brokers": 1})
broker = next(iter(producer.list_topics(timeout=5).brokers.values()))
for topic in ("first", "second"):
    producer.produce(topic, b"row")
producer.flush(5)


def wait(meet):
    consumer = Consumer({"bootstrap.servers": f"{broker.host}:{broker.port}", "group.id": "none"})
    consumer.list_topics("first", timeout=5)
    for topic in ("first", "second"):
        if meet:
            consumer.list_topics(topic, timeout=5)
        began = time.monotonic()
        consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in range(4)])
        assert consumer.poll(10) is not None
        took = time.monotonic() - began
    consumer.close()
    return took


unmet, met = wait(False), wait(True)
print(f"first record of a topic: {unmet:.2f} s unmet, {met:.2f} s met")
assert unmet > met + 0.5
P
