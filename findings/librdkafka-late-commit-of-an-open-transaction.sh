#!/usr/bin/env bash
# Library:  confluent-kafka 2.16.0 (librdkafka), Apache Kafka 4.2.1
# Expected: records of a transaction become visible when its producer commits it, and never otherwise.
# Seen:     a connection breaks while a commit (EndTxn) is under way; librdkafka repeats it by itself, and the application goes on.
#           When the first EndTxn then arrives late, it commits the transaction that is open by now: readers see half of it.
# Matters:  on a flaky network exactly-once is torn. The commit that broke reported success; only the later abort fails.
# We:       begin no transaction before the client's statistics show that nothing broke; in doubt a new producer fences (ADR 0002).
# Output:   readers of committed records see: first second (the second was never committed; abort: INVALID_TXN_STATE)
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
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
X
java -cp 'lib/*' kafka.tools.StorageTool format -t 5L6g3nShT-eMCtK--X86sw -c server.properties > log 2>&1
java -Xmx512m -cp 'lib/*' kafka.Kafka server.properties >> log 2>&1 & broker=$!
cat > torn.py <<'P'
import socket
import struct
import sys
import threading
import time
from confluent_kafka import Consumer, KafkaException, Producer

own, door = int(sys.argv[1]), int(sys.argv[2])
END_TXN = 26
armed, release, delivered = threading.Event(), threading.Event(), threading.Event()


def whole(connection, count):
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise OSError("closed")
        data += more
    return data


def forward(client, upstream):
    """Pass requests on; hold the armed EndTxn back, cut its client off, and deliver it when told."""
    try:
        while True:
            head = whole(client, 4)
            body = whole(client, struct.unpack(">i", head)[0])
            if armed.is_set() and struct.unpack(">h", body[:2])[0] == END_TXN:
                armed.clear()
                client.shutdown(socket.SHUT_RDWR)
                release.wait()
                upstream.sendall(head + body)
                time.sleep(1)
                delivered.set()
                return
            upstream.sendall(head + body)
    except OSError:
        upstream.close()


def answer(upstream, client):
    try:
        while data := upstream.recv(65536):
            client.sendall(data)
    except OSError:
        pass


def serve(server):
    while True:
        client, _ = server.accept()
        upstream = socket.create_connection(("127.0.0.1", own))
        threading.Thread(target=forward, args=(client, upstream), daemon=True).start()
        threading.Thread(target=answer, args=(upstream, client), daemon=True).start()


threading.Thread(target=serve, args=(socket.create_server(("127.0.0.1", door)),), daemon=True).start()
address = {"bootstrap.servers": f"127.0.0.1:{door}", "log_level": 0}
producer = Producer({**address, "transactional.id": "one", "transaction.timeout.ms": 60000})
producer.init_transactions(60)
producer.begin_transaction()
producer.produce("out", b"first")
producer.flush(10)
armed.set()
producer.commit_transaction(30)
producer.begin_transaction()
producer.produce("out", b"second")
producer.flush(10)
release.set()
assert delivered.wait(10)
try:
    producer.abort_transaction(30)
    told = "no error"
except KafkaException as error:
    told = error.args[0].name()
consumer = Consumer({**address, "group.id": "reader", "auto.offset.reset": "earliest", "isolation.level": "read_committed"})
consumer.subscribe(["out"])
seen, end = [], time.monotonic() + 15
while time.monotonic() < end:
    message = consumer.poll(0.5)
    if message is not None and not message.error():
        seen.append(message.value().decode())
print(f"readers of committed records see: {' '.join(seen)} (the second was never committed; abort: {told})")
assert seen == ["first", "second"]
P
for _ in $(seq 120); do python3 -c "import socket; socket.create_connection(('127.0.0.1', $own), 1)" 2>/dev/null && break; sleep 0.5; done
v/bin/python torn.py "$own" "$door"
