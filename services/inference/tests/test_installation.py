"""Installation of models on a device, and refusals."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import pytest
import tritonclient.grpc as triton
from edgeloop_contracts import DeviceStatus, SignedStatement
from onnx import TensorProto, helper, numpy_helper

STREAM = "pumps"


def last_report(bench: Any, status: DeviceStatus) -> Any:
    return bench.eventually(lambda: next((r for r in reversed(bench.kafka.reports) if r.status is status), None))


def ask(client: Any, rows: Any) -> Any:
    tensor = triton.InferInput("input", [len(rows), 2], "FP32")
    tensor.set_data_from_numpy(np.array(rows, np.float32))
    return client.infer(STREAM, [tensor])


def test_a_device_reports_that_it_is_online_and_then_what_it_installed_and_why(bench: Any) -> None:
    bench.device()
    online = last_report(bench, DeviceStatus.ONLINE)
    assert (online.tenant, online.stream, online.device_id, online.version, online.boot_epoch) == ("acme", "pumps", "p1", None, 1)
    bench.kafka.define()
    assigned = bench.assign(1)
    installed = last_report(bench, DeviceStatus.INSTALLED)
    assert (installed.version, installed.digest) == (1, assigned.event.file.digest)
    causes = [cause for report, cause in bench.kafka.causes if report.status is DeviceStatus.INSTALLED]
    assert causes == [assigned.cause]
    assert bench.kafka.logs["fleet.reported"][0].key == "acme/pumps/p1"


def test_the_same_version_assigned_again_is_reported_again_and_nothing_else_is_done(bench: Any) -> None:
    bench.serving()
    bench.assign(1)
    bench.eventually(lambda: sum(r.status is DeviceStatus.INSTALLED for r in bench.kafka.reports) == 2)
    assert bench.metric("edgeloop_inference_installs_total", stream=STREAM) == 1


def test_assignments_of_other_devices_and_streams_are_left_alone(bench: Any) -> None:
    bench.serving()
    model = bench.model(1)
    bench.kafka.assign(bench.registry.assignment(model, 5, device="p2"), model)
    bench.kafka.assign(bench.registry.assignment(model, 5, stream="fans"), model)
    bench.kafka.assign(replace(bench.registry.assignment(model, 5), tenant="other"), model)
    bench.assign(2)
    bench.eventually(lambda: bench.metric("edgeloop_inference_model_version", stream=STREAM) == 2)
    assert {r.stream for r in bench.kafka.reports} == {"pumps"}
    assert not [r for r in bench.kafka.reports if r.status is DeviceStatus.REFUSED]


def test_of_many_assignments_at_the_start_only_the_newest_is_installed(bench: Any) -> None:
    bench.kafka.define()
    for version in (1, 2, 3):
        bench.assign(version, favourite=version % 2)
    bench.device()
    assert last_report(bench, DeviceStatus.INSTALLED).version == 3
    assert bench.metric("edgeloop_inference_installs_total", stream=STREAM) == 1


def test_a_device_without_configured_streams_takes_every_stream_that_is_defined(bench: Any) -> None:
    bench.kafka.define("pumps")
    device = bench.device(streams="")
    bench.eventually(lambda: [r.stream for r in bench.kafka.reports] == ["pumps"])
    bench.kafka.define("fans")
    bench.eventually(lambda: [r.stream for r in bench.kafka.reports] == ["pumps", "fans"])
    for favourite, stream in enumerate(("pumps", "fans")):
        model = bench.model(favourite)
        bench.kafka.assign(bench.registry.assignment(model, 1, stream=stream), model)
    client = triton.InferenceServerClient(f"127.0.0.1:{device.port}")
    bench.eventually(lambda: client.is_model_ready("pumps") and client.is_model_ready("fans"))


def bad_chunks(bench: Any) -> None:
    model = bench.model(1)
    bench.kafka.assign(bench.registry.assignment(model, 2), model[:-1] + bytes([model[-1] ^ 1]))


def short_chunks(bench: Any) -> None:
    model = bench.model(1)
    bench.kafka.assign(bench.registry.assignment(model, 2), model[:-1])


def swapped_digest(bench: Any) -> None:
    model, other = bench.model(1), bench.model(0, input_name="x")
    good = bench.registry.assignment(model, 2)
    bench.kafka.assign(replace(good, file=replace(good.file, digest=bench.registry.assignment(other, 2).file.digest)), other)


def foreign_key(bench: Any) -> None:
    model = bench.model(1)
    bench.kafka.assign(type(bench.registry)().assignment(model, 2), model)


def changed_statement(bench: Any) -> None:
    model = bench.model(1)
    good = bench.registry.assignment(model, 2)
    bench.kafka.assign(replace(good, signed=replace(good.signed, statement=good.signed.statement.replace(b'"good"', b'"evil"'))), model)


def no_statement(bench: Any) -> None:
    model = bench.model(1)
    signed = SignedStatement(statement=b"[]", signature=bench.registry.key.sign(b"[]"))
    bench.kafka.assign(replace(bench.registry.assignment(model, 2), signed=signed), model)


def other_features(bench: Any) -> None:
    bench.assign(2, features=["pressure", "flow"])


def other_stream(bench: Any) -> None:
    model = bench.model(1)
    bench.kafka.assign(replace(bench.registry.assignment(model, 2, stream="fans"), stream="pumps"), model)


def lost_chunks(bench: Any) -> None:
    good = bench.registry.assignment(bench.model(1), 2)
    bench.kafka.assign(replace(good, file=replace(good.file, partition=3)))


def late_chunks(bench: Any) -> None:
    good = bench.registry.assignment(bench.model(1), 2)
    bench.kafka.assign(replace(good, file=replace(good.file, offset=1000)))


def expired_chunks(bench: Any) -> None:
    bench.kafka.gone = 1000
    bench.assign(2, favourite=1)


def too_large(bench: Any) -> None:
    model = bench.model(1)
    good = bench.registry.assignment(model, 2, size=1 << 40)
    bench.kafka.assign(replace(good, file=replace(good.file, size=1 << 40)), model)


def no_onnx(bench: Any) -> None:
    bench.assign(2, model=b"\xff" * 500)


def wrong_input(bench: Any) -> None:
    bench.assign(2, model=bench.model(1, input_name="x"))


def wrong_width(bench: Any) -> None:
    bench.assign(2, model=bench.model(1, features=3))


def wrong_classes(bench: Any) -> None:
    bench.assign(2, model=bench.model(1, classes=3))


def no_numbers(bench: Any) -> None:
    model = onnx.ModelProto.FromString(bench.model(1))
    (bias,) = (tensor for tensor in model.graph.initializer if tensor.name == "bias")
    bias.CopyFrom(numpy_helper.from_array(np.full_like(numpy_helper.to_array(bias), np.nan), "bias"))
    bench.assign(2, model=model.SerializeToString())


def foreign_operator(bench: Any) -> None:
    model = onnx.ModelProto.FromString(bench.model(1))
    model.graph.node.append(helper.make_node("Evil", ["input"], ["y"], domain="com.example"))
    bench.assign(2, model=model.SerializeToString())


def external_data(bench: Any) -> None:
    model = onnx.ModelProto.FromString(bench.model(1))
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/hostname")
    bench.assign(2, model=model.SerializeToString())


@pytest.mark.parametrize(
    ("assign", "reason", "message"),
    [
        (bad_chunks, "DIGEST", "expected SHA-256"),
        (short_chunks, "DIGEST", "bytes, given"),
        (swapped_digest, "DIGEST", "digest: the signed statement says"),
        (other_stream, "DIGEST", "stream: the signed statement says 'fans', the assignment 'pumps'"),
        (foreign_key, "SIGNATURE", "not signed by a key"),
        (changed_statement, "SIGNATURE", "not signed by a key"),
        (no_statement, "SIGNATURE", "no JSON object"),
        (other_features, "DEFINITION", "features are ['flow', 'pressure'], the model's are ['pressure', 'flow']"),
        (lost_chunks, "MISSING", "0 of 1 chunks found from model.chunks/3/0 on"),
        (late_chunks, "MISSING", "0 of 1 chunks found"),
        (expired_chunks, "MISSING", "the chunks are gone"),
        (too_large, "LOAD", "expected at most"),
        (no_onnx, "LOAD", "no ONNX model"),
        (wrong_input, "LOAD", "expected one input 'input', given ['x']"),
        (wrong_width, "LOAD", "input: expected the shape [N, 2]"),
        (wrong_classes, "LOAD", "probabilities: expected the shape [N, 2]"),
        (no_numbers, "LOAD", "expected finite probabilities"),
        (foreign_operator, "LOAD", "of the domain 'com.example'"),
        (external_data, "LOAD", "lies outside the file"),
    ],
)
def test_a_model_that_must_not_run_is_refused_with_a_typed_reason_and_the_old_one_serves_on(
    bench: Any, assign: Any, reason: str, message: str
) -> None:
    device = bench.serving(1)
    assign(bench)
    report = last_report(bench, DeviceStatus.REFUSED)
    assert (report.version, report.refused_version, report.reason) == (1, 2, reason)
    assert message in report.message
    assert ask(triton.InferenceServerClient(f"127.0.0.1:{device.port}"), [[1, 2]]).get_response().model_version == "1"
    assert bench.metric("edgeloop_inference_refusals_total", stream=STREAM, reason=reason) == 1
    assert not list((bench.folder / "data" / "scratch").iterdir())


def test_an_older_version_is_refused_and_so_is_another_file_under_the_same_number(bench: Any) -> None:
    bench.serving(3)
    bench.assign(2, favourite=1)
    assert last_report(bench, DeviceStatus.REFUSED).reason == "OLDER"
    bench.assign(3, favourite=1)
    bench.eventually(lambda: [r.reason for r in bench.kafka.reports if r.status is DeviceStatus.REFUSED] == ["OLDER", "DIGEST"])


def test_a_stream_that_is_not_defined_gets_no_model(bench: Any) -> None:
    bench.device()
    bench.assign(1)
    report = last_report(bench, DeviceStatus.REFUSED)
    assert (report.version, report.refused_version, report.reason) == (None, 1, "DEFINITION")


def test_a_model_that_eats_memory_ends_its_trial_and_not_the_device(bench: Any) -> None:
    size = [1 << 15, 1 << 15]
    nodes = [
        helper.make_node("Constant", [], ["shape"], value=helper.make_tensor("s", TensorProto.INT64, [2], size)),
        helper.make_node("Shape", ["input"], ["n"], start=0, end=1),
        helper.make_node("ConstantOfShape", ["shape"], ["huge"]),
        helper.make_node("MatMul", ["huge", "huge"], ["huger"]),
        helper.make_node("ReduceSum", ["huger"], ["sum"], keepdims=0),
        helper.make_node("Add", ["input", "sum"], ["probabilities"]),
        helper.make_node("ArgMax", ["probabilities"], ["label"], axis=1, keepdims=0),
    ]
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 2]) for name in ("input", "probabilities")]
    outputs = [helper.make_tensor_value_info("label", TensorProto.INT64, [None]), ports[1]]
    graph = helper.make_graph(nodes, "bomb", ports[:1], outputs)
    bomb = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()
    device = bench.serving(1, trial_s=10)
    bench.assign(2, model=bomb)
    report = last_report(bench, DeviceStatus.REFUSED)
    assert report.reason == "LOAD" and report.message.startswith("load check: ")
    assert ask(triton.InferenceServerClient(f"127.0.0.1:{device.port}"), [[1, 2]]).get_response().model_version == "1"


def test_requests_go_on_without_a_failure_while_models_are_swapped(bench: Any) -> None:
    device = bench.serving(1)
    answers: list[tuple[str, bytes]] = []
    failures: list[Exception] = []
    done = threading.Event()

    def load() -> None:
        client = triton.InferenceServerClient(f"127.0.0.1:{device.port}")
        while not done.is_set():
            try:
                result = ask(client, [[1, 2]])
                answers.append((result.get_response().model_version, result.as_numpy("label")[0]))
            except Exception as error:
                failures.append(error)

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for version in range(2, 6):
        bench.assign(version, favourite=(version + 1) % 2)
        bench.eventually(lambda version=version: bench.metric("edgeloop_inference_model_version", stream=STREAM) == version)
        time.sleep(0.05)
    done.set()
    for thread in threads:
        thread.join()
    assert not failures
    assert {version for version, _ in answers} == {"1", "2", "3", "4", "5"}
    assert all(label == (b"bad" if int(version) % 2 else b"good") for version, label in answers)
    kept = bench.eventually(lambda: bench.kafka.batches if sum(b.count for b in bench.kafka.batches) == len(answers) else None)
    by_seq = {b.first_seq + i: (str(b.model_version), b.answers[i].encode()) for b in kept for i in range(b.count)}
    assert sorted(by_seq) == list(range(len(answers)))
    assert sorted(by_seq.values()) == sorted(answers)


def test_the_last_model_serves_after_a_restart_without_network(bench: Any) -> None:
    bench.serving(2)
    bench.stop()
    bench.kafka.online = False
    device = bench.device()
    assert device.ready
    assert ask(triton.InferenceServerClient(f"127.0.0.1:{device.port}"), [[1, 2]]).get_response().model_version == "2"
    bench.eventually(lambda: bench.metric("edgeloop_inference_background_failures_total", job="installer") >= 1)
    bench.assign(3)
    reports = len(bench.kafka.reports)
    bench.kafka.online = True
    bench.eventually(lambda: [(r.status, r.version) for r in bench.kafka.reports[reports:]] == [("ONLINE", 2), ("INSTALLED", 3)])


def test_a_stored_model_that_was_touched_or_whose_key_is_not_trusted_does_not_serve(bench: Any) -> None:
    bench.serving(1)
    bench.stop()
    bench.kafka.online = False
    path = bench.folder / "data" / "models" / "pumps.model"
    whole = path.read_bytes()
    for broken in (whole[:-1] + b"\0", whole[: len(whole) // 2], b"", whole.replace(b"edgeloop", b"something")):
        path.write_bytes(broken)
        assert not bench.device().ready
        bench.stop()
    path.write_bytes(whole)
    assert bench.device().ready
    bench.stop()
    bench.registry.key = type(bench.registry)().key
    assert not bench.device().ready


def test_a_device_that_trusts_two_keys_takes_versions_of_both(bench: Any, trust_file: Any) -> None:
    bench.serving(1)
    bench.stop()
    old, bench.registry.key = bench.registry.key, type(bench.registry)().key
    assert bench.device(trust_file=trust_file(bench.folder / "both.pem", old, bench.registry.key)).ready
    bench.assign(2, favourite=1)
    bench.eventually(lambda: bench.metric("edgeloop_inference_model_version", stream=STREAM) == 2)


def test_a_connection_that_comes_back_repeats_nothing(bench: Any) -> None:
    bench.serving(1)
    for version in (2, 3):
        bench.assign(version, favourite=version % 2)
        bench.eventually(lambda version=version: bench.metric("edgeloop_inference_model_version", stream=STREAM) == version)
    reports = len(bench.eventually(lambda: bench.kafka.reports if bench.kafka.reports[-1].version == 3 else None))
    bench.kafka.online = False
    bench.eventually(lambda: bench.metric("edgeloop_inference_background_failures_total", job="installer") >= 1)
    bench.kafka.online = True
    bench.assign(4)
    bench.eventually(lambda: [(r.status, r.version) for r in bench.kafka.reports[reports:]] == [("INSTALLED", 4)])


def test_what_a_killed_trial_left_behind_is_removed_at_the_next_start(bench: Any) -> None:
    left = bench.folder / "data" / "scratch" / "trial-x"
    left.mkdir(parents=True)
    bench.device()
    assert not left.exists()
