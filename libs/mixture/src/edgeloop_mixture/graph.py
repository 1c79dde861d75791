"""One ONNX graph of a whole mixture, with members as constants and the adapter as inputs.

A new adapter changes no graph, since weights, bias, coefficients and memories are inputs. The members' trees are copied
unchanged. Distances are sums of integers, so a memory gives the same votes on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from edgeloop_errors import InvalidError
from numpy.typing import NDArray
from onnx import TensorProto, compose, helper, numpy_helper

from edgeloop_mixture.columns import parts
from edgeloop_mixture.mixture import Frame
from edgeloop_mixture.rule import Rule
from edgeloop_mixture.scaling import CLIP, LOW
from edgeloop_mixture.target import FARTHEST, Numbers

INPUT, LABEL, PROBABILITIES, PREDICTION, EXPERTS = "input", "label", "probabilities", "prediction", "experts"
WEIGHTS, BIAS, COEFFICIENTS, CONSTANT = "weights", "bias", "coefficients", "constant"
MEMORY, NORMS, MEMORY_LABELS = "memory", "norms", "memory_labels"
ML = "ai.onnx.ml"
OPSETS = {"": 17, ML: 3}
IR_VERSION = 8
NEAR = 0.01  # steps; counts in place of a distance of 0
ROUNDING = 1e-3  # tolerance for the sum of a forest's largest leaves above 1
_LEAVES = {"class_weights", "class_treeids"}
SHIFT = np.array(-LOW, np.uint8)  # makes a row's steps unsigned


class GraphError(InvalidError, ValueError):
    """A model file cannot be a member of a mixture."""


@dataclass
class _Builder:
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, NDArray[Any]] = field(default_factory=dict)
    number: int = 0

    def constant(self, value: NDArray[Any]) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants[name] = value
        return name

    def op(self, kind: str, *inputs: str | NDArray[Any], name: str = "", outputs: int = 1, **attributes: Any) -> Any:
        names = [given if isinstance(given, str) else self.constant(given) for given in inputs]
        made = [name] if name else [f"value_{self.number + i}" for i in range(outputs)]
        self.number += outputs
        self.nodes.append(helper.make_node(kind, names, made, **attributes))
        return made[0] if outputs == 1 else made


def build(frame: Frame, models: Sequence[bytes], rule: Rule, *, memories: bool = True) -> bytes:
    """The graph of a frame.

    Parameters
    ----------
    models
        ONNX file of each member, in their order: input ``input`` float32 [N, F], output ``probabilities``, or ``prediction``
        where the labels are numbers.
    memories
        Whether the memories take part; a small device leaves them out.

    Raises
    ------
    GraphError
        A file cannot be a member.
    """
    b = _Builder()
    memories = memories and bool(rule.memories)
    experts = frame.experts(rule) - (0 if memories else len(rule.memories))
    answer = PREDICTION if frame.numbers else PROBABILITIES
    alone: list[onnx.ValueInfoProto] = []
    experts_outputs: list[str] = []  # of each expert: probabilities [N, C], or distances from the centre [N, 1]
    for number, (member, model) in enumerate(zip(frame.members, models, strict=True)):
        graph = checked(model, frame.scaling.width, answer)
        output = _member(b, graph, f"m{number}_") + answer
        alone += _alone(graph, number, frame)
        experts_outputs.append(
            _distance(b, output, frame.numbers) if frame.numbers else _probabilities(b, output, graph, member.classes, frame)
        )
    scores = _scores(b, frame)
    linear = b.op("Gemm", scores, COEFFICIENTS, CONSTANT)
    experts_outputs.append(linear if frame.numbers else b.op("Softmax", linear, axis=1))
    if memories:
        forces, labels = _neighbours(b, scores, frame, rule)
        experts_outputs.append(_means(b, forces, labels) if frame.numbers else _votes(b, forces, labels, len(frame.classes)))
    if frame.numbers:
        _answer_numbers(b, experts_outputs, frame.numbers)
    else:
        _answer_classes(b, experts_outputs, experts, len(frame.classes), rule)
    return _model(b, frame, experts, alone, memories=memories)


def alone_output(member: int, frame: Frame) -> str:
    """Name of the output with a member's answers alone: indexes of its own classes [N], or numbers [N]. Its file may lack it."""
    return f"m{member}_{PREDICTION if frame.numbers else LABEL}"


def checked(model: bytes, width: int, answer: str) -> onnx.GraphProto:
    """The graph of a model file, checked for a mixture of rows of ``width`` features.

    Parameters
    ----------
    answer
        Its required output: :data:`PROBABILITIES`, or :data:`PREDICTION` where labels are numbers.

    Raises
    ------
    GraphError
        The file cannot be a member.
    """
    try:
        graph = onnx.load_model_from_string(model).graph
    except Exception as error:  # protobuf's own errors differ by implementation
        raise GraphError(f"no ONNX model: {error}") from error
    if [i.name for i in graph.input] != [INPUT] or answer not in [o.name for o in graph.output]:
        raise GraphError(f"expected the input {INPUT!r} and the output {answer!r}")
    length = graph.input[0].type.tensor_type.shape.dim[1].dim_value
    if length not in (0, width):
        raise GraphError(f"takes rows of {length} features; the mixture's have {width}")
    return graph


