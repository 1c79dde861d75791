"""The outbox, which keeps answered rows until a broker has them."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import apsw
import fastavro
import numpy as np
import pytest
import structlog
import tritonclient.grpc as triton
from edgeloop_contracts import DeviceReport, ObservationBatch
from edgeloop_inference.core.bandwidth import Bandwidth
from edgeloop_inference.io.identity import device_signer
from edgeloop_inference.io.outbox import Outbox, OutboxUnavailableError
from edgeloop_inference.io.outbox_batches import SIZE, columns
from edgeloop_inference.io.outbox_sender import DeliveryError, Report, Sender
from edgeloop_inference.metrics import Metrics
from prometheus_client import CollectorRegistry
from tritonclient.utils import InferenceServerException


def rows(count: int = 1, stream: str = "pumps", version: int = 1, value: float = 1.0) -> ObservationBatch:
    features = np.full((count, 2), value, "<f4").tobytes()
    times, answers = (5,) * count, ("good",) * count
    return ObservationBatch(
        tenant="default",
        device_id="",
        boot_epoch=0,
        first_seq=-1,
        stream=stream,
        count=count,
        features=features,
        event_times=times,
        model_version=version,
        answers=answers,
    )


def opened(folder: Path, max_rows: int = 1000, max_bytes: int = 1 << 20) -> Outbox:
    return Outbox(folder, max_rows=max_rows, max_bytes=max_bytes)


def kept(outbox: Outbox) -> list[int]:
    return [s.batch.first_seq + i for s in outbox.after(0, 10_000) for i in range(s.batch.count)]


def test_numbers_go_on_by_stream_over_a_restart_even_when_everything_was_sent(tmp_path: Path) -> None:
    outbox = opened(tmp_path)
    assert [outbox.append(rows(3)), outbox.append(rows(2)), outbox.append(rows(1, "fans"))] == [0, 3, 0]
    outbox.forget(s.place for s in outbox.after(0, 10))
    outbox.close()
    again = opened(tmp_path)
    assert (again.epoch, again.rows, again.bytes) == (1, 0, 0)
    assert [again.append(rows(1)), again.append(rows(1, "fans"))] == [5, 1]
    again.close()


def test_what_is_read_back_is_what_was_written(tmp_path: Path) -> None:
    outbox = opened(tmp_path)
    written = ObservationBatch(
        tenant="default",
        device_id="",
        boot_epoch=0,
        first_seq=-1,
        stream="pumps",
        count=2,
        features=b"\1" * 16,
        event_times=(7, 8),
        request_ids=("a", "ü"),
        model_version=4,
        answers=("good", 'b"ad'),
        adapter=1250,
    )
    outbox.append(written)
    assert [s.batch for s in outbox.after(0, 10)] == [replace(written, first_seq=0)]
    outbox.close()


def test_the_rows_of_an_outbox_of_an_older_release_are_sent_as_they_were(tmp_path: Path) -> None:
    outbox = opened(tmp_path)
    outbox.append(rows(3))
    outbox._writer.execute("drop table batches; drop table schemas")
    outbox._writer.execute(
        "create table rows(place integer primary key, stream text, version integer, first_seq integer, count integer, size integer,"
        " features blob, event_times blob, request_ids text, answers text)"
    )
    times, answers = np.full(3, 5, "<i8").tobytes(), '["good", "good", "good"]'
    row = (7, "pumps", 1, 0, 3, 99, rows(3).features, times, '["a", "", "ü"]', answers)
    outbox._writer.execute("insert into rows values(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    outbox.close()
    again = opened(tmp_path)
    assert [(s.place, s.batch) for s in again.after(0, 10)] == [(7, replace(rows(3), first_seq=0, request_ids=("a", "", "ü")))]
    assert again.append(replace(rows(1), adapter=50, answers_alone=("b",))) == 3
    again.close()
    once_more = opened(tmp_path)
    assert [(s.batch.first_seq, s.batch.adapter, s.batch.answers_alone) for s in once_more.after(0, 10)] == [(0, 0, ()), (3, 50, ("b",))]
    once_more.close()


def test_rows_that_were_written_with_the_schema_of_another_release_are_sent(tmp_path: Path) -> None:
    outbox = opened(tmp_path)
    outbox.append(rows(2))
    schema = json.loads(ObservationBatch.SCHEMA)
    schema["fields"] = [f for f in schema["fields"] if f["name"] != "answers_alone"] + [{"name": "more", "type": "string", "default": ""}]
    fields = {**rows(2).as_dict(), "more": "unknown here"}
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, fields)
    outbox._writer.execute("update schemas set text = ?", (json.dumps(schema),))
    outbox._writer.execute("update batches set body = ?", (out.getvalue(),))
    outbox.close()
    again = opened(tmp_path)
    assert again.append(rows(1)) == 2
    assert [s.batch for s in again.after(0, 10)] == [replace(rows(2), first_seq=0), replace(rows(1), first_seq=2)]
    again.close()


def test_a_large_request_is_cut_into_pieces_that_fit_into_a_batch(tmp_path: Path) -> None:
    outbox = opened(tmp_path, max_rows=10_000)
    assert outbox.append(rows(600)) == 0
    assert [(s.batch.first_seq, s.batch.count) for s in outbox.after(0, 10)] == [(0, 256), (256, 256), (512, 88)]
    outbox.close()


def test_beyond_its_bounds_the_oldest_rows_are_dropped_and_counted_and_leave_a_gap(tmp_path: Path) -> None:
    outbox = opened(tmp_path, max_rows=10)
    for _ in range(6):
        outbox.append(rows(3))
    assert kept(outbox) == list(range(9, 18)) and (outbox.dropped, outbox.rows) == (9, 9)
    outbox.close()
    by_bytes = opened(tmp_path / "b", max_bytes=10 * columns(rows(3), 1)[SIZE])
    for _ in range(40):
        by_bytes.append(rows(3))
    assert by_bytes.rows == 30 and by_bytes.bytes == 10 * columns(rows(3), 1)[SIZE] and by_bytes.dropped == 90
    by_bytes.close()


def test_concurrent_requests_get_numbers_of_their_own_and_share_commits(tmp_path: Path) -> None:
    commits = 0

    def appended() -> None:
        nonlocal commits
        commits += 1

    outbox = Outbox(tmp_path, max_rows=10_000, max_bytes=1 << 24, appended=appended)
    numbers: list[int] = []
    threads = [threading.Thread(target=lambda: numbers.extend(outbox.append(rows()) for _ in range(100))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(800)) == kept(outbox)
    assert commits < 800
    outbox.close()


def test_a_full_disk_loses_rows_without_a_number_and_recovery_needs_no_restart(tmp_path: Path) -> None:
    outbox = opened(tmp_path, max_rows=100_000, max_bytes=1 << 30)
    assert outbox.append(rows()) == 0
    connection: apsw.Connection = outbox._writer
    pages = connection.execute("pragma page_count").fetchall()[0][0]
    connection.execute(f"pragma max_page_count = {pages + 2}")
    with pytest.raises(OutboxUnavailableError, match="full"):
        outbox.append(rows(20_000))
    assert not outbox.healthy and outbox.lost == 20_000
    connection.execute("pragma max_page_count = 1000000")
    assert outbox.append(rows()) == 1
    assert outbox.healthy and kept(outbox) == [0, 1]
    outbox.close()


def test_the_outbox_takes_at_most_half_of_what_is_free_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = 20 * columns(rows(), 1)[SIZE]
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free))
    outbox = opened(tmp_path)
    for _ in range(15):
        outbox.append(rows())
    assert (outbox.rows, outbox.dropped) == (10, 5)
    outbox.close()


def test_a_broken_file_is_put_aside_and_a_new_epoch_begins(tmp_path: Path) -> None:
    outbox = opened(tmp_path)
    outbox.claim(0)
    outbox.append(rows())
    outbox.close()
    (tmp_path / "outbox.db").write_bytes(b"no database at all" * 1000)
    again = opened(tmp_path)
    assert (again.epoch, again.claimed, again.append(rows())) == (2, False, 0)
    assert (tmp_path / "outbox.db.broken-0").exists()
    again.close()


def test_a_new_outbox_of_a_device_that_was_seen_before_takes_the_next_epoch(tmp_path: Path) -> None:
    outbox = opened(tmp_path)
    outbox.claim(4)
    assert (outbox.epoch, outbox.claimed) == (5, True)
    outbox.claim(9)
    outbox.close()
    assert opened(tmp_path).epoch == 5


def ask(port: int, value: float, **options: Any) -> Any:
    tensor = triton.InferInput("input", [1, 2], "FP32")
    tensor.set_data_from_numpy(np.array([[value, 0]], np.float32))
    return triton.InferenceServerClient(f"127.0.0.1:{port}").infer("pumps", [tensor], **options).get_response()


def sent(bench: Any) -> list[tuple[int, int]]:
    return [(b.boot_epoch, b.first_seq + i) for b in bench.kafka.batches for i in range(b.count)]


def test_rows_answered_without_a_broker_are_sent_when_it_is_back_in_order_and_whole(bench: Any) -> None:
    device = bench.serving()
    bench.kafka.online = False
    for value in range(5):
        ask(device.port, value)
    assert not bench.kafka.batches and bench.metric("edgeloop_inference_outbox_rows") == 5
    bench.kafka.online = True
    bench.eventually(lambda: bench.metric("edgeloop_inference_outbox_rows") == 0)
    assert sent(bench) == [(1, n) for n in range(5)]
    assert bench.metric("edgeloop_inference_failed_deliveries_total") == 0, "what waits for a broker is not given up"


def test_a_producer_that_broke_for_good_is_replaced_and_nothing_is_left_out(bench: Any) -> None:
    device = bench.serving()
    bench.kafka.refuses = "out of order sequence number"
    for value in range(5):
        ask(device.port, value)
    bench.eventually(lambda: bench.metric("edgeloop_inference_outbox_rows") == 0)
    assert list(dict.fromkeys(sent(bench))) == [(1, n) for n in range(5)]
    assert bench.metric("edgeloop_inference_failed_deliveries_total") >= 1


def test_a_refused_report_is_sent_again_before_younger_ones(bench: Any, tmp_path: Path) -> None:
    kafka, outbox = bench.kafka, opened(tmp_path / "outbox")
    outbox.claim(0)
    sender = Sender(
        kafka,
        outbox,
        Metrics(CollectorRegistry(), structlog.get_logger()),
        "acme",
        "p1",
        0,
        threading.Event(),
        device_signer(tmp_path / "keys"),
        Bandwidth(time.monotonic),
    )
    older, younger = (Report(DeviceReport(tenant="acme", stream="pumps", device_id="p1", version=n), None) for n in (1, 2))
    publisher = kafka.publisher(timeout_s=None)
    sender.report(older)
    sender.send(publisher)
    sender.report(younger)
    kafka.refuses = "not authorized"
    with pytest.raises(DeliveryError, match="not authorized"):
        sender.step(publisher)
    publisher = kafka.publisher(timeout_s=None)
    sender.send(publisher)
    publisher.flush()
    assert [report.version for report in kafka.reports] == [1, 2]
    outbox.close()


def test_a_restarted_device_goes_on_with_its_epoch_and_sends_what_it_had(bench: Any) -> None:
    device = bench.serving()
    ask(device.port, 1)
    bench.eventually(lambda: len(sent(bench)) == 1)
    bench.kafka.online = False
    ask(device.port, 2)
    bench.stop()
    device = bench.device()
    assert ask(device.port, 3).parameters["edgeloop_seq"].int64_param == 2
    bench.kafka.online = True
    bench.eventually(lambda: set(sent(bench)) == {(1, 0), (1, 1), (1, 2)})


def test_a_device_with_a_lost_disk_starts_a_new_epoch_so_that_its_rows_are_no_duplicates(bench: Any) -> None:
    bench.serving()
    bench.stop()
    device = bench.device(data_dir=bench.folder / "new disk")
    bench.eventually(lambda: device.ready)
    assert ask(device.port, 1).parameters["edgeloop_boot_epoch"].int64_param == 2
    bench.eventually(lambda: sent(bench) == [(2, 0)])


def test_answers_go_on_when_rows_cannot_be_kept(bench: Any) -> None:
    device = bench.serving()
    device._outbox._writer.execute("pragma query_only = 1")
    response = ask(device.port, 1)
    assert response.model_version == "1" and "edgeloop_seq" not in response.parameters
    assert bench.metric("edgeloop_inference_outbox_healthy") == 0 and bench.metric("edgeloop_inference_outbox_lost_rows") == 1
    device._outbox._writer.execute("pragma query_only = 0")
    assert ask(device.port, 1).parameters["edgeloop_seq"].int64_param == 0
    assert bench.metric("edgeloop_inference_outbox_healthy") == 1


CHILD = """
import os, sys, threading
from pathlib import Path
from edgeloop_inference.io.outbox import Outbox
from edgeloop_contracts import ObservationBatch
from tritonclient.utils import InferenceServerException
outbox = Outbox(Path(sys.argv[1]), max_rows=10**6, max_bytes=1 << 30)
def write():
    while True:
        batch = ObservationBatch(tenant="acme", stream="pumps", device_id="p1", boot_epoch=0, first_seq=0, count=1, features=b"12345678", event_times=(5,), model_version=1, answers=("good",))
        seq = outbox.append(batch)
        os.write(1, b"%d\\n" % seq)
