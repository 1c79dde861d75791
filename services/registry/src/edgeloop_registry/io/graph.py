"""Rules for ONNX graphs that may run on a device."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import onnx
from edgeloop_contracts import RefusalReason

from edgeloop_registry.core.candidates import CandidateRefusedError

DOMAINS = frozenset({"", "ai.onnx.ml"})
MAX_NODES = 20_000

# Plain arithmetic on tensors, and the classic models. No loops or branches (they hold graphs of their own), no random
# numbers (a device must repeat an answer), no text, no sequences.
_TENSOR_OPS = """
    Abs Add And ArgMax ArgMin BatchNormalization Cast CastLike Ceil Clip Concat Constant ConstantOfShape CumSum Div Dropout Elu
    Equal Erf Exp Expand Flatten Floor Gather GatherElements GatherND Gelu Gemm Greater GreaterOrEqual HardSigmoid Identity IsInf
    IsNaN LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax MatMul Max Mean Min Mod Mul Neg Not OneHot Or Pow Reciprocal
    ReduceL1 ReduceL2 ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Round
    ScatterElements ScatterND Selu Shape Sigmoid Sign Slice Softmax Softplus Split Sqrt Squeeze Sub Sum Tanh Tile TopK Transpose
    Unsqueeze Where Xor
"""
_CLASSIC_OPS = """
    ArrayFeatureExtractor Binarizer FeatureVectorizer Imputer LabelEncoder LinearClassifier LinearRegressor Normalizer OneHotEncoder
    SVMClassifier SVMRegressor Scaler TreeEnsemble TreeEnsembleClassifier TreeEnsembleRegressor
"""
ALLOWED_OPS = frozenset({("", op) for op in _TENSOR_OPS.split()} | {("ai.onnx.ml", op) for op in _CLASSIC_OPS.split()})


def check_graph(artifact: bytes, features: int, classes: int) -> None:
    """Check that a model is well-formed, keeps to the allow-list, and has the inputs and outputs that devices expect.

    Parameters
    ----------
    artifact
        ONNX file with the input ``input`` float32 [N, features]. Outputs: ``label`` int64 [N] and ``probabilities`` float32 [N, classes];
        without classes, ``prediction`` float32 [N].
    features, classes
        How many of each.

    Raises
    ------
    CandidateRefusedError
        ``FORBIDDEN_GRAPH``, with what and where.
    """
    try:
        model = onnx.load_model_from_string(artifact)
    except Exception as error:  # the protobuf parser's error differs between its implementations
        raise _forbidden(f"not an ONNX model: {error}") from error
    _check_form(model)
    _check_shapes(model.graph, features, classes)
    try:
        onnx.checker.check_model(model)
    except Exception as error:  # ValidationError, or what a broken graph leads the checker into
        raise _forbidden(f"the ONNX checker says: {error}") from error


def _check_form(model: onnx.ModelProto) -> None:
    for opset in model.opset_import:
        if opset.domain not in DOMAINS:
            raise _forbidden(f"the operator domain {opset.domain!r} is not allowed")
    # Functions would hide operators behind names of their own; training graphs do not belong on a device.
    if model.functions or model.training_info:
        raise _forbidden("functions or training graphs are not allowed")
    if len(model.graph.node) > MAX_NODES:
        raise _forbidden(f"{len(model.graph.node)} nodes; at most {MAX_NODES} are allowed")
    for node in model.graph.node:
        if (node.domain, node.op_type) not in ALLOWED_OPS:
            raise _forbidden(f"the operator {node.op_type!r} of domain {node.domain!r} is not allowed (node {node.name!r})")
        for attribute in node.attribute:
            if attribute.HasField("g") or attribute.graphs:
                raise _forbidden(f"the node {node.name!r} holds a graph of its own")
    for tensor in _tensors(model.graph):
        if tensor.external_data or tensor.data_location == onnx.TensorProto.EXTERNAL:
            raise _forbidden(f"the tensor {tensor.name!r} lies outside the file")


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        for attribute in node.attribute:
            yield attribute.t
            yield from attribute.tensors
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)


def _check_shapes(graph: onnx.GraphProto, features: int, classes: int) -> None:
    constants = {tensor.name for tensor in graph.initializer}
    inputs = {value.name: _shape(value) for value in graph.input if value.name not in constants}
    outputs = {value.name: _shape(value) for value in graph.output}
    _match("input", inputs, {"input": (onnx.TensorProto.FLOAT, ("N", features))})
    answers: dict[str, Shape] = {"prediction": (onnx.TensorProto.FLOAT, ("N",))}
    if classes:
        answers = {"label": (onnx.TensorProto.INT64, ("N",)), "probabilities": (onnx.TensorProto.FLOAT, ("N", classes))}
    _match("output", outputs, answers)


Shape = tuple[int, tuple[Any, ...]]


def _shape(value: onnx.ValueInfoProto) -> Shape:
    """Element type and dimensions; ``"N"`` for one that is free."""
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        raise _forbidden(f"{value.name!r} has no declared shape")
    return tensor.elem_type, tuple(d.dim_value if d.HasField("dim_value") else "N" for d in tensor.shape.dim)


def _match(what: str, given: dict[str, Shape], expected: dict[str, Shape]) -> None:
    if given != expected:
        raise _forbidden(f"{what}s {_text(expected)} expected, {_text(given)} given")


def _text(shapes: dict[str, Shape]) -> str:
    return ", ".join(
        f"{name} {onnx.TensorProto.DataType.Name(kind).lower()}[{', '.join(map(str, shape))}]"
        for name, (kind, shape) in sorted(shapes.items())
    )


def _forbidden(message: str) -> CandidateRefusedError:
    return CandidateRefusedError(RefusalReason.FORBIDDEN_GRAPH, message[:2000])
