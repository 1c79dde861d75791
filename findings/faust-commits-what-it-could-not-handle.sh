#!/usr/bin/env bash
# Library:  faust-streaming 0.15.3 (aiokafka 0.14.0), against librdkafka's mock cluster (confluent-kafka 2.16.0)
# Expected: an agent that raises on a record does not commit it: it comes again, or the worker stops.
# Seen:     the agent starts again behind the record, and the group's offset moves past it.
# Matters:  whatever the agent would have counted or kept is lost, with a line in the log.
# We:       use Faust for views that are rebuilt from their topics, and nothing else (ADR 0003).
# Output:   handled: 0 1 3 4; committed: 5 of 5
set -euo pipefail
here=$(mktemp -d); broker=; trap 'test -z "$broker" || kill "$broker"; rm -rf "$here"' EXIT; cd "$here"
python3 -m venv v && v/bin/pip install -q --disable-pip-version-check faust-streaming==0.15.3 aiokafka==0.14.0 confluent-kafka==2.16.0
cat > broker.py <<'P'
import time
from confluent_kafka import Producer

producer = Producer({"test.mock.num.brokers": 1, "log_level": 0})
broker = next(iter(producer.list_topics(timeout=5).brokers.values()))
for i in range(5):
    producer.produce("readings", str(i).encode(), partition=0)
producer.flush(5)
print(f"{broker.host}:{broker.port}", flush=True)
time.sleep(180)
P
cat > reader.py <<'P'
import os
import faust

app = faust.App(
    "reader",
    broker="kafka://" + os.environ["BROKER"],
    topic_disable_leader=True,
    web_enabled=False,
    broker_commit_interval=0.5,
    consumer_auto_offset_reset="earliest",
)


@app.agent(app.topic("readings", value_serializer="raw", value_type=bytes, partitions=4))
async def agent(stream):
    async for value in stream:
        if value == b"2":
            raise ValueError("cannot be handled")
        with open("handled", "a") as out:
            out.write(value.decode() + " ")


app.main()
P
v/bin/python broker.py > address 2>/dev/null & broker=$!
for _ in $(seq 50); do test -s address && break; sleep 0.2; done
BROKER=$(head -1 address) timeout 60 v/bin/python reader.py worker -l error > log 2>&1 || true
v/bin/python - "$(head -1 address)" 2>/dev/null <<'P'
import sys
from confluent_kafka import Consumer, TopicPartition

asked = [TopicPartition("readings", 0)]
committed = Consumer({"bootstrap.servers": sys.argv[1], "group.id": "reader"}).committed(asked, timeout=10)[0].offset
handled = open("handled").read().split()
print(f"handled: {' '.join(handled)}; committed: {committed} of 5")
assert handled == ["0", "1", "3", "4"] and committed == 5
P
