"""One graph to one ONNX file: exported in fp32, weights stored in half precision behind a cast, checked against PyTorch."""
from pathlib import Path
import warnings

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
import onnxruntime
import torch
from torch import Tensor

from trainer.export.graphs import GraphSpec

TOLERANCE = 1e-3
SMALL = 256  # tensors with fewer numbers stay fp32: they hold scales, tables and shapes


def export_graph(spec: GraphSpec, folder: Path) -> Path:
    path = folder / spec.file
    dims = {letter: torch.export.Dim(letter, min=1, max=512) for axes in spec.dynamic.values() for letter in axes.values()}
    shapes: list[object] = []
    for name, example in zip(spec.dynamic, spec.example):
        axes = {axis: dims[letter] for axis, letter in spec.dynamic[name].items()}
        if name == 'cache':  # the rest are the decoder's variadic entries
            shapes.append(tuple(dict(axes) for _ in spec.example[len(spec.dynamic) - 1:]))
        else:
            shapes.append(axes)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        torch.onnx.export(spec.module.eval(), spec.example, path, input_names=list(spec.inputs), output_names=list(spec.outputs), dynamic_shapes=tuple(shapes),
                          opset_version=18, dynamo=True, external_data=False, verbose=False)
    return path


def halve_weights(path: Path) -> None:
    """Large fp32 initialisers become fp16 with a cast in front: half the file; the runtime folds the casts when it loads."""
    model = onnx.load(path)
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < SMALL:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f'{name}.half'))
        casts.append(helper.make_node('Cast', [f'{name}.half'], [name], to=TensorProto.FLOAT))
    for value in list(graph.value_info):
        if value.name.endswith('.half'):
            graph.value_info.remove(value)
    for index, node in enumerate(casts):
        graph.node.insert(index, node)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def run_graph(path: Path, spec: GraphSpec, inputs: tuple[Tensor, ...]) -> dict[str, np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options)
    found = session.run(list(spec.outputs), {name: value.numpy() for name, value in zip(spec.inputs, inputs)})
    return dict(zip(spec.outputs, found))


def parity(path: Path, spec: GraphSpec) -> float:
    """The largest difference between the file and PyTorch (which must carry the stored weights)."""
    with torch.no_grad():
        truth = spec.module(*spec.example)
    truth = truth if isinstance(truth, tuple) else (truth,)
    found = run_graph(path, spec, spec.example)
    return max(float(np.abs(found[name] - value.numpy()).max()) for name, value in zip(spec.outputs, truth))
