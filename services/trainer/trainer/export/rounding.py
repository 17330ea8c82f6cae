"""Weights as they are stored: encoder, neck and frozen eyes as 8-bit numbers with a scale per output channel, everything else in half precision.

The model is rounded first, in place, so that PyTorch computes with exactly what the files hold; metrics and golden values are those of the rounded
model. The files hold plain Cast and Mul nodes, which every runtime folds when it loads.
"""
from pathlib import Path

import numpy as np
import onnx
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper
import torch
from torch import nn

from trainer.backbones.nano_eyes import FrozenEyes
from trainer.model import TpoModel

SMALL = 256  # tensors with fewer numbers stay as they are: scales, biases, tables
LEVELS = 127


@torch.no_grad()
def round_model(model: TpoModel, frozen: FrozenEyes) -> None:
    for parameter in model.parameters():
        if parameter.numel() >= SMALL:
            parameter.copy_(parameter.half().float())
    eyes = [frozen, model.backbone.neck, *([model.backbone.encoder] if model.backbone.encoder else [])]
    for module in (part for eye in eyes for part in eye.modules()):
        if isinstance(module, nn.Conv2d | nn.Linear) and module.weight.numel() >= SMALL:
            weight = module.weight
            scale = weight.flatten(1).abs().amax(1).clamp(min=1e-12) / LEVELS
            shape = (-1, *([1] * (weight.ndim - 1)))
            weight.copy_((weight / scale.view(shape)).round() * scale.view(shape))
    for parameter in frozen.parameters():
        if parameter.ndim == 1:
            parameter.copy_(parameter.half().float())


def shrink(path: Path) -> None:
    """Rewrites the large fp32 initialisers of a file: to int8 where they are exactly that, else to fp16."""
    model = onnx.load(path)
    nodes: list[NodeProto] = []
    added: list[TensorProto] = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < SMALL:
            continue
        name = tensor.name
        found = as_int8(values)
        if found is None:
            if not np.array_equal(values.astype(np.float16).astype(np.float32), values):
                continue  # a table that is no weight: kept whole
            tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f'{name}.half'))
            nodes.append(helper.make_node('Cast', [f'{name}.half'], [name], to=TensorProto.FLOAT))
        else:
            levels, scale = found
            tensor.CopyFrom(numpy_helper.from_array(levels, f'{name}.levels'))
            added.append(numpy_helper.from_array(scale, f'{name}.scale'))
            nodes += [helper.make_node('Cast', [f'{name}.levels'], [f'{name}.cast'], to=TensorProto.FLOAT), helper.make_node('Mul', [f'{name}.cast', f'{name}.scale'], [name])]
    model.graph.initializer.extend(added)
    put_first(model.graph, nodes)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def as_int8(values: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Levels and scales, if the values are on such a grid along the first or the last axis."""
    if values.ndim < 2:
        return None
    for axis in (0, values.ndim - 1):
        others = tuple(i for i in range(values.ndim) if i != axis)
        scale = (np.abs(values).max(others, keepdims=True) / LEVELS).clip(1e-12).astype(np.float32)
        levels = np.rint(values / scale)
        if np.abs(levels * scale - values).max() <= 2e-6 * np.abs(values).max():
            return levels.astype(np.int8), scale
    return None


def put_first(graph: GraphProto, nodes: list[NodeProto]) -> None:
    rest = list(graph.node)
    del graph.node[:]
    graph.node.extend([*nodes, *rest])
