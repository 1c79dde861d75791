"""Foreign operators and external data in an ONNX graph."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from edgeloop_contracts.rpc.model_graph import Graph, Model, Node, SparseTensor, Tensor

DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})


def forbidden(model: Model) -> str:
    """Say what a model holds that no device runs: foreign operators, or data outside the file; ``""`` if nothing.

    A model in memory that names external data can make onnxruntime read any file of the device.
    """
    for opset in model.opset_import:
        if opset.domain not in DOMAINS:
            return f"operators of the domain {opset.domain!r}; allowed are {sorted(DOMAINS)}"
    functions = (node for function in model.functions for node in function.node)
    for node in _nodes([*model.graph.node, *functions]):
        if node.domain not in DOMAINS:
            return f"operator {node.op_type!r} of the domain {node.domain!r}; allowed are {sorted(DOMAINS)}"
        if why := _outside(_attribute_tensors(node)):
            return why
    return _outside(_graph_tensors(model.graph))


def _nodes(nodes: Iterable[Node]) -> Iterator[Node]:
    """All nodes, those of inner graphs included."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                yield from _nodes(graph.node)


def _attribute_tensors(node: Node) -> Iterator[Tensor]:
    for attribute in node.attribute:
        yield from (attribute.t, *attribute.tensors)
        yield from _sparse((attribute.sparse_tensor, *attribute.sparse_tensors))
        for graph in (attribute.g, *attribute.graphs):
            yield from _graph_tensors(graph)


def _graph_tensors(graph: Graph) -> Iterator[Tensor]:
    yield from graph.initializer
    yield from _sparse(graph.sparse_initializer)


def _sparse(tensors: Iterable[SparseTensor]) -> Iterator[Tensor]:
    for tensor in tensors:
        yield from (tensor.values, tensor.indices)


def _outside(tensors: Iterable[Tensor]) -> str:
    for tensor in tensors:
        if tensor.data_location or tensor.external_data:
            return f"the tensor {tensor.name!r} lies outside the file"
    return ""
