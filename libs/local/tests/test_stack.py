"""The real thing: Kafka and the schema registry as processes. The first run on a machine downloads them (190 MB)."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from edgeloop_local import LocalStack
from edgeloop_local.errors import DataDirBusyError, PortTakenError, ProcessDiedError, StoppedError
from edgeloop_local.ports import LOOPBACK, free_port
from edgeloop_local.process_lock import ProcessLock
from edgeloop_local.progress import Silence
from edgeloop_local.records_format import RECORDS_FORMAT
from edgeloop_local.schema_registry import SchemaRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]
SCHEMA = json.dumps({"type": "record", "name": "Thing", "fields": [{"name": "n", "type": "int", "default": 0}]})
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with LocalStack(tmp_path_factory.mktemp("data")) as stack:
        yield stack


def call(url: str, body: dict[str, Any] | None = None) -> Any:  # whatever JSON it is
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, {"Content-Type": "application/vnd.schemaregistry.v1+json"})
    with _DIRECT.open(request, timeout=10) as answer:
        return json.load(answer)


def register(stack: LocalStack, subject: str) -> int:
    return call(f"{stack.registry_url}/subjects/{subject}/versions", {"schema": SCHEMA})["id"]


def create(stack: LocalStack, topic: str) -> None:
    admin = AdminClient({"bootstrap.servers": stack.bootstrap})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(10)


def produce(stack: LocalStack, topic: str, values: list[bytes]) -> None:
    producer = Producer({"bootstrap.servers": stack.bootstrap, "message.max.bytes": 4_000_000})
    for value in values:
        producer.produce(topic, value)
    assert producer.flush(20) == 0


def consume(stack: LocalStack, topic: str, count: int) -> list[bytes]:
    consumer = Consumer({"bootstrap.servers": stack.bootstrap, "group.id": "test", "fetch.message.max.bytes": 4_000_000})
    consumer.assign([TopicPartition(topic, 0, 0)])
    values = [message.value() for message in consumer.consume(count, timeout=20)]
    consumer.close()
    return [value for value in values if value is not None]


def test_both_are_ready_when_the_block_begins(stack: LocalStack) -> None:
    create(stack, "readings")
    produce(stack, "readings", [b"one", b"two"])
    assert consume(stack, "readings", 2) == [b"one", b"two"]
    assert register(stack, "readings-value") == register(stack, "readings-value") > 0


def test_a_record_of_more_than_a_mebibyte_passes(stack: LocalStack) -> None:
    create(stack, "chunks")
    produce(stack, "chunks", [bytes(1_200_000)])
    assert len(consume(stack, "chunks", 1)[0]) == 1_200_000


def test_a_misspelt_topic_is_not_created(stack: LocalStack) -> None:
    admin = AdminClient({"bootstrap.servers": stack.bootstrap})
    admin.list_topics("readigns", timeout=5)
    time.sleep(0.3)
    assert "readigns" not in admin.list_topics(timeout=5).topics


def test_a_transaction_commits_soon_after_the_first_start(stack: LocalStack) -> None:
    create(stack, "effects")
    producer = Producer({"bootstrap.servers": stack.bootstrap, "transactional.id": "t-1"})
    producer.init_transactions(20)
    producer.begin_transaction()
    producer.produce("effects", b"once")
    producer.commit_transaction(20)
    assert consume(stack, "effects", 1) == [b"once"]


def test_nothing_listens_beyond_the_loopback_interface(stack: LocalStack) -> None:
    for server in (stack.kafka, stack.registry):
        connections = psutil.Process(server.child.pid).net_connections("tcp")
        addresses = {each.laddr.ip for each in connections if each.status == psutil.CONN_LISTEN}
        assert {address.removeprefix("::ffff:") for address in addresses} == {LOOPBACK}


def test_another_process_can_attach(stack: LocalStack) -> None:
    code = f"""
from pathlib import Path
from edgeloop_local import LocalStack
info = LocalStack.attached(Path({str(stack.data_dir)!r}))
print(info.bootstrap, info.registry_url, info.owner.pid)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert run.stdout.split() == [stack.bootstrap, stack.registry_url, str(os.getpid())]


def test_a_second_start_on_the_same_data_is_refused_and_says_by_whom_it_is_held(stack: LocalStack) -> None:
    with pytest.raises(DataDirBusyError, match=rf"in use by process {os.getpid()}: stop that one first"):
        LocalStack(stack.data_dir).start()
    assert LocalStack.attached(stack.data_dir) is not None  # the first one is unharmed


def test_a_fixed_port_that_is_taken_is_refused_before_anything_starts(stack: LocalStack, tmp_path: Path) -> None:
    with pytest.raises(PortTakenError, match=rf"port {stack.kafka.port} \(Kafka\) is already in use by java \(pid \d+\)"):
        LocalStack(tmp_path, kafka_port=stack.kafka.port).start()
    assert not (tmp_path / "logs").exists()


