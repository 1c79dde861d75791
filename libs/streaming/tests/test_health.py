"""Health and metrics pages under whoever asks."""

from __future__ import annotations

import http.client
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from edgeloop_streaming import CannotListenError, HealthServer
from prometheus_client import CollectorRegistry, Gauge

HOST = "127.0.0.1"


@contextmanager
def serving(
    registry: CollectorRegistry | None = None, *, ready: Callable[[], bool] = lambda: True, answer_s: float = 10.0, connections: int = 128
) -> Iterator[HealthServer]:
    server = HealthServer(HOST, 0, registry or CollectorRegistry(), lambda: True, ready, answer_s=answer_s, connections=connections)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def get(server: HealthServer, path: str, method: str = "GET", timeout: float = 10.0) -> tuple[int, str]:
    connection = http.client.HTTPConnection(HOST, server.port, timeout=timeout)
    connection.request(method, path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def told(server: HealthServer, sent: bytes) -> bytes:
    with socket.create_connection((HOST, server.port), timeout=10.0) as connection:
        connection.sendall(sent)
        return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def test_the_pages_tell_health_and_metrics() -> None:
    registry, state = CollectorRegistry(), [False]
    Gauge("a_figure", "One", registry=registry).set(7)
    with serving(registry, ready=lambda: state[0]) as server:
        assert get(server, "/healthz") == (200, "ok\n")
        assert get(server, "/readyz?verbose") == (503, "not ready\n")
        state[0] = True
        assert get(server, "/readyz") == (200, "ok\n")
        assert "a_figure 7.0" in get(server, "/metrics")[1]
        assert get(server, "/nowhere")[0] == 404
        assert get(server, "/metrics", "POST")[0] == 405
        assert get(server, "/metrics", "HEAD")[0] == 405


@pytest.mark.parametrize(
    ("sent", "status"), [(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"400"), (b"GET / HTTP/1.1\r\nA: " + b"a" * 70_000, b"431")]
)
def test_what_is_no_request_is_answered_as_such(sent: bytes, status: bytes) -> None:
    with serving() as server:
        with suppress(ConnectionError):  # of a request that is too long the rest is not read
            assert told(server, sent).split(b" ")[1] == status
        assert get(server, "/healthz")[0] == 200


def test_1500_half_sent_requests_hold_no_threads_and_nobody_up() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    held: list[socket.socket] = []
    try:
        with serving(answer_s=60.0) as server:
            before, slowest = threading.active_count(), 0.0
            for number in range(1500):
                one = socket.create_connection((HOST, server.port), timeout=10.0)
                one.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n")
                held.append(one)
                if number % 100 == 99:
                    began = time.monotonic()
                    assert get(server, "/readyz")[0] == 200
                    slowest = max(slowest, time.monotonic() - began)
            assert threading.active_count() <= before + 1  # that of metrics, at most
            assert len(server._open) <= 128
            assert slowest < 60.0  # nobody waits for one of them to run out of time
    finally:
        for one in held:
            one.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_slow_readers_are_cut_off_and_hold_nobody_up() -> None:
    registry = CollectorRegistry()
    figures = Gauge("figures", "Many", ["number"], registry=registry)
    for number in range(40_000):
        figures.labels(f"{number:0>100}").set(1)
    with serving(registry, answer_s=2.0, connections=16) as server:
        held = []
        for _ in range(8):
            one = socket.socket()
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.connect((HOST, server.port))
            one.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            held.append(one)
        assert get(server, "/healthz")[0] == 200
        deadline = time.monotonic() + 60
        while server._open and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not server._open  # none of them is kept
        for one in held:
            one.close()


def test_a_figure_that_never_comes_leaves_the_other_pages() -> None:
    registry, free = CollectorRegistry(), threading.Event()

    def stuck() -> float:
        free.wait(60)
        return 1.0

    Gauge("stuck", "One", registry=registry).set_function(stuck)
    with serving(registry, answer_s=0.5) as server:
        with pytest.raises((http.client.HTTPException, ConnectionError)):
            get(server, "/metrics")
        assert get(server, "/healthz")[0] == 200
        free.set()


def test_a_port_that_is_taken_is_told_with_its_variables() -> None:
    with (
        serving() as server,
        pytest.raises(CannotListenError, match=f"{HOST}:{server.port}: Address already in use; look at EDGELOOP_HTTP_PORT"),
    ):
        HealthServer(HOST, server.port, CollectorRegistry(), lambda: True, lambda: True).start()


def test_a_server_that_never_started_stops() -> None:
    HealthServer(HOST, 0, CollectorRegistry(), lambda: True, lambda: True).stop()
