#!/usr/bin/env bash
# Library:  confluent-kafka 2.16.0 (librdkafka), Apache Kafka 4.2.1
# Expected: when commit_transaction() has returned, a reader of committed records that asks for the end of the partition finds the records.
# Seen:     Kafka answers EndTxn once the decision is in the transaction log, and writes the markers into the partitions afterwards.
#           The end that list_offsets(READ_COMMITTED) tells right after a commit is often the one of before the transaction.
# Matters:  a service that reads its own output topic to see its last write concludes that it is missing, and writes it again.
# We:       remember own writes until they have been read back (the rollout's assignments).
# Output:   of 300 commits on three partitions, N were not visible at once; all were visible soon (N is 183 on one machine, and never 0)
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
read -r own control < <(python3 -c "
import socket
held = [socket.create_server(('127.0.0.1', 0)) for _ in range(2)]
print(*(one.getsockname()[1] for one in held))")
cat > server.properties <<X
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$control
listeners=PLAINTEXT://127.0.0.1:$own,CONTROLLER://127.0.0.1:$control
advertised.listeners=PLAINTEXT://127.0.0.1:$own
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=$here/data
num.partitions=3
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
X
java -cp 'lib/*' kafka.tools.StorageTool format -t 5L6g3nShT-eMCtK--X86sw -c server.properties > log 2>&1
java -Xmx512m -cp 'lib/*' kafka.Kafka server.properties >> log 2>&1 & broker=$!
cat > visible.py <<'P'
import sys
import time
from confluent_kafka import IsolationLevel, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

address = {"bootstrap.servers": f"127.0.0.1:{sys.argv[1]}", "log_level": 0}
admin, producer = AdminClient(address), Producer({**address, "transactional.id": "one"})
places = [TopicPartition("out", partition) for partition in range(3)]


def ends():
    asked = admin.list_offsets({place: OffsetSpec.latest() for place in places}, isolation_level=IsolationLevel.READ_COMMITTED)
    return {place.partition: future.result().offset for place, future in asked.items()}


producer.init_transactions(60)
hidden = late = 0
for turn in range(300):
    producer.begin_transaction()
    delivered = {}
    for place in places:
        producer.produce("out", b"x", partition=place.partition, on_delivery=lambda _, m: delivered.update({m.partition(): m.offset()}))
    producer.flush(10)
    producer.commit_transaction(30)
    missing = [partition for partition, end in ends().items() if end <= delivered[partition]]
    hidden += bool(missing)
    patience = time.monotonic() + 5
    while missing and time.monotonic() < patience:
        missing = [partition for partition, end in ends().items() if end <= delivered[partition]]
    late += bool(missing)
print(f"of 300 commits on three partitions, {hidden} were not visible at once; {'all' if not late else 'not all'} were visible soon")
assert hidden > 0 and late == 0
P
for _ in $(seq 120); do python3 -c "import socket; socket.create_connection(('127.0.0.1', $own), 1)" 2>/dev/null && break; sleep 0.5; done
v/bin/python visible.py "$own"
