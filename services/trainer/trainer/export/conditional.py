"""What a graph adds only now and then, computed only then: an ONNX `If` around it.

Of most words of a question and of an answer nothing is looked up in the pictures, which is all but a fiftieth of the time of nano's `embed`. torch.onnx cannot write such a branch yet, so it is put into the file.
"""
from pathlib import Path

import numpy as np
import onnx
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper


def compute_only_if(path: Path, output: str, source: str, flags: np.ndarray, index: str) -> None:
    """In a file whose `output` is a sum of two parts, the part that depends on the input `source` is computed only if `flags[x]` ≥ 0 for some x of the int64 input `index`."""
    model = onnx.load(path)
    graph = model.graph
    makers = {name: node for node in graph.node for name in node.output}
    total = makers[output]
    if total.op_type != 'Add':
        raise ValueError(f'{path.name}: {output} comes from {total.op_type}; expected a sum.')
    rare = next((name for name in total.input if source in inputs_behind(name, makers)), '')
    always = next(name for name in total.input if name != rare)
    if not rare or source in inputs_behind(always, makers):
        raise ValueError(f'{path.name}: expected that one part of {output} depends on {source} and the other does not.')
    kept = nodes_behind(always, makers)
    moved = [node for node in graph.node if id(node) in nodes_behind(rare, makers) and id(node) not in kept]
    moved_outputs = {name for node in moved for name in node.output}
    if any(name in moved_outputs for node in graph.node if node not in moved and node is not total for name in node.input):
        raise ValueError(f'{path.name}: what depends on {source} is used elsewhere too.')
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
    then = helper.make_graph(moved, 'there', [], [value(rare)])
    otherwise = helper.make_graph([helper.make_node('Mul', [always, 'rarely.zero'], ['rarely.nothing'])], 'nothing', [], [value('rarely.nothing')])
    graph.initializer.extend([numpy_helper.from_array(flags.astype(np.float32), 'rarely.flags'), numpy_helper.from_array(np.float32(0), 'rarely.zero')])
    condition = [
        helper.make_node('Gather', ['rarely.flags', index], ['rarely.flag']),
        helper.make_node('ReduceMax', ['rarely.flag'], ['rarely.most'], keepdims=0),
        helper.make_node('GreaterOrEqual', ['rarely.most', 'rarely.zero'], ['rarely.any']),
        helper.make_node('If', ['rarely.any'], ['rarely.part'], then_branch=then, else_branch=otherwise),
        helper.make_node('Add', [always, 'rarely.part'], [output]),
    ]
    rest = [node for node in graph.node if node not in moved and node is not total]
    replace_nodes(graph, [*rest, *condition])
    onnx.checker.check_model(model)
    onnx.save(model, path)


def nodes_behind(name: str, makers: dict[str, NodeProto]) -> set[int]:
    found: set[int] = set()
    waiting = [name]
    while waiting:
        node = makers.get(waiting.pop())
        if node is not None and id(node) not in found:
            found.add(id(node))
            waiting += node.input
    return found


def inputs_behind(name: str, makers: dict[str, NodeProto]) -> set[str]:
    nodes = nodes_behind(name, makers)
    return {source for node in makers.values() if id(node) in nodes for source in node.input if source not in makers}


def replace_nodes(graph: GraphProto, nodes: list[NodeProto]) -> None:
    copies = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)
