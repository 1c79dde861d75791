#!/usr/bin/env bash
# Library:  confluent-kafka 2.16.0 (librdkafka), Apache Kafka 4.2.1
# Expected: a consumer on a slow link is slow: a socket's timeout ends a connection on which nothing comes.
# Seen:     socket.timeout.ms is the time for a whole answer. A fetch that takes longer is thrown away while its bytes arrive, and asked for again.
# Matters:  behind a link that needs longer for fetch.message.max.bytes (1 MiB; a minute by default) a device pays for traffic and gets nothing.
# We:       give devices 256 KiB a fetch and 60 seconds a request (2 seconds here, to be short).
# Output:   1 MiB a fetch: in 24 s 3.9 MB passed, 0 records of 0.1 MB came
#           128 KiB a fetch: in 24 s 4.6 MB passed, 35 records of 0.1 MB came
set -euo pipefail
here=$(mktemp -d); broker=; trap 'test -z "$broker" || kill "$broker"; wait; rm -rf "$here"' EXIT; cd "$here"
python3 -m venv v && v/bin/pip install -q --disable-pip-version-check confluent-kafka==2.16.0
cat > pom.xml <<'X'
<project><modelVersion>4.0.0</modelVersion><groupId>f</groupId><artifactId>f</artifactId><version>1</version><dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>4.2.1</version></dependency>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>4.2.1</version></dependency>
</dependencies></project>
X
mvn -q -B -ntp dependency:copy-dependencies -DoutputDirectory=lib
read -r own control door < <(python3 -c "
import socket
held = [socket.create_server(('127.0.0.1', 0)) for _ in range(3)]
print(*(one.getsockname()[1] for one in held))")
cat > server.properties <<X
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$control
listeners=PLAINTEXT://127.0.0.1:$own,CONTROLLER://127.0.0.1:$control
advertised.listeners=PLAINTEXT://127.0.0.1:$door
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=$here/data
num.partitions=1
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
X
java -cp 'lib/*' kafka.tools.StorageTool format -t 5L6g3nShT-eMCtK--X86sw -c server.properties > log 2>&1
java -Xmx512m -cp 'lib/*' kafka.Kafka server.properties >> log 2>&1 & broker=$!
cat > slow.py <<'P'
import socket
import sys
import threading
import time
from confluent_kafka import Consumer, Producer, TopicPartition

own, door = int(sys.argv[1]), int(sys.argv[2])
RATE, SECONDS, RECORDS = 200_000, 24, 60
slow, passed = threading.Event(), 0


def forward(source, target, paced):
    global passed
    try:
        while data := source.recv(4096):
            target.sendall(data)
            if paced and slow.is_set():
                passed += len(data)
                time.sleep(len(data) / RATE)
    except OSError:
        pass
    for one in (source, target):
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(server):
    while True:
        client, _ = server.accept()
        upstream = socket.create_connection(("127.0.0.1", own))
        threading.Thread(target=forward, args=(client, upstream, False), daemon=True).start()
        threading.Thread(target=forward, args=(upstream, client, True), daemon=True).start()


threading.Thread(target=serve, args=(socket.create_server(("127.0.0.1", door)),), daemon=True).start()
address = {"bootstrap.servers": f"127.0.0.1:{door}", "log_level": 0}
producer = Producer({**address, "batch.num.messages": 1})
for number in range(RECORDS):
    producer.produce("rows", bytes(100_000))
assert producer.flush(60) == 0
slow.set()
found = []
for name, size in (("1 MiB", 1 << 20), ("128 KiB", 128 << 10)):
    more = {"group.id": name, "socket.timeout.ms": 2000, "fetch.message.max.bytes": size}
    consumer = Consumer({**address, **more})
    consumer.assign([TopicPartition("rows", 0, 0)])
    passed, records, end = 0, 0, time.monotonic() + SECONDS
    while time.monotonic() < end:
        message = consumer.poll(0.5)
        records += message is not None and not message.error()
    found.append(records)
    print(f"{name} a fetch: in {SECONDS} s {passed / 1e6:.1f} MB passed, {records} records of 0.1 MB came", flush=True)
    consumer.close()
assert found[0] == 0 and found[1] > 10
P
for _ in $(seq 120); do python3 -c "import socket; socket.create_connection(('127.0.0.1', $own), 1)" 2>/dev/null && break; sleep 0.5; done
v/bin/python slow.py "$own" "$door"
