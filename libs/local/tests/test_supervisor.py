"""Supervision, of children that are small Python programs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import psutil
import pytest
from edgeloop_local import ChildSpec, State, Supervisor
from edgeloop_local.errors import NotReadyError, ProcessDiedError, StoppedError
from edgeloop_local.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Eventually

SLEEP = "import time; time.sleep(120)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf'); time.sleep(120)"
POLITE = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('bye', time.monotonic())))
print('up')
time.sleep(120)
"""
SERVER = """
import sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer
class Ready(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == '/readyz' else 404)
        self.end_headers()
time.sleep(0.3)
HTTPServer(('127.0.0.1', int(sys.argv[1])), Ready).serve_forever()
"""


def child(tmp_path: Path, code: str, name: str = "child", *arguments: str, **options: bool | int) -> ChildSpec:
    argv = [sys.executable, "-u", "-c", code, *arguments]
    port, restart = options.get("port"), bool(options.get("restart", True))
    return ChildSpec(name, argv, log=tmp_path / f"{name}.log", port=port, restart=restart)


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_child_that_is_killed_is_started_again(tmp_path: Path, eventually: Eventually) -> None:
    with Supervisor([child(tmp_path, SLEEP)]) as services:
        before = services.status()[0]
        assert before.pid is not None
        os.kill(before.pid, signal.SIGKILL)
        eventually(lambda: services.status()[0].restarts == 1 and services.status()[0].state is State.RUNNING)
        after = services.status()[0]
        assert after.pid not in {None, before.pid}
        assert after.exit_code == -signal.SIGKILL


def test_a_child_that_always_fails_is_tried_less_and_less_often(tmp_path: Path) -> None:
    with Supervisor([child(tmp_path, "print('boom'); raise SystemExit(3)")]) as services:
        time.sleep(2.0)
        status = services.status()[0]
    # After 0.2, 0.4, 0.8 and 1.6 s: three or four starts in two seconds, not forty.
    assert 2 <= status.restarts <= 4
    assert status.exit_code == 3


def test_a_task_runs_once_and_its_exit_code_is_told(tmp_path: Path, eventually: Eventually) -> None:
    tasks = [
        child(tmp_path, "pass", "good", restart=False),
        child(tmp_path, "raise SystemExit('no')", "bad", restart=False),
    ]
    with Supervisor(tasks) as services:
        eventually(lambda: [each.state for each in services.status()] == [State.FINISHED, State.FAILED])
        services.wait_ready(names=["good"])
        with pytest.raises(ProcessDiedError, match=r"bad ended with exit code 1(.|\n)*no"):
            services.wait_ready()


def test_ready_means_that_readyz_answers(tmp_path: Path) -> None:
    port = free_port()
    with Supervisor([child(tmp_path, SERVER, "web", str(port), port=port), child(tmp_path, SLEEP)]) as services:
        services.wait_ready(timeout=10)


def test_who_is_not_ready_in_time_is_named_and_quoted(tmp_path: Path) -> None:
    quiet = child(tmp_path, "print('thinking'); " + SLEEP, "quiet", port=free_port())
    with Supervisor([quiet]) as services, pytest.raises(NotReadyError, match=r"quiet did not .* 0.7 s(.|\n)*thinking"):
        services.wait_ready(timeout=0.7)


def test_every_child_gets_the_chance_to_end_by_itself(tmp_path: Path, eventually: Eventually) -> None:
    names = ["first", "second", "third"]
    with Supervisor([child(tmp_path, POLITE, name) for name in names]) as services:
        eventually(lambda: all((tmp_path / f"{name}.log").read_text().startswith("up") for name in names))
        pids = [each.pid for each in services.status()]
    assert all(each.state is State.STOPPED and each.pid is None for each in services.status())
    assert all(gone(pid) for pid in pids if pid)
    assert all("bye" in (tmp_path / f"{name}.log").read_text() for name in names)