def bounded(graph: onnx.GraphProto) -> bool:
    """Whether a graph's probabilities are from 0 to 1 for every row, by its form alone: sums of leaves."""
    node = next((node for node in graph.node if PROBABILITIES in node.output), None)
    if node is None or node.op_type != "TreeEnsembleClassifier":
        return False
    given = {attribute.name: attribute for attribute in node.attribute}
    if given.keys() & {"base_values", "base_values_as_tensor", "class_weights_as_tensor"} or not given.keys() >= _LEAVES:
        return False
    if "post_transform" in given and given["post_transform"].s != b"NONE":
        return False
    weights, trees = np.array(given["class_weights"].floats), np.array(given["class_treeids"].ints)
    if len(weights) != len(trees) or not (weights >= 0).all():
        return False
    _, places = np.unique(trees, return_inverse=True)
    most = np.zeros(len(trees))
    np.maximum.at(most, places, weights)  # one leaf per tree counts
    return float(most.sum()) < 1 + ROUNDING


def _member(b: _Builder, graph: onnx.GraphProto, prefix: str) -> str:
    """Copy a member; return the prefix of its names."""
    named = compose.add_prefix_graph(graph, prefix, rename_inputs=False)
    b.nodes.extend(named.node)
    for tensor in named.initializer:
        b.constants[tensor.name] = numpy_helper.to_array(tensor)
    return prefix


def _probabilities(b: _Builder, output: str, graph: onnx.GraphProto, classes: Sequence[str], frame: Frame) -> str:
    """A member's probabilities of the frame's classes [N, C]."""
    if not bounded(graph):
        # A member that gives NaN for a row must not spoil the others' outputs, so it says nothing of that row.
        output = b.op("Clip", _known(b, output), np.array(0, np.float32), np.array(1, np.float32))
    if classes != frame.classes:
        places = [frame.classes.index(name) for name in classes]
        output = b.op("MatMul", output, np.eye(len(frame.classes), dtype=np.float32)[places])
    return output


def _distance(b: _Builder, output: str, numbers: Numbers) -> str:
    """Distance of a member's answer from the centre, in deviations [N, 1]."""
    column = b.op("Reshape", output, np.array([-1, 1]))
    return b.op("Scaler", column, domain=ML, offset=[numbers.centre], scale=[1 / numbers.deviation])


def _known(b: _Builder, values: str) -> str:
    """Values with 0 in place of NaN."""
    return b.op("Imputer", values, domain=ML, imputed_value_floats=[0.0], replaced_value_float=float("nan"))


def _answer_classes(b: _Builder, experts_outputs: Sequence[str], experts: int, classes: int, rule: Rule) -> None:
    floor, share = np.array(rule.floor / classes, np.float32), np.array(1 - rule.floor, np.float32)
    logarithms = b.op("Log", b.op("Add", b.op("Mul", b.op("Concat", *experts_outputs, axis=1), share), floor))
    b.op("Reshape", logarithms, np.array([0, experts, classes]), name=EXPERTS)
    sums = b.op("Gemm", logarithms, WEIGHTS, BIAS)
    b.op("ArgMax", sums, axis=1, keepdims=0, name=LABEL)
    b.op("Softmax", sums, axis=1, name=PROBABILITIES)


def _answer_numbers(b: _Builder, experts_outputs: Sequence[str], numbers: Numbers) -> None:
    """Sum of the outputs, with NaN and far outliers replaced."""
    known = _known(b, b.op("Concat", *experts_outputs, axis=1))
    values = b.op("Clip", known, np.array(-FARTHEST, np.float32), np.array(FARTHEST, np.float32))
    b.op("Unsqueeze", values, np.array([2]), name=EXPERTS)
    sums = b.op("Gemm", values, WEIGHTS, BIAS)
    answer = b.op("Add", b.op("Mul", sums, np.array(numbers.deviation, np.float32)), np.array(numbers.centre, np.float32))
    b.op("Reshape", answer, np.array([-1]), name=PREDICTION)


def _scores(b: _Builder, frame: Frame) -> str:
    """Standard scores, as :meth:`edgeloop_mixture.scaling.Scaling.scores` computes them."""
    scaling = frame.scaling
    features, codes = parts(scaling.features, scaling.width)
    chosen = b.op("Gather", INPUT, features, axis=1)
    is_category = codes >= 0
    if is_category.any():
        same = b.op("Cast", b.op("Equal", chosen, codes.astype(np.float32)), to=TensorProto.FLOAT)
        chosen = same if is_category.all() else b.op("Where", is_category, same, chosen)
    scores = b.op("Scaler", chosen, domain=ML, offset=scaling.means.tolist(), scale=scaling.gains.tolist())
    return b.op("Clip", _known(b, scores), np.array(-CLIP, np.float32), np.array(CLIP, np.float32))


