"""The inventory that a command writes, and its readers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from edgeloop_cli import health, inventory
from edgeloop_cli.health import Health
from edgeloop_cli.inventory import Entry, Inventory, Running
from edgeloop_cli.status import _lines, as_object
from edgeloop_contracts import Alert, AlertKind
from edgeloop_kafka.subjects import Foreign
from edgeloop_local.stack_description import ProcessId

METRICS = """# TYPE edgeloop_consumer_lag gauge
edgeloop_consumer_lag{topic="examples",partition="0"} 3.0
edgeloop_consumer_lag{topic="labels",partition="1"} 4.0
"""


@pytest.fixture(autouse=True)
def _no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDGELOOP_KAFKA_BOOTSTRAP", raising=False)


def ours() -> ProcessId:
    return ProcessId.of(os.getpid())


def gone() -> ProcessId:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as process:
        return ProcessId.of(process.pid)


class Service:
    """A service's pages."""

    def __init__(self, pages: dict[str, tuple[int, str]]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, text = pages.get(self.path, (503, ""))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.entry = Entry("drift", "service", ours(), metrics=f"http://127.0.0.1:{self._server.server_port}/metrics")


def looked(entry: Entry, state: str = inventory.RUNNING) -> tuple[str, int | None]:
    found = health._process_health(Running("up", ours(), 0.0, state), entry)
    return found.state, found.lag


def test_what_runs_can_be_read_while_it_runs_and_no_longer(tmp_path: Path) -> None:
    entries = [Entry("drift", "service", ours(), metrics="http://127.0.0.1:1/metrics")]
    with Inventory(tmp_path, "demo") as kept:
        kept.entries = lambda: entries
        kept.progress = lambda: "row 3 of 4"
        kept.tell(inventory.RUNNING)
        (found,) = inventory.read(tmp_path)
        assert (found.command, found.state, found.progress, found.owner) == ("demo", "running", "row 3 of 4", ours())
        assert [entry.name for entry in found.entries] == ["drift", "edgeloop"]
        entries[0] = Entry("drift", "service", None, restarts=2, ends=((1.5, "was ended by SIGKILL", "said"),))
        deadline = time.monotonic() + 30
        while inventory.read(tmp_path)[0].entries[0].restarts != 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert inventory.read(tmp_path)[0].entries[0] == entries[0]  # of itself, without being told
    assert inventory.read(tmp_path) == []


def test_what_a_killed_command_left_counts_for_nothing_and_goes_with_the_next(tmp_path: Path) -> None:
    with Inventory(tmp_path, "up"):
        (path,) = (tmp_path / "running").iterdir()
        left = json.loads(path.read_text()) | {"owner": {"pid": gone().pid, "started": 1.0}}
    (tmp_path / "running" / "up-1.json").write_text(json.dumps(left))
    (tmp_path / "running" / "up-2.json").write_text("{")
    assert inventory.read(tmp_path) == []
    with Inventory(tmp_path, "up"):
        assert len(list((tmp_path / "running").iterdir())) == 1


def test_a_service_works_when_it_is_ready_and_tells_its_lag() -> None:
    assert looked(Service({"/readyz": (200, ""), "/metrics": (200, METRICS)}).entry) == ("works", 7)


def test_a_service_that_is_not_ready_does_not_work_unless_it_is_being_started() -> None:
    entry = Service({"/healthz": (200, "")}).entry
    assert looked(entry) == ("not ready", None)
    assert looked(entry, inventory.STARTING) == ("starting", None)
    assert looked(Service({}).entry) == ("does not answer", None)


def test_a_process_that_ended_does_not_work() -> None:
    assert looked(Entry("drift", "service", gone(), metrics="http://127.0.0.1:1/metrics")) == ("gone", None)
    assert looked(Entry("drift", "service", None, ends=((0.0, "hung", ""),))) == ("being started again", None)


def test_a_device_without_a_model_works_and_one_that_cannot_keep_its_rows_does_not() -> None:
    pages = {"/healthz": (200, ""), "/metrics": (200, "# TYPE edgeloop_inference_outbox_rows gauge\nedgeloop_inference_outbox_rows 12.0\n")}
    entry = Service(pages).entry
    device = Entry("d", "device", ours(), metrics=entry.metrics)
    assert looked(device) == ("works", 12)
    pages["/metrics"] = (200, "# TYPE edgeloop_inference_outbox_healthy gauge\nedgeloop_inference_outbox_healthy 0.0\n")
    assert looked(device)[0] == "cannot keep its rows"


def test_nothing_says_that_everything_works_beside_dead_letters_or_alerts() -> None:
    alert = Alert(tenant="default", kind=AlertKind.SILENT_DEVICES, stream="pumps", message="2 devices are silent")
    found = Health(cluster="k:1", dead={"ingestion": 280, "labels": 2}, alerts={"a": alert})
    lines = _lines(found)
    assert lines[0] == "dead letters: 282 (ingestion 280, labels 2); see `edgeloop deadletters`"
    assert lines[1].startswith("alert SILENT_DEVICES of default/pumps, since ")
    assert lines[-1] == "all processes work; what is told above wants a look"
    assert as_object(found)["dead_letters"] == {"ingestion": 280, "labels": 2}
    assert _lines(Health(cluster="k:1"))[-1] == "everything works"


def test_what_does_not_work_is_named() -> None:
    strange = [Foreign(name, 2, 7, "it lacks seq", harmful=name != "e") for name in "abcde"]
    found = Health(commands=[Running("up", ours(), 0.0, inventory.RUNNING)], foreign=strange, unanswered=["Kafka is away"])
    found.processes = [
        health.ProcessHealth(Entry("drift", "service", None, restarts=3, ends=((0.0, "was ended by SIGKILL", "x"),)), "gone", None)
    ]
    assert found.broken == [
        "drift (gone)",
        "Kafka is away",
        "records written with the newest schema of a, b, c and 1 more are dead letters",
    ]
    assert _lines(found)[0].startswith("drift: was started again 3 times; at ")
    assert "it was ended by SIGKILL; it said last: x" in _lines(found)[0]


def test_without_kafka_what_runs_does_not_work(tmp_path: Path) -> None:
    with Inventory(tmp_path, "up") as kept:
        kept.tell(inventory.STARTING)
        assert health.check(tmp_path).broken == []
        kept.tell(inventory.RUNNING)
        assert health.check(tmp_path).broken == ["Kafka and the schema registry do not answer"]
    assert not health.check(tmp_path).runs
