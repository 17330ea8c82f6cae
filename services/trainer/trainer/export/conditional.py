"""What a graph adds only now and then, computed only then: an ONNX `If` around it, and another within.

Of most words of a question and of an answer nothing is looked up in the pictures, which is all but a fiftieth of the time of nano's `embed`. torch.onnx cannot write such a branch yet, so it is put into the file.
"""
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper


@dataclass(frozen=True)
class Rare:
    """The addend of `output` that depends on the input `source` is computed only if `flags[x]` ≥ 0 for some x of the int64 input `index`; of that addend, a
    sum itself, the second part only if `rarer[x]` ≥ 0 for some x."""
    output: str
    source: str
    index: str
    flags: np.ndarray
    rarer: np.ndarray | None = None


def compute_only_if(path: Path, rare: Rare) -> None:
    """Changes the file."""
    model = onnx.load(path)
    graph = model.graph
    makers = {name: node for node in graph.node for name in node.output}
    total = makers[rare.output]
    if total.op_type != 'Add':
        raise ValueError(f'{path.name}: {rare.output} comes from {total.op_type}; expected a sum.')
    part = next((name for name in total.input if rare.source in inputs_behind(name, makers)), '')
    always = next(name for name in total.input if name != part)
    if not part or rare.source in inputs_behind(always, makers):
        raise ValueError(f'{path.name}: expected that one part of {rare.output} depends on {rare.source} and the other does not.')
    moved = behind_alone(graph, part, always, makers)
    if used_elsewhere(graph, moved, total):
        raise ValueError(f'{path.name}: what depends on {rare.source} is used elsewhere too.')
    branch = moved
    if rare.rarer is not None:
        inner = makers[part]
        if inner.op_type != 'Add':
            raise ValueError(f'{path.name}: what depends on {rare.source} comes from {inner.op_type}; expected a sum of two parts.')
        usual, seldom = inner.input
        alone = [node for node in behind_alone(graph, seldom, usual, makers) if node in moved]
        flags_of(graph, 'rarer', rare.rarer)
        branch = [*(node for node in moved if node not in alone and node is not inner), *added_if('rarer', usual, seldom, alone, part, rare.index)]
    flags_of(graph, 'rare', rare.flags)
    rest = [node for node in graph.node if node not in moved and node is not total]
    graph.initializer.append(numpy_helper.from_array(np.float32(0), 'zero'))
    replace_nodes(graph, [*rest, *added_if('rare', always, part, branch, rare.output, rare.index)])
    onnx.checker.check_model(model)
    onnx.save(model, path)


def flags_of(graph: GraphProto, name: str, flags: np.ndarray) -> None:
    graph.initializer.append(numpy_helper.from_array(flags.astype(np.float32), f'{name}.flags'))


def added_if(name: str, always: str, part: str, nodes: list[NodeProto], output: str, index: str) -> list[NodeProto]:
    """Nodes: output = always + part, where `nodes`, which make the part, run only if one of the flags stands."""
    value = lambda made: helper.make_tensor_value_info(made, TensorProto.FLOAT, None)
    then = helper.make_graph(nodes, f'{name}.there', [], [value(part)])
    otherwise = helper.make_graph([helper.make_node('Mul', [always, 'zero'], [f'{name}.none'])], f'{name}.nothing', [], [value(f'{name}.none')])
    return [
        helper.make_node('Gather', [f'{name}.flags', index], [f'{name}.flag']),
        helper.make_node('ReduceMax', [f'{name}.flag'], [f'{name}.most'], keepdims=0),
        helper.make_node('GreaterOrEqual', [f'{name}.most', 'zero'], [f'{name}.any']),
        helper.make_node('If', [f'{name}.any'], [f'{name}.part'], then_branch=then, else_branch=otherwise),
        helper.make_node('Add', [always, f'{name}.part'], [output]),
    ]


def behind_alone(graph: GraphProto, name: str, other: str, makers: dict[str, NodeProto]) -> list[NodeProto]:
    """The nodes that one value needs and the other does not, in order."""
    wanted, kept = nodes_behind(name, makers), nodes_behind(other, makers)
    return [node for node in graph.node if id(node) in wanted and id(node) not in kept]


def used_elsewhere(graph: GraphProto, moved: list[NodeProto], total: NodeProto) -> bool:
    made = {name for node in moved for name in node.output}
    return any(name in made for node in graph.node if node not in moved and node is not total for name in node.input)


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
