#!/usr/bin/env bash
# Library:  confluent-kafka 2.16.0, against librdkafka's mock cluster
# Expected: a future of an AdminClient keeps its client, or fails once the client is gone. create_topics does that: error _DESTROY.
# Seen:     the future of list_offsets never resolves when the client was garbage-collected, not even past its request_timeout.
# Matters:  `AdminClient(settings).list_offsets(wanted)` in one line, or in a helper that returns the futures, waits for ever.
# We:       hold the client in a variable until its futures have been awaited.
# Output:   5 times with the client held: 5 resolved
#           5 times without: 0 resolved within 10 s (request_timeout 2 s)
#           create_topics without: KafkaException _DESTROY
set -euo pipefail
here=$(mktemp -d); trap 'rm -rf "$here"' EXIT; cd "$here"
python3 -m venv v && v/bin/pip install -q --disable-pip-version-check confluent-kafka==2.16.0
timeout 120 v/bin/python - 2> log <<'P' || { tail -5 log; exit 1; }
from concurrent.futures import wait
from confluent_kafka import KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

mock = Producer({"test.mock.num.brokers": 1, "log_level": 0})
broker = next(iter(mock.list_topics(timeout=5).brokers.values()))
mock.produce("rows", b"row")
assert mock.flush(5) == 0
settings = {"bootstrap.servers": f"{broker.host}:{broker.port}", "log_level": 0}


def asked(client):
    wanted = {TopicPartition("rows", 0): OffsetSpec.latest()}
    return next(iter(client.list_offsets(wanted, request_timeout=2).values()))


clients = [AdminClient(settings) for _ in range(5)]
held = len(wait([asked(client) for client in clients], timeout=10).done)
gone = len(wait([asked(AdminClient(settings)) for _ in range(5)], timeout=10).done)
print(f"5 times with the client held: {held} resolved")
print(f"5 times without: {gone} resolved within 10 s (request_timeout 2 s)")
try:
    next(iter(AdminClient(settings).create_topics([NewTopic("other", 1, 1)]).values())).result(10)
    told = "resolved"
except KafkaException as error:
    told = f"KafkaException {error.args[0].name()}"
print("create_topics without:", told)
assert (held, gone, told) == (5, 0, "KafkaException _DESTROY")
P
