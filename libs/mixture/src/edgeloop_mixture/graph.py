"""One ONNX graph of a whole mixture: its members as they are, and what the adapter moves as inputs.

Applying an adapter changes no graph: weights, bias, coefficients and memories are inputs. The members' trees are copied
unchanged. Distances are sums of whole numbers, so a memory gives the same votes on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, compose, helper, numpy_helper

from edgeloop_mixture.mixture import Frame
from edgeloop_mixture.rule import Rule
from edgeloop_mixture.scaling import CLIP, LOW

INPUT, LABEL, PROBABILITIES, EXPERTS = "input", "label", "probabilities", "experts"
WEIGHTS, BIAS, COEFFICIENTS, CONSTANT = "weights", "bias", "coefficients", "constant"
MEMORY, NORMS, MEMORY_LABELS = "memory", "norms", "memory_labels"
ML = "ai.onnx.ml"
OPSETS = {"": 17, ML: 3}
IR_VERSION = 8
NEAR = 0.01  # steps: what a distance of nothing counts as
ROUNDING = 1e-3  # what the sum of a forest's largest leaves may be above 1
_LEAVES = {"class_weights", "class_treeids"}
SHIFT = np.array(-LOW, np.uint8)  # makes steps of a row unsigned


class GraphError(ValueError):
    """A member's file cannot take part in a mixture."""


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
        ONNX file of each member, in their order: input ``input`` float32 [N, F], output ``probabilities``.
    memories
        Whether the memories take part; a device that has no room for them does without.

    Raises
    ------
    GraphError
        A file is no such model.
    """
    b = _Builder()
    classes = len(frame.classes)
    said: list[str] = []  # by each expert: probabilities [N, C]
    for number, (member, model) in enumerate(zip(frame.members, models, strict=True)):
        graph = checked(model, frame.scaling.width)
        output = _member(b, graph, f"m{number}_")
        if not bounded(graph):
            # One member that gives no number, to one row, must not spoil what the others say: it says nothing of that row.
            known = b.op("Imputer", output, domain=ML, imputed_value_floats=[0.0], replaced_value_float=float("nan"))
            output = b.op("Clip", known, np.array(0, np.float32), np.array(1, np.float32))
        if member.classes != frame.classes:
            places = [frame.classes.index(name) for name in member.classes]
            output = b.op("MatMul", output, np.eye(classes, dtype=np.float32)[places])
        said.append(output)
    scores = _scores(b, frame)
    said.append(b.op("Softmax", b.op("Gemm", scores, COEFFICIENTS, CONSTANT), axis=1))
    experts = len(said)
    if memories and rule.memories:
        said.append(_memories(b, scores, frame, rule))
        experts += len(rule.memories)
    floor, share = np.array(rule.floor / classes, np.float32), np.array(1 - rule.floor, np.float32)
    logarithms = b.op("Log", b.op("Add", b.op("Mul", b.op("Concat", *said, axis=1), share), floor))
    b.op("Reshape", logarithms, np.array([0, experts, classes]), name=EXPERTS)
    sums = b.op("Gemm", logarithms, WEIGHTS, BIAS)
    b.op("ArgMax", sums, axis=1, keepdims=0, name=LABEL)
    b.op("Softmax", sums, axis=1, name=PROBABILITIES)
    return _model(b, frame, experts, memories=memories and bool(rule.memories))


def checked(model: bytes, width: int) -> onnx.GraphProto:
    """The graph of a file that can be a member of a mixture for rows of ``width`` features.

    Raises
    ------
    GraphError
        It cannot.
    """
    try:
        graph = onnx.load_model_from_string(model).graph
    except Exception as error:  # protobuf's own errors differ by implementation
        raise GraphError(f"no ONNX model: {error}") from error
    if [i.name for i in graph.input] != [INPUT] or PROBABILITIES not in [o.name for o in graph.output]:
        raise GraphError(f"expected the input {INPUT!r} and the output {PROBABILITIES!r}")
    length = graph.input[0].type.tensor_type.shape.dim[1].dim_value
    if length not in (0, width):
        raise GraphError(f"takes rows of {length} features; the mixture's have {width}")
    return graph


def bounded(graph: onnx.GraphProto) -> bool:
    """Whether a graph's probabilities are numbers from 0 to 1 by its form alone: sums of leaves, whatever the row is."""
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
    np.maximum.at(most, places, weights)  # of each tree one leaf counts
    return float(most.sum()) < 1 + ROUNDING