def test_a_child_that_ignores_sigterm_is_killed_after_the_grace_period(tmp_path: Path, eventually: Eventually) -> None:
    with Supervisor([child(tmp_path, STUBBORN)], grace=0.5) as services:
        eventually(lambda: "deaf" in (tmp_path / "child.log").read_text())
        began = time.monotonic()
        services.stop()
        assert 0.5 <= time.monotonic() - began < 3
    assert services.status()[0].exit_code == -signal.SIGKILL


def test_a_stopped_child_can_still_end_politely(tmp_path: Path, eventually: Eventually) -> None:
    with Supervisor([child(tmp_path, POLITE)], grace=20) as services:
        eventually(lambda: (tmp_path / "child.log").read_text().startswith("up"))
        pid = services.status()[0].pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        eventually(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED)
        began = time.monotonic()
        services.stop()
        assert time.monotonic() - began < 5
    assert "bye" in (tmp_path / "child.log").read_text()


def test_what_a_child_has_started_itself_does_not_outlive_it(tmp_path: Path, eventually: Eventually) -> None:
    code = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {SLEEP!r}]).pid); {SLEEP}"
    with Supervisor([child(tmp_path, code)]):
        log = tmp_path / "child.log"
        eventually(lambda: log.exists() and log.read_text().endswith("\n"))
    eventually(lambda: gone(int(log.read_text())))


def test_one_child_can_be_stopped_and_started_while_the_others_run(tmp_path: Path, eventually: Eventually) -> None:
    with Supervisor([child(tmp_path, SLEEP, "a"), child(tmp_path, SLEEP, "b")]) as services:
        pid = services.status()[1].pid
        services.stop_child("a")
        time.sleep(0.5)
        assert [each.state for each in services.status()] == [State.STOPPED, State.RUNNING]
        services.start_child("a")
        services.start_child("b")  # runs already
        services.add(child(tmp_path, SLEEP, "c"))
        eventually(lambda: [each.state for each in services.status()] == [State.RUNNING] * 3)
        assert services.status()[1].pid == pid
        assert [each.restarts for each in services.status()] == [0, 0, 0]


def test_the_status_can_be_asked_while_a_slow_child_is_being_stopped(tmp_path: Path, eventually: Eventually) -> None:
    with Supervisor([child(tmp_path, STUBBORN)], grace=1.0) as services:
        eventually(lambda: "deaf" in (tmp_path / "child.log").read_text())
        stopping = threading.Thread(target=services.stop)
        stopping.start()
        eventually(lambda: services.status()[0].state is State.STOPPING, seconds=0.8)
        stopping.join()


def test_a_command_that_does_not_exist_is_told_in_the_log(tmp_path: Path, eventually: Eventually) -> None:
    spec = ChildSpec("ghost", ["no-such-program"], log=tmp_path / "ghost.log", restart=False)
    with Supervisor([spec]) as services:
        eventually(lambda: services.status()[0].state is State.FAILED)
    assert "cannot run no-such-program" in spec.log.read_text()


def test_a_child_outlives_the_thread_that_started_it(tmp_path: Path) -> None:
    services = Supervisor([child(tmp_path, SLEEP)])
    starter = threading.Thread(target=services.start)
    starter.start()
    starter.join()
    time.sleep(0.5)
    assert services.status()[0].state is State.RUNNING
    assert services.status()[0].restarts == 0
    services.stop()


