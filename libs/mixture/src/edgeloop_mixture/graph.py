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
from edgeloop_mixture.scaling import CLIP, HIGH, LOW

INPUT, LABEL, PROBABILITIES, EXPERTS = "input", "label", "probabilities", "experts"
WEIGHTS, BIAS, COEFFICIENTS = "weights", "bias", "coefficients"
MEMORY, NORMS, MEMORY_LABELS = "memory", "norms", "memory_labels"
OPSETS = {"": 17, "ai.onnx.ml": 3}
IR_VERSION = 8
NEAR = 0.01  # steps: what a distance of nothing counts as


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
    floor = np.array(rule.floor / classes, np.float32)
    share = np.array(1 - rule.floor, np.float32)
    one = np.array([1], np.int64)

    def said(probabilities: str) -> str:
        """What an expert says, as [N, 1, C] of logarithms."""
        return b.op("Unsqueeze", b.op("Log", b.op("Add", b.op("Mul", probabilities, share), floor)), one)

    experts: list[str] = []
    for number, (member, model) in enumerate(zip(frame.members, models, strict=True)):
        output = _member(b, model, f"m{number}_", frame.scaling.width)
        if member.classes != frame.classes:
            places = np.zeros((len(member.classes), classes), np.float32)
            for place, name in enumerate(member.classes):
                places[place, frame.classes.index(name)] = 1
            output = b.op("MatMul", output, places)
        experts.append(said(output))
    scores = _scores(b, frame)
    experts.append(said(b.op("Softmax", _linear(b, scores), axis=1)))
    if memories and rule.memories:
        experts += [said(votes) for votes in _memories(b, scores, frame, rule)]
    together = b.op("Concat", *experts, axis=1, name=EXPERTS)
    sums = b.op("Add", b.op("Squeeze", b.op("MatMul", WEIGHTS, together), one), BIAS)
    b.op("ArgMax", sums, axis=1, keepdims=0, name=LABEL)
    b.op("Softmax", sums, axis=1, name=PROBABILITIES)
    return _model(b, frame, rule, len(experts), memories=memories and bool(rule.memories))


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


def _member(b: _Builder, model: bytes, prefix: str, width: int) -> str:
    named = compose.add_prefix_graph(checked(model, width), prefix, rename_inputs=False)
    b.nodes.extend(named.node)
    for tensor in named.initializer:
        b.constants[tensor.name] = numpy_helper.to_array(tensor)
    return prefix + PROBABILITIES


def _scores(b: _Builder, frame: Frame) -> str:
    scaling = frame.scaling
    chosen = b.op("Gather", INPUT, scaling.features, axis=1)
    scores = b.op("Mul", b.op("Sub", chosen, scaling.means), scaling.gains)
    known = b.op("Where", b.op("IsNaN", scores), np.array(0, np.float32), scores)
    return b.op("Clip", known, np.array(-CLIP, np.float32), np.array(CLIP, np.float32))


def _linear(b: _Builder, scores: str) -> str:
    """[N, D] with a one behind, times coefficients [D + 1, C]."""
    return b.op("MatMul", b.op("Pad", scores, np.array([0, 0, 0, 1], np.int64), np.array(1, np.float32)), COEFFICIENTS)


def _memories(b: _Builder, scores: str, frame: Frame, rule: Rule) -> list[str]:
    steps = b.op("Clip", b.op("Round", b.op("Mul", scores, frame.scaling.scales)), np.array(LOW, np.float32), np.array(HIGH, np.float32))
    shifted = b.op("Cast", b.op("Add", steps, np.array(128, np.float32)), to=TensorProto.UINT8)
    products = b.op("Cast", b.op("MatMulInteger", shifted, MEMORY, np.array(128, np.uint8)), to=TensorProto.FLOAT)
    own = b.op("ReduceSumSquare", steps, axes=[1], keepdims=1)
    partial = b.op("Sub", NORMS, b.op("Mul", products, np.array(2, np.float32)))
    votes: list[str] = []
    for number, memory in enumerate(rule.memories):
        near = partial
        if memory.rows < rule.horizon:
            near = b.op("Slice", partial, np.array([-memory.rows]), np.array([np.iinfo(np.int64).max]), np.array([1]))
        values, places = b.op("TopK", near, f"neighbours_{number}", axis=1, largest=0, sorted=1, outputs=2)
        labels = MEMORY_LABELS
        if memory.rows < rule.horizon:
            labels = b.op("Slice", MEMORY_LABELS, np.array([-memory.rows]), np.array([np.iinfo(np.int64).max]), np.array([0]))
        distances = b.op("Sqrt", b.op("Relu", b.op("Add", values, own)))
        force = b.op("Reciprocal", b.op("Add", distances, np.array(NEAR, np.float32)))
        voted = b.op("OneHot", b.op("Gather", labels, places), np.array(len(frame.classes)), np.array([0, 1], np.float32))
        counted = b.op("Squeeze", b.op("MatMul", b.op("Unsqueeze", force, np.array([1])), voted), np.array([1]))
        votes.append(b.op("Div", counted, b.op("ReduceSum", force, np.array([1]), keepdims=1)))
    return votes


def _model(b: _Builder, frame: Frame, rule: Rule, experts: int, *, memories: bool) -> bytes:
    classes, looked_at = len(frame.classes), len(frame.scaling.features)
    inputs = [
        helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["N", frame.scaling.width]),
        helper.make_tensor_value_info(WEIGHTS, TensorProto.FLOAT, [1, experts]),
        helper.make_tensor_value_info(BIAS, TensorProto.FLOAT, [classes]),
        helper.make_tensor_value_info(COEFFICIENTS, TensorProto.FLOAT, [looked_at + 1, classes]),
    ]
    if memories:
        inputs += [
            helper.make_tensor_value_info(MEMORY, TensorProto.INT8, [looked_at, "M"]),
            helper.make_tensor_value_info(NORMS, TensorProto.FLOAT, ["M"]),
            helper.make_tensor_value_info(MEMORY_LABELS, TensorProto.INT64, ["M"]),
            *(helper.make_tensor_value_info(f"neighbours_{i}", TensorProto.INT64, [1]) for i in range(len(rule.memories))),
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
