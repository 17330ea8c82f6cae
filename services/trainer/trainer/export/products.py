"""Products of a graph with constant matrices, put into int8 or int4; those inside a branch (an ONNX `If`) too."""
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from trainer.export.graph_writer import CONTRIB
from trainer.export.weight_only import to_blocks

BLOCKS = (32, 16)  # SigLIP so400m has rows of 4304, which 32 does not divide
SMALL = 1 << 16  # numbers of a weight below which it is not worth it


@dataclass
class Weight:
    owner: GraphProto    # whose constant it is: products of branches within see it too
    tensor: TensorProto
    packed: bool = False


def quantise(model: ModelProto, bits: int) -> int:
    """Every product with a constant matrix of a size that fits → how many matrices there were."""
    packed = [weight for weight in quantise_graph(model.graph, {}, bits) if weight.packed]
    used = {name for graph in graphs_in(model.graph) for name in names_read(graph)}
    for weight in packed:
        if weight.tensor.name not in used:
            weight.owner.initializer.remove(weight.tensor)
    if packed and all(entry.domain != CONTRIB for entry in model.opset_import):
        model.opset_import.append(helper.make_opsetid(CONTRIB, 1))
    return len(packed)


def quantise_graph(graph: GraphProto, outer: dict[str, Weight], bits: int) -> list[Weight]:
    """→ the constants of the graph and of all within."""
    own = {tensor.name: Weight(graph, tensor) for tensor in graph.initializer}
    seen, found = outer | own, list(own.values())
    for node in graph.node:
        if node.op_type == 'MatMul' and node.input[1] in seen and suits(seen[node.input[1]].tensor):
            become_product(node, seen[node.input[1]], bits)
        for branch in branches_of(node):
            found += quantise_graph(branch, seen, bits)
    return found


def suits(tensor: TensorProto) -> bool:
    return len(tensor.dims) == 2 and tensor.data_type == TensorProto.FLOAT and block_of(tensor.dims[0]) > 0 and tensor.dims[0] * tensor.dims[1] >= SMALL


def block_of(columns: int) -> int:
    return next((block for block in BLOCKS if columns % block == 0), 0)


def become_product(node: NodeProto, weight: Weight, bits: int) -> None:
    name, (rows, columns) = weight.tensor.name, weight.tensor.dims
    if not weight.packed:
        matrix = numpy_helper.to_array(weight.tensor)  # (K, N)
        packed, scales, _ = to_blocks(np.ascontiguousarray(matrix.T).astype(np.float32), bits, block_of(rows))
        weight.owner.initializer.extend([numpy_helper.from_array(packed, f'{name}.packed'), numpy_helper.from_array(scales, f'{name}.scales')])
        weight.packed = True
    made = helper.make_node('MatMulNBits', [node.input[0], f'{name}.packed', f'{name}.scales'], list(node.output), name=node.name, domain=CONTRIB,
                            bits=bits, accuracy_level=4, K=rows, N=columns, block_size=block_of(rows))
    node.CopyFrom(made)


def graphs_in(graph: GraphProto) -> Iterator[GraphProto]:
    """It, and every branch within."""
    yield graph
    for node in graph.node:
        for branch in branches_of(node):
            yield from graphs_in(branch)


def branches_of(node: NodeProto) -> list[GraphProto]:
    return [branch for attribute in node.attribute for branch in ([attribute.g] if attribute.HasField('g') else attribute.graphs)]


def names_read(graph: GraphProto) -> Iterator[str]:
    for node in graph.node:
        yield from node.input
    yield from (port.name for port in graph.output)