for _ in range(4):
    threading.Thread(target=write).start()
"""


def test_no_answered_row_is_lost_and_no_number_is_given_twice_however_often_the_device_is_killed(tmp_path: Path) -> None:
    answered: list[int] = []
    for _ in range(5):
        child = subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        first = child.stdout.readline()
        time.sleep(0.1)
        os.kill(child.pid, signal.SIGKILL)
        lines = (first + child.stdout.read()).splitlines(keepends=True)
        child.wait()
        answered += [int(line) for line in lines if line.endswith(b"\n")]
    assert len(answered) == len(set(answered)) > 20
    outbox = opened(tmp_path, max_rows=10**6, max_bytes=1 << 30)
    stored = kept(outbox)
    outbox.close()
    assert set(answered) <= set(stored)
    assert stored == list(range(len(stored)))


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def test_a_device_killed_without_a_network_sends_every_answered_row_after_its_restart(bench: Any) -> None:
    bench.serving()
    bench.stop()
    http, port = free_port(), free_port()
    environment = {
        **os.environ,
        "EDGELOOP_INFERENCE_DEVICE": "p1",
        "EDGELOOP_INFERENCE_TENANT": "acme",
        "EDGELOOP_INFERENCE_STREAMS": "pumps",
        "EDGELOOP_INFERENCE_DATA_DIR": str(bench.folder / "data"),
        "EDGELOOP_INFERENCE_TRUST_FILE": str(bench.folder / "trust.pem"),
        "EDGELOOP_INFERENCE_ADAPTER_TRUST_FILE": str(bench.folder / "adapter-trust.pem"),
        "EDGELOOP_INFERENCE_GRPC_PORT": str(port),
        "EDGELOOP_HTTP_PORT": str(http),
        "EDGELOOP_KAFKA_BOOTSTRAP": f"127.0.0.1:{free_port()}",
    }
    numbers: list[int] = []
    for _ in range(2):
        child = subprocess.Popen([sys.executable, "-m", "edgeloop_inference"], env=environment)
        try:
            client = triton.InferenceServerClient(f"127.0.0.1:{port}")
            bench.eventually(lambda client=client: is_ready(client), 60)
            with urllib.request.urlopen(f"http://127.0.0.1:{http}/readyz", timeout=30) as page:
                assert page.status == 200
            numbers += [ask(port, value).parameters["edgeloop_seq"].int64_param for value in range(20)]
            client.close()
        finally:
            os.kill(child.pid, signal.SIGKILL)
            child.wait()
    assert numbers == list(range(40))
    bench.device()
    bench.eventually(lambda: sorted(set(sent(bench))) == [(1, n) for n in range(40)])


def is_ready(client: Any) -> bool:
    try:
        return bool(client.is_server_ready())
    except InferenceServerException:
        return False