def _neighbours(b: _Builder, scores: str, frame: Frame, rule: Rule) -> tuple[str, str]:
    """Votes of each memory row in each memory, [N, memories, rows], and the labels of these rows, [N, rows].

    A squared distance is the square of the row, minus twice the product, plus the square of the memory row; the first term does not
    change the order. The product is that of the shifted row, and the norms hold the same shift. A zero point would double its time.
    """
    shifted = b.op("QuantizeLinear", b.op("Mul", scores, frame.scaling.scales), np.array(1, np.float32), SHIFT)
    own = b.op("ReduceSumSquare", b.op("DequantizeLinear", shifted, np.array(1, np.float32), SHIFT), axes=[1], keepdims=1)
    partial = b.op("Sub", NORMS, b.op("MatMulInteger", shifted, MEMORY))
    values: list[str] = []
    labels: list[str] = []
    for memory in rule.memories:
        near, classes = partial, MEMORY_LABELS
        if memory.rows < rule.horizon:
            last = np.array([-memory.rows]), np.array([np.iinfo(np.int64).max])
            near, classes = b.op("Slice", partial, *last, np.array([1])), b.op("Slice", MEMORY_LABELS, *last, np.array([0]))
        found, places = b.op("TopK", near, np.array([memory.neighbours]), axis=1, largest=0, sorted=1, outputs=2)
        values.append(found)
        labels.append(b.op("Gather", classes, places))
    squares = b.op("Add", b.op("Cast", b.op("Concat", *values, axis=1), to=TensorProto.FLOAT), own)
    force = b.op("Reciprocal", b.op("Add", b.op("Sqrt", squares), np.array(NEAR, np.float32)))
    numbers = [memory.neighbours for memory in rule.memories]
    voters = np.repeat(np.eye(len(numbers), dtype=np.float32), numbers, axis=1)
    return b.op("Mul", b.op("Unsqueeze", force, np.array([1])), voters), b.op("Concat", *labels, axis=1)


def _votes(b: _Builder, forces: str, labels: str, classes: int) -> str:
    """Votes of all memories beside each other, [N, memories * C].

    A class index without a class has no vote, such as that of the rows that fill up a small memory.
    """
    named = b.op("OneHot", labels, np.array(classes), np.array([0, 1], np.float32))
    votes = b.op("LpNormalization", b.op("MatMul", forces, named), axis=2, p=1)
    return b.op("Flatten", votes, axis=1)


def _means(b: _Builder, forces: str, labels: str) -> str:
    """Mean labels of the neighbours in each memory, [N, memories]."""
    shares = b.op("LpNormalization", forces, axis=2, p=1)
    return b.op("Flatten", b.op("MatMul", shares, b.op("Unsqueeze", labels, np.array([2]))), axis=1)


def _alone(graph: onnx.GraphProto, number: int, frame: Frame) -> list[onnx.ValueInfoProto]:
    """A member's answers alone, as an output of the mixture, if its file has them."""
    name = alone_output(number, frame)
    kind = TensorProto.FLOAT if frame.numbers else TensorProto.INT64
    given = {f"m{number}_{value.name}": value.type.tensor_type.elem_type for value in graph.output}
    return [helper.make_tensor_value_info(name, kind, ["N"])] if given.get(name) == kind else []


def _model(b: _Builder, frame: Frame, experts: int, alone: Sequence[onnx.ValueInfoProto], *, memories: bool) -> bytes:
    classes, columns = frame.target.width, len(frame.scaling.features)
    inputs = [
        helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["N", frame.scaling.width]),
        helper.make_tensor_value_info(WEIGHTS, TensorProto.FLOAT, [experts * classes, classes]),
        helper.make_tensor_value_info(BIAS, TensorProto.FLOAT, [classes]),
        helper.make_tensor_value_info(COEFFICIENTS, TensorProto.FLOAT, [columns, classes]),
        helper.make_tensor_value_info(CONSTANT, TensorProto.FLOAT, [classes]),
    ]
    if memories:
        inputs += [
            helper.make_tensor_value_info(MEMORY, TensorProto.INT8, [columns, "M"]),
            helper.make_tensor_value_info(NORMS, TensorProto.INT32, ["M"]),
            helper.make_tensor_value_info(MEMORY_LABELS, TensorProto.FLOAT if frame.numbers else TensorProto.INT64, ["M"]),
        ]
    outputs = [helper.make_tensor_value_info(EXPERTS, TensorProto.FLOAT, ["N", experts, classes])]
    if frame.numbers:
        outputs += [helper.make_tensor_value_info(PREDICTION, TensorProto.FLOAT, ["N"])]
    else:
        outputs += [
            helper.make_tensor_value_info(LABEL, TensorProto.INT64, ["N"]),
            helper.make_tensor_value_info(PROBABILITIES, TensorProto.FLOAT, ["N", classes]),
        ]
    constants = [numpy_helper.from_array(np.asarray(value), name) for name, value in b.constants.items()]
    graph = helper.make_graph(b.nodes, "edgeloop", inputs, [*outputs, *alone], constants)
    opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="edgeloop")
    return model.SerializeToString(deterministic=True)
