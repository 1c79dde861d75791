"""Allowed and refused graphs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from edgeloop_contracts import RefusalReason
from edgeloop_registry.core.candidates import CandidateRefusedError
from edgeloop_registry.io.graph import check_graph
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestClassifier

Build = Callable[..., onnx.ModelProto]


def told(model: onnx.ModelProto | bytes, features: int = 3, classes: int = 2) -> str:
    with pytest.raises(CandidateRefusedError) as caught:
        check_graph(model if isinstance(model, bytes) else model.SerializeToString(), features, classes)
    assert caught.value.reason is RefusalReason.FORBIDDEN_GRAPH
    return caught.value.message


def test_a_small_model_is_allowed(linear_model: Build) -> None:
    check_graph(linear_model().SerializeToString(), 3, 2)


def test_a_forest_from_scikit_learn_is_allowed_once_its_outputs_are_declared() -> None:
    rows = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    forest = RandomForestClassifier(3, random_state=0).fit(rows, (rows[:, 0] > 0).astype(np.int64))
    model = to_onnx(forest, rows[:1], options={"zipmap": False}, target_opset={"": 17, "ai.onnx.ml": 3})
    model.graph.input[0].name = "input"
    for node in model.graph.node:
        node.input[:] = ["input" if name == "X" else name for name in node.input]
    check_graph(model.SerializeToString(), 3, 2)


def test_a_model_without_classes_answers_with_one_output_of_numbers(linear_model: Build) -> None:
    model = linear_model()
    assert "outputs prediction float[N] expected" in told(model, classes=0)
    del model.graph.node[1:]
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.ones(3, np.float32), "weights"))
    model.graph.node[0].output[0] = "prediction"
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info("prediction", TensorProto.FLOAT, ["N"]))
    check_graph(model.SerializeToString(), 3, 0)
    assert "label int64[N], probabilities float[N, 2] expected" in told(model)


def test_bytes_that_are_no_model_are_refused() -> None:
    assert "ONNX" in told(b"\xff\xff not a model")
    assert told(b"")


def test_an_operator_that_is_not_on_the_list_is_refused(linear_model: Build) -> None:
    assert "'RandomNormalLike'" in told(linear_model(op="RandomNormalLike"))


def test_another_domain_is_refused(linear_model: Build) -> None:
    assert "'com.microsoft'" in told(linear_model(op="FusedGemm", domain="com.microsoft"))


def test_a_tensor_outside_the_file_is_refused(linear_model: Build) -> None:
    model = linear_model()
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")
    assert "'weights' lies outside" in told(model)


def test_a_branch_hides_nothing(linear_model: Build) -> None:
    model = linear_model()
    inner = helper.make_graph([], "inner", [], [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])])
    model.graph.node.append(helper.make_node("If", ["label"], ["x"], then_branch=inner, else_branch=inner))
    assert "'If'" in told(model)


def test_a_function_hides_nothing(linear_model: Build) -> None:
    model = linear_model()
    model.functions.append(helper.make_function("", "F", ["a"], ["b"], [helper.make_node("Identity", ["a"], ["b"])], []))
    assert "functions" in told(model)


def _rename_input(model: onnx.ModelProto) -> None:
    model.graph.input[0].name = "x"


def _more_outputs(model: onnx.ModelProto) -> None:
    model.graph.output.append(helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", 2]))


def _fixed_batch(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1


def _wrong_type(model: onnx.ModelProto) -> None:
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.STRING


@pytest.mark.parametrize("spoil", [_rename_input, _more_outputs, _fixed_batch, _wrong_type])
def test_other_inputs_and_outputs_than_those_of_the_contract_are_refused(
    linear_model: Build, spoil: Callable[[onnx.ModelProto], None]
) -> None:
    model = linear_model()
    spoil(model)
    assert "expected" in told(model)


def test_another_number_of_features_or_classes_is_refused(linear_model: Build) -> None:
    assert "float[N, 4] expected, input float[N, 3] given" in told(linear_model(), features=4)
    assert "probabilities float[N, 3]" in told(linear_model(), classes=3)


def test_a_graph_that_does_not_hang_together_is_refused(linear_model: Build) -> None:
    model = linear_model()
    model.graph.node[0].input[1] = "nowhere"
    assert "checker" in told(model)
