"""Rules about statements, graphs and requests, without a device around them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from edgeloop_contracts import Assignment, ModelFile, StreamTask
from edgeloop_contracts.rpc.model_graph import Model
from edgeloop_inference.core.graph import forbidden
from edgeloop_inference.core.model_contract import Port, problem
from edgeloop_inference.core.requests import InferRequest, Tensor, decode
from edgeloop_inference.core.version_admission import Action, Installed, RefusalError, check_bytes, check_task, decide
from edgeloop_signing.statements import VersionStatement
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

FIELDS: dict[str, Any] = {
    "tenant": "acme",
    "stream": "pumps",
    "version": 2,
    "digest": "d",
    "size": 10,
    "classes": ["a"],
    "definition_version": 1,
    "features": ["flow"],
}


def test_a_statement_without_classes_is_of_a_model_that_answers_with_a_number() -> None:
    number, label = (VersionStatement.parse(json.dumps(FIELDS | {"classes": classes}).encode()) for classes in ([], ["a"]))
    check_task(number, StreamTask.REGRESSION)
    check_task(label, StreamTask.CLASSIFICATION)
    with pytest.raises(RefusalError, match="DEFINITION: the stream's task is CLASSIFICATION, the model answers with a number"):
        check_task(number, StreamTask.CLASSIFICATION)
    with pytest.raises(RefusalError, match="DEFINITION: the stream's task is REGRESSION, the model answers with one of 1 classes"):
        check_task(label, StreamTask.REGRESSION)


def test_what_is_newer_is_installed_what_is_the_same_is_kept() -> None:
    statement = VersionStatement.parse(json.dumps(FIELDS).encode())
    assignment = Assignment(device_id="", tenant="acme", stream="pumps", version=2, file=ModelFile(digest="d", size=10))
    assert decide(None, assignment, statement, ["flow"], 10) is Action.INSTALL
    assert decide(Installed(1, "c"), assignment, statement, ["flow"], 10) is Action.INSTALL
    assert decide(Installed(2, "d"), assignment, statement, None, 0) is Action.KEEP
    with pytest.raises(RefusalError, match="OLDER"):
        decide(Installed(3, "e"), assignment, statement, ["flow"], 10)
    with pytest.raises(RefusalError, match="LOAD: expected at most 9 bytes"):
        decide(None, assignment, statement, ["flow"], 9)
    with pytest.raises(RefusalError, match="DIGEST: expected SHA-256 d"):
        check_bytes(statement, b"0123456789")


def test_a_higher_serial_sends_a_device_back_and_an_old_assignment_changes_nothing() -> None:
    statement = VersionStatement.parse(json.dumps(FIELDS).encode())
    back = Assignment(device_id="", tenant="acme", stream="pumps", version=2, file=ModelFile(digest="d", size=10), serial=1)
    assert decide(Installed(3, "e"), back, statement, ["flow"], 10) is Action.INSTALL
    with pytest.raises(RefusalError, match="OLDER: version 3 is installed"):  # version 3 came under the same serial, after version 2
        decide(Installed(3, "e", serial=1), back, statement, ["flow"], 10)
    with pytest.raises(RefusalError, match="OLDER: serial 2 was carried out, 1 is older"):  # even a newer version is refused
        decide(Installed(1, "c", serial=2), back, statement, ["flow"], 10)
    assert decide(Installed(2, "d"), back, statement, None, 0) is Action.KEEP


def graph_of(*nodes: Any) -> Model:
    graph = helper.make_graph(list(nodes), "g", [], [])
    return Model.FromString(helper.make_model(graph).SerializeToString())


def test_a_foreign_operator_is_found_inside_branches_and_functions() -> None:
    evil = helper.make_node("Evil", [], ["y"], domain="evil.example")
    branch = helper.make_graph([evil], "then", [], [])
    assert "'Evil'" in forbidden(graph_of(helper.make_node("If", ["c"], ["y"], then_branch=branch)))
    model = helper.make_model(helper.make_graph([], "g", [], []))
    model.functions.append(helper.make_function("local", "f", [], ["y"], [evil], [helper.make_opsetid("evil.example", 1)]))
    assert "'Evil'" in forbidden(Model.FromString(model.SerializeToString()))
    assert forbidden(graph_of(helper.make_node("Relu", ["x"], ["y"]), helper.make_node("Scaler", ["y"], ["z"], domain="ai.onnx.ml"))) == ""


def test_data_outside_the_file_is_found_wherever_a_tensor_may_stand() -> None:
    outside = TensorProto(name="w", data_type=1, dims=[1], data_location=TensorProto.EXTERNAL)
    assert "'w'" in forbidden(graph_of(helper.make_node("Constant", [], ["y"], value=outside)))
    inner = helper.make_graph([], "then", [], [], [outside])
    assert "'w'" in forbidden(graph_of(helper.make_node("If", ["c"], ["y"], then_branch=inner)))
    model = helper.make_model(helper.make_graph([], "g", [], []))
    model.graph.sparse_initializer.add().values.CopyFrom(outside)
    assert "'w'" in forbidden(Model.FromString(model.SerializeToString()))


GOOD = [Port("label", "tensor(int64)", ("N",)), Port("probabilities", "tensor(float)", (None, 3))]


@pytest.mark.parametrize(
    ("inputs", "outputs", "message"),
    [
        ([Port("input", "tensor(float)", ("N", 2))], GOOD, ""),
        ([Port("input", "tensor(float)", (None, "F"))], GOOD, ""),
        ([Port("input", "tensor(float)", (1, 2))], GOOD, "input: expected the shape [N, 2], given [1, 2]"),
        ([Port("input", "tensor(double)", (None, 2))], GOOD, "input: expected tensor(float), given tensor(double)"),
        ([Port("input", "tensor(float)", (None, 2))], GOOD[:1], "expected the outputs 'label' and 'probabilities'"),
        ([Port("input", "tensor(float)", (None, 2))], [GOOD[0], Port("probabilities", "seq(map)", ())], "given seq(map)"),
    ],
)
def test_a_model_looks_as_the_contract_says(inputs: list[Port], outputs: list[Port], message: str) -> None:
    found = problem(inputs, outputs, 2, 3)
    assert message in found and bool(message) == bool(found)


@given(st.lists(st.floats(width=32), min_size=3, max_size=30).filter(lambda v: len(v) % 3 == 0))
def test_raw_and_typed_contents_mean_the_same(values: list[float]) -> None:
    shape = (len(values) // 3, 3)
    typed = decode(InferRequest((Tensor("input", "FP32", shape, ("fp32_contents",), values),)), ["a", "b", "c"])
    raw = decode(InferRequest((Tensor("input", "FP32", shape),), (np.array(values, "<f4").tobytes(),)), ["a", "b", "c"])
    assert np.array_equal(typed, raw, equal_nan=True)
    assert typed.dtype == raw.dtype == np.float32