PARENT = """
import os, sys, time
from pathlib import Path
from edgeloop_local import ChildSpec, Supervisor
deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(120)"
log = Path(sys.argv[1])
services = Supervisor(
    [ChildSpec(f"child{i}", [sys.executable, "-c", deaf], log=log.with_name(f"{i}.log")) for i in range(3)]
).start()
while not all(log.with_name(f"{i}.log").read_text() for i in range(3)):
    time.sleep(0.02)
print(*[child.pid for child in services.status()], flush=True)
{then}
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a guard polls, which other tests cover")
def test_no_orphan_is_left_when_the_parent_is_killed(tmp_path: Path, eventually: Eventually) -> None:
    code = PARENT.replace("{then}", "time.sleep(120)")
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "log")], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 3
        assert not any(gone(pid) for pid in pids)
        parent.kill()
    eventually(lambda: all(gone(pid) for pid in pids), seconds=5)


def test_a_parent_that_ends_without_stopping_leaves_no_child(tmp_path: Path, eventually: Eventually) -> None:
    run = subprocess.run(
        [sys.executable, "-c", PARENT.replace("{then}", ""), str(tmp_path / "log")],
        capture_output=True,
        timeout=30,
        check=True,
    )
    pids = [int(pid) for pid in run.stdout.split()]
    assert len(pids) == 3
    eventually(lambda: all(gone(pid) for pid in pids), seconds=5)


def test_ctrl_c_reaches_the_parent_and_not_its_children(tmp_path: Path, eventually: Eventually) -> None:
    with Supervisor([child(tmp_path, SLEEP)]) as services:
        pid = services.status()[0].pid
        assert pid is not None
        eventually(lambda: os.getsid(pid) == pid)
        assert os.getpgid(pid) != os.getpgid(0)


def test_two_children_with_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="two children"):
        Supervisor([child(tmp_path, SLEEP), child(tmp_path, SLEEP)])


def test_how_a_child_ended_is_kept_the_first_time_and_the_newest_times(tmp_path: Path, eventually: Eventually) -> None:
    code = f"""
import pathlib
count = pathlib.Path({str(tmp_path / "count")!r})
number = int(count.read_text()) + 1 if count.exists() else 1
count.write_text(str(number))
print('run', number)
raise SystemExit(10 + number)
"""
    began = time.time()
    with Supervisor([child(tmp_path, code)]) as services:
        services._children["child"]._backoff._limit = 0.05
        eventually(lambda: services.status()[0].restarts >= 7)
    ends = services.status()[0].ends
    assert [(end.exit_code, end.last_lines[-1]) for end in ends][:1] == [(11, "run 1")]
    assert [end.exit_code for end in ends[1:]] == list(range(ends[1].exit_code or 0, (ends[1].exit_code or 0) + 5))
    assert began <= ends[0].at <= ends[-1].at <= time.time()


def test_of_several_that_are_not_ready_the_one_that_ended_first_is_named_and_quoted_as_it_was_then(tmp_path: Path) -> None:
    first = child(tmp_path, "print('no such key')\nraise SystemExit(1)", "cause", port=free_port())
    later = child(tmp_path, "import time; time.sleep(0.6); print('cause is gone'); raise SystemExit(1)", "effect", port=free_port())
    with Supervisor([later, first]) as services, pytest.raises(NotReadyError) as late:
        services.wait_ready(timeout=1.5)
    text = str(late.value)
    assert text.startswith("effect, cause did not become ready within 1.5 s; first cause ended with exit code 1 (log: ")
    assert "no such key" in text
    assert "cause is gone" not in text


def test_who_says_that_it_cannot_start_as_it_is_set_up_is_not_waited_for(tmp_path: Path) -> None:
    unusable = child(tmp_path, "print('EDGELOOP_X: expected a number'); raise SystemExit(2)", "unusable", port=free_port())
    began = time.monotonic()
    with Supervisor([unusable]) as services, pytest.raises(ProcessDiedError, match=r"unusable ended with exit code 2(.|\n)*EDGELOOP_X"):
        services.wait_ready(timeout=60)
    assert time.monotonic() - began < 30


def test_who_waits_is_told_when_all_is_stopped(tmp_path: Path) -> None:
    services = Supervisor([child(tmp_path, SLEEP, port=free_port())]).start()
    threading.Timer(0.3, services.stop).start()
    with pytest.raises(StoppedError):
        services.wait_ready(timeout=60)
