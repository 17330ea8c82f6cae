"""One graph to one ONNX file: exported in fp32, weights stored small (`rounding.py`), checked against PyTorch."""
from pathlib import Path
import warnings

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor

from trainer.export.graphs import GraphSpec

TOLERANCE = 1e-3


def export_graph(spec: GraphSpec, folder: Path, opset: int = 18) -> Path:
    path = folder / spec.file
    dims = {letter: torch.export.Dim(letter, min=1, max=4096) for axes in spec.dynamic.values() for letter in axes.values()}
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
                          opset_version=opset, dynamo=True, external_data=False, verbose=False)
    forget_origin(path)
    return path


def forget_origin(path: Path) -> None:
    """Drops the exporter's stack traces, which name folders of the machine, and the shapes between: both make the file larger and are not needed."""
    model = onnx.load(path)
    graph = model.graph
    del graph.value_info[:]
    for part in (model, graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ''
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