def test_records_ids_and_ports_are_the_same_after_a_restart_and_no_process_is_left_between(tmp_path: Path) -> None:
    data = tmp_path / "some place"  # with a blank in its name
    with LocalStack(data) as stack:
        create(stack, "kept")
        produce(stack, "kept", [b"one", b"two"])
        ids = [register(stack, subject) for subject in ("a-value", "b-value")]
        pids = [stack.kafka.child.pid, stack.registry.child.pid]
        addresses = (stack.bootstrap, stack.registry_url)
    assert LocalStack.attached(data) is None
    assert not any(psutil.pid_exists(pid) for pid in pids)
    with LocalStack(data) as again:
        assert (again.bootstrap, again.registry_url) == addresses
        assert consume(again, "kept", 2) == [b"one", b"two"]
        assert json.loads(call(f"{again.registry_url}/schemas/ids/{ids[0]}")["schema"]) == json.loads(SCHEMA)
        assert [register(again, subject) for subject in ("a-value", "b-value")] == ids


OWNER = """
import sys, time
from pathlib import Path
from edgeloop_local import LocalStack
with LocalStack(Path(sys.argv[1])) as stack:
    print(stack.kafka.child.pid, stack.registry.child.pid, flush=True)
    sys.stdin.readline()
    time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends the servers at once")
def test_a_killed_owner_leaves_no_server_and_loses_no_id_that_was_given_out(tmp_path: Path, eventually: Eventually) -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], stdin=-1, stdout=-1) as owner:
        assert owner.stdout is not None
        pids = [int(pid) for pid in owner.stdout.readline().split()]
        info = LocalStack.attached(tmp_path)
        assert info is not None
        given = call(f"{info.registry_url}/subjects/late-value/versions", {"schema": SCHEMA})["id"]
        owner.kill()  # at once: half a second later H2 would have written it anyway
    eventually(lambda: not any(psutil.pid_exists(pid) for pid in pids), seconds=5)
    assert LocalStack.attached(tmp_path) is None
    with LocalStack(tmp_path) as stack:
        assert call(f"{stack.registry_url}/subjects/late-value/versions/latest")["id"] == given


def test_a_broker_that_dies_at_its_start_is_told_with_its_last_words_and_nothing_is_left(tmp_path: Path) -> None:
    log_dir = tmp_path / "kafka" / "log"
    log_dir.mkdir(parents=True)
    (log_dir / "meta.properties").write_text("version=1\ncluster.id=x\nnode.id=77\n")  # of another broker
    (tmp_path / "records-format").write_text(str(RECORDS_FORMAT))
    stack = LocalStack(tmp_path)
    with pytest.raises(ProcessDiedError, match=r"Kafka ended with exit code 1 while starting \(log: .*\)(.|\n)*77"):
        stack.start()
    assert not stack.kafka.running()
    assert not stack.registry.running()
    shutil.rmtree(log_dir)
    with stack:  # and the same object can be started once the cause is removed
        assert LocalStack.attached(tmp_path) is not None


def test_a_stranger_on_a_remembered_port_is_evaded(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "ports.json").write_text(json.dumps({"Kafka": port}))
    with socket.socket() as stranger:
        stranger.bind((LOOPBACK, port))
        stranger.listen()
        with LocalStack(tmp_path) as stack:
            assert stack.kafka.port != port


def test_a_server_that_died_can_be_started_again_where_it_was(stack: LocalStack) -> None:
    create(stack, "survives")
    produce(stack, "survives", [b"one"])
    before = stack.bootstrap
    stack.kafka.child.kill()
    stack.kafka.child.wait()
    assert LocalStack.attached(stack.data_dir) is None
    stack.restart(stack.kafka)
    assert stack.bootstrap == before
    assert LocalStack.attached(stack.data_dir) is not None
    assert consume(stack, "survives", 1) == [b"one"]


def test_a_broker_that_was_frozen_for_longer_than_its_session_serves_again(stack: LocalStack) -> None:
    create(stack, "frozen")
    os.kill(stack.kafka.child.pid, signal.SIGSTOP)
    time.sleep(5)
    os.kill(stack.kafka.child.pid, signal.SIGCONT)
    produce(stack, "frozen", [b"one"])
    assert consume(stack, "frozen", 1) == [b"one"]


def test_a_registry_that_ends_while_it_starts_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ready, killed, lines = SchemaRegistry.wait_ready, list[int](), list[str]()

    def wait_ready(registry: SchemaRegistry, timeout: float) -> None:
        if not killed:
            killed.append(registry.child.pid)
            registry.child.kill()
        ready(registry, timeout)

    monkeypatch.setattr(SchemaRegistry, "wait_ready", wait_ready)
    progress = Silence()
    monkeypatch.setattr(progress, "report", lines.append)
    with LocalStack(tmp_path, progress=progress) as stack:
        assert LocalStack.attached(tmp_path) is not None
        assert stack.registry.child.pid not in killed
    assert "the schema registry was ended by SIGKILL while starting; starting it again (2 of 3)" in lines


def test_a_stack_may_be_stopped_by_several_threads_while_another_one_starts_it(tmp_path: Path, eventually: Eventually) -> None:
    stack = LocalStack(tmp_path)
    with ThreadPoolExecutor(3) as pool:
        starting = pool.submit(stack.start)
        eventually(lambda: stack._kafka is not None and stack._kafka.running(), seconds=60)
        for stopping in [pool.submit(stack.stop) for _ in range(2)]:
            stopping.result()
        with pytest.raises(StoppedError):
            starting.result()
    assert not stack.kafka.running()
    assert not stack.registry.running()
    lock = ProcessLock(tmp_path / "lock")
    assert lock.try_acquire()
    lock.release()
