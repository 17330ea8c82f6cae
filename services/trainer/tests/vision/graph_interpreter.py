"""Runs a TensorFlow.js graph model of plain convolutions with PyTorch's functions: the second implementation that NanoDet is compared with."""
import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from trainer.backbones.nanodet_weights import graph_constants


def run_graph(folder: Path, pixels: Tensor, outputs: list[str]) -> list[Tensor]:
    """pixels: (1, 3, H, W) → the named outputs. Follows the nodes as they stand, transposes and paddings included."""
    graph = json.loads((folder / 'nanodet.json').read_text())
    constants = graph_constants(graph, (folder / 'nanodet.bin').read_bytes())
    values: dict[str, list[Tensor]] = {name: [torch.from_numpy(value.astype(np.float32) if value.dtype == np.float16 else value)] for name, value in constants.items()}
    for node in graph['modelTopology']['node']:
        if node['op'] == 'Placeholder':
            values[node['name']] = [pixels]
        elif node['op'] not in ('Const', 'SparseToDense', 'AddV2'):  # the last two compute shapes
            values[node['name']] = run_node(node, [values.get(name.split(':')[0], [torch.zeros(0)]) for name in node['input']], [int(name.split(':')[1]) if ':' in name else 0 for name in node['input']])
    return [values[name][0] for name in outputs]


def run_node(node: dict, inputs: list[list[Tensor]], ports: list[int]) -> list[Tensor]:
    taken = [values[port] for values, port in zip(inputs, ports)]
    first = taken[0]
    match node['op']:
        case 'Transpose':
            return [first.permute(taken[1].tolist())]
        case 'Pad' | 'PadV2':
            around = [side for pair in reversed(taken[1].tolist()) for side in pair]
            return [F.pad(first, around, value=float(taken[2]) if node['op'] == 'PadV2' else 0.0)]
        case 'Conv2D':
            stride = int(node['attr']['strides']['list']['i'][1])
            return [F.conv2d(first.permute(0, 3, 1, 2), taken[1].permute(3, 2, 0, 1), stride=stride).permute(0, 2, 3, 1)]
        case 'MaxPool':
            return [F.max_pool2d(first.permute(0, 3, 1, 2), 3, 2).permute(0, 2, 3, 1)]
        case 'Add':
            return [first + taken[1]]
        case 'LeakyRelu':
            return [F.leaky_relu(first, node['attr']['alpha']['f'])]
        case 'ConcatV2':
            return [torch.cat(taken[:-1], int(taken[-1]))]
        case 'ResizeBilinear':
            size = [int(side) for side in taken[1]]
            return [F.interpolate(first.permute(0, 3, 1, 2), size=size, mode='bilinear', align_corners=False).permute(0, 2, 3, 1)]
        case 'SplitV':
            return list(first.split(taken[1].tolist(), int(taken[2])))
        case 'Sigmoid':
            return [first.sigmoid()]
        case 'Reshape' | 'Identity':
            return [first.flatten(2) if node['op'] == 'Reshape' else first]
    raise ValueError(f'no such operation here: {node["op"]}')