def _member(b: _Builder, graph: onnx.GraphProto, prefix: str) -> str:
    named = compose.add_prefix_graph(graph, prefix, rename_inputs=False)
    b.nodes.extend(named.node)
    for tensor in named.initializer:
        b.constants[tensor.name] = numpy_helper.to_array(tensor)
    return prefix + PROBABILITIES


def _scores(b: _Builder, frame: Frame) -> str:
    """What :meth:`edgeloop_mixture.scaling.Scaling.scores` gives."""
    scaling = frame.scaling
    chosen = b.op("Gather", INPUT, scaling.features, axis=1)
    scores = b.op("Scaler", chosen, domain=ML, offset=scaling.means.tolist(), scale=scaling.gains.tolist())
    known = b.op("Imputer", scores, domain=ML, imputed_value_floats=[0.0], replaced_value_float=float("nan"))
    return b.op("Clip", known, np.array(-CLIP, np.float32), np.array(CLIP, np.float32))


def _memories(b: _Builder, scores: str, frame: Frame, rule: Rule) -> str:
    """Votes of all memories beside each other, [N, memories * C].

    A squared distance is the row's own square - 2 * product + the square of what is remembered; its first part orders nothing.
    The product is that of the shifted row: what is too much in it is in the norms as well. A zero point would double its time.
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
    forces = b.op("Mul", b.op("Unsqueeze", force, np.array([1])), voters)
    # A class that is none has no vote: so it is with what fills up a memory of few rows.
    named = b.op("OneHot", b.op("Concat", *labels, axis=1), np.array(len(frame.classes)), np.array([0, 1], np.float32))
    votes = b.op("LpNormalization", b.op("MatMul", forces, named), axis=2, p=1)
    return b.op("Flatten", votes, axis=1)


def _model(b: _Builder, frame: Frame, experts: int, *, memories: bool) -> bytes:
    classes, looked_at = len(frame.classes), len(frame.scaling.features)
    inputs = [
        helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["N", frame.scaling.width]),
        helper.make_tensor_value_info(WEIGHTS, TensorProto.FLOAT, [experts * classes, classes]),
        helper.make_tensor_value_info(BIAS, TensorProto.FLOAT, [classes]),
        helper.make_tensor_value_info(COEFFICIENTS, TensorProto.FLOAT, [looked_at, classes]),
        helper.make_tensor_value_info(CONSTANT, TensorProto.FLOAT, [classes]),
    ]
    if memories:
        inputs += [
            helper.make_tensor_value_info(MEMORY, TensorProto.INT8, [looked_at, "M"]),
            helper.make_tensor_value_info(NORMS, TensorProto.INT32, ["M"]),
            helper.make_tensor_value_info(MEMORY_LABELS, TensorProto.INT64, ["M"]),
        ]
    outputs = [
        helper.make_tensor_value_info(LABEL, TensorProto.INT64, ["N"]),
        helper.make_tensor_value_info(PROBABILITIES, TensorProto.FLOAT, ["N", classes]),
        helper.make_tensor_value_info(EXPERTS, TensorProto.FLOAT, ["N", experts, classes]),
    ]
    constants = [numpy_helper.from_array(np.asarray(value), name) for name, value in b.constants.items()]
    graph = helper.make_graph(b.nodes, "edgeloop", inputs, outputs, constants)
    opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="edgeloop")
    return model.SerializeToString(deterministic=True)
