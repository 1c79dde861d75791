"""Cost of long requests for the short ones beside them.

A device's server runs in its own process, with the single forest and the mixture with memories of :mod:`benchmarks.mixture`. One client sends
one row at a time. Its 99th percentile alone is compared with that beside a second client, in another process, that sends requests of the
largest size without a pause. The aim is at most three times.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from edgeloop_contracts.rpc import open_inference_service as service

from benchmarks.figures import Figure, Kind, figure
from benchmarks.mixture import ASKED, FITTED, FOREST, MEMORIES, REMEMBERED, ROWS, models, request, serve, stream
from benchmarks.rounds import interleaved

AIM = 3.0
WORKERS = 16  # a device's defaults


def run(*, quick: bool) -> list[Figure]:
    """99th percentile of one row's answer alone, and its ratio beside a client of long requests."""
    calls, rounds = (50, 2) if quick else (1_000, 5)
    features, _ = stream()
    found: list[Figure] = []
    with _child(_serve, quick) as server:
        port: int = server.recv()
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            for name in (FOREST, MEMORIES):
                asked = service.Stub(channel)
                alone = _percentile(asked, name, features[5_000:][:ASKED], calls)
                measured = interleaved({"alone": alone, "beside": _beside(port, name, alone)}, rounds)
                found.append(figure(f"requests/p99 of one row: {name}, alone", measured["alone"], "µs", Kind.RATE, lower_is_better=True))
                ratio = measured["beside"].over(measured["alone"])
                found.append(
                    figure(
                        f"requests/p99 of one row beside requests of {ROWS:,} rows: {name}",
                        ratio,
                        "x",
                        Kind.RATIO,
                        lower_is_better=True,
                        aim=AIM,
                        note=f"{measured['beside'].median:.0f} µs",
                    )
                )
        server.send(None)
    return found


def _percentile(stub: Any, name: str, rows: Any, calls: int) -> Callable[[], float]:
    requests = [request(name, row[None]) for row in rows]

    def measure() -> float:
        times: list[float] = []
        for i in range(calls):
            began = time.perf_counter()
            stub.model_infer(requests[i % len(requests)])
            times.append(time.perf_counter() - began)
        return float(np.percentile(times, 99)) * 1e6

    return measure


def _beside(port: int, name: str, measure: Callable[[], float]) -> Callable[[], float]:
    def beside() -> float:
        with _child(_send_long, port, name) as client:
            client.recv()  # waits for the first one
            times = measure()
            client.send(None)
            return times

    return beside


@contextmanager
def _child(work: Callable[..., None], *arguments: Any) -> Iterator[Connection]:
    """A process with a connection to it, which ends at the first message."""
    spawning = multiprocessing.get_context("spawn")
    ours, theirs = spawning.Pipe()
    process = spawning.Process(target=work, args=(theirs, *arguments), daemon=True)
    process.start()
    try:
        yield ours
    finally:
        process.join(5)
        process.kill()


def _serve(connection: Connection, quick: bool) -> None:
    features, labels = stream()
    _, answering = models(features, labels, REMEMBERED // 20 if quick else REMEMBERED, FITTED // 20 if quick else FITTED)
    with tempfile.TemporaryDirectory(prefix="edgeloop-bench-") as folder:
        server, outbox = serve(answering, Path(folder), workers=WORKERS)
        connection.send(server.port)
        connection.recv()
        server.stop(1.0)
        outbox.close()


def _send_long(connection: Connection, port: int, name: str) -> None:
    features, _ = stream()
    asked = request(name, np.resize(features, (ROWS, features.shape[1])))
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = service.Stub(channel)
        connection.send("sending")
        while not connection.poll():
            stub.model_infer(asked)
