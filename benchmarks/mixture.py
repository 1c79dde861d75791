"""Cost of a mixture against a single forest, with one row per request, as sensors send them.

The stream is that of ``examples/data``. The forest is the trainer's fit on 6,000 rows of it. The mixtures have four forests of different times and
a linear part; one has memories of the newest 1,000 and 20,000 rows, too. Rows differ from call to call, since a forest mostly waits for memory.
``run`` is onnxruntime alone. ``gRPC`` is a call of a device's server with its outbox, from a client in the same process, one request at a time.
Four forests in turn show the cost that the mixture adds to its members.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import structlog
from edgeloop_contracts import AdapterMember, Feature, ModelFile, StreamDefinition
from edgeloop_contracts.rpc import open_inference as m
from edgeloop_contracts.rpc import open_inference_service as service
from edgeloop_inference.core.sampler import Sampler
from edgeloop_inference.core.stream_activity import StreamActivity
from edgeloop_inference.io.definitions import Definitions
from edgeloop_inference.io.mixture_sessions import ServingMixture
from edgeloop_inference.io.models import Models, Serving
from edgeloop_inference.io.outbox import Outbox
from edgeloop_inference.io.server import Server
from edgeloop_inference.io.servicer import InferenceServicer, Limits
from edgeloop_inference.io.sessions import ServingModel
from edgeloop_inference.metrics import Metrics
from edgeloop_mixture.learner import Learner
from edgeloop_mixture.rule import Rule
from edgeloop_mixture.session import MixtureSession
from edgeloop_signing.statements import VersionStatement
from edgeloop_trainer.core.fit_job import FitJob
from edgeloop_trainer.core.fit_result import Fitted
from edgeloop_trainer.core.recipe import Recipe
from edgeloop_trainer.io.fit import fit
from prometheus_client import CollectorRegistry

from benchmarks.figures import Figure, Kind, figure
from benchmarks.rounds import Sample, interleaved

STREAM = Path(__file__).parents[1] / "examples/data/covtype_areas_dev.csv.gz"
MEMBERS = 4
FITTED, REMEMBERED = 6_000, 20_000
FOREST, FOUR, MIXTURE, MEMORIES = "single forest", "four forests", "mixture without memories", "mixture with memories"
ASKED = 256
ROWS, MESSAGE = 4_096, 4 << 20
AIM = 3.0


def run(*, quick: bool) -> list[Figure]:
    """Time of an answer, and its ratio to a single forest's."""
    features, labels = stream()
    forests, answering = models(features, labels, REMEMBERED // 20 if quick else REMEMBERED, FITTED // 20 if quick else FITTED)
    rows = features[5_000:][:ASKED]
    calls, rounds = (20, 2) if quick else (1_000, 9)
    direct = {name: _timed(lambda i, model=model: model.answer(rows[i : i + 1]), calls) for name, model in answering.items()}
    direct[FOUR] = _timed(lambda i: [forest.answer(rows[i : i + 1]) for forest in forests], calls)
    figures = _figures("run", interleaved(direct, rounds), AIM)
    with tempfile.TemporaryDirectory(prefix="edgeloop-bench-") as folder:
        server, outbox = serve(answering, Path(folder))
        with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            stub = service.Stub(channel)
            requests = {name: [request(name, row[None]) for row in rows] for name in answering}
            called = {name: _timed(lambda i, name=name: stub.model_infer(requests[name][i]), calls // 5) for name in answering}
            figures += _figures("gRPC", interleaved(called, rounds), None)
        server.stop(1.0)
        outbox.close()
    return figures


def stream() -> tuple[Any, list[str]]:
    """Rows, float32 [N, F], and their classes."""
    with gzip.open(STREAM, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return np.array([row[:-1] for row in rows], np.float32), [row[-1] for row in rows]


def models(features: Any, labels: list[str], remembered: int, fitted: int) -> tuple[list[ServingModel], dict[str, Serving]]:
    """The forests and mixtures by name."""
    starts = [i * (len(labels) - fitted) // MEMBERS for i in range(MEMBERS)]
    fits = [forest(features[start:][:fitted], labels[start:][:fitted]) for start in starts]
    forests = [ServingModel(_statement(FOREST, features.shape[1], names), file) for file, names in fits]
    members = [
        AdapterMember(version=number, file=ModelFile(digest=hashlib.sha256(file).hexdigest()), classes=names)
        for number, (file, names) in enumerate(fits, start=1)
    ]
    rule = Rule()
    learner = Learner.begin(rule, members[0], sorted(set(labels)), features[-remembered:], labels[-remembered:])
    for member in members[1:]:
        learner.prepare([], member)
    adapter, window = learner.publish(), learner.memory.window(learner.memory.end, rule.horizon)
    answering: dict[str, Serving] = {FOREST: forests[0]}
    for name, memories in ((MIXTURE, False), (MEMORIES, True)):
        session = MixtureSession(learner.frame, [file for file, _ in fits], rule, memories=memories)
        statement = _statement(name, features.shape[1], learner.frame.classes)
        answering[name] = ServingMixture(statement, statement.classes, session, session.feeds(adapter, window), adapter.number)
    return forests, answering


def forest(features: Any, labels: list[str]) -> tuple[bytes, tuple[str, ...]]:
    """A forest's file, and its classes."""
    names, numbers = np.unique(labels, return_inverse=True)
    classes = tuple(map(str, names))
    fitted = fit(FitJob("", features, numbers.astype(np.int64), classes, None, Recipe()))
    assert isinstance(fitted, Fitted), fitted
    return fitted.onnx, classes


def _statement(stream: str, width: int, classes: tuple[str, ...]) -> VersionStatement:
    return VersionStatement("default", stream, 1, "", 0, classes, 1, tuple(f"f{i}" for i in range(width)))


def _timed(call: Callable[[int], object], calls: int) -> Callable[[], float]:
    """A variant that returns the median time of a call in microseconds."""

    def measure() -> float:
        times: list[float] = []
        for i in range(calls):
            began = time.perf_counter()
            call(i % ASKED)
            times.append(time.perf_counter() - began)
        return float(np.median(times)) * 1e6

    return measure


def _figures(way: str, measured: dict[str, Sample], aim: float | None) -> list[Figure]:
    base = measured[FOREST]
    found = [figure(f"mixture/{way}: {FOREST}", base, "µs", Kind.RATE, lower_is_better=True)]
    for name in (name for name in measured if name != FOREST):
        note = f"{measured[name].median:.0f} µs"
        more = {"lower_is_better": True, "note": note, "aim": aim if name == MIXTURE else None}
        found.append(figure(f"mixture/{way}: {name} over {FOREST}", measured[name].over(base), "x", Kind.RATIO, **more))
    return found


def serve(answering: dict[str, Serving], folder: Path, *, workers: int = 2) -> tuple[Server, Outbox]:
    """A device's server with some models and its outbox."""
    serving = Models(answering)
    definitions = Definitions(folder / "definitions", b"salt")
    for name, model in answering.items():
        serving.install(model)
        features = tuple(Feature(name=feature) for feature in model.features)
        definitions.learn(StreamDefinition(tenant="default", stream=name, version=1, features=features))
    outbox = Outbox(folder, max_rows=1_000_000, max_bytes=1 << 30)
    limits = Limits(ROWS, MESSAGE, max(1, workers // 2))
    servicer = InferenceServicer(
        serving, definitions, outbox, Metrics(CollectorRegistry(), structlog.get_logger()), limits, StreamActivity(), Sampler()
    )
    server = Server(servicer, "127.0.0.1", 0, workers=workers, max_message_bytes=MESSAGE)
    server.start()
    return server, outbox


def request(name: str, rows: Any) -> m.ModelInferRequest:
    """A request with some rows for a model."""
    made = m.ModelInferRequest(model_name=name, raw_input_contents=[rows.tobytes()])
    made.inputs.add(name="input", datatype="FP32", shape=rows.shape)
    return made
