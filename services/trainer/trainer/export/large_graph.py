"""A graph whose weights lie in a file of their own: a protocol buffer ends at 2 GB."""
from pathlib import Path
import warnings

import onnx
import torch

from trainer.export.graphs import GraphSpec


def export_large(spec: GraphSpec, folder: Path) -> Path:
    """As `export_graph`, with the weights in `FILE.data`."""
    path = folder / spec.file
    dims = {letter: torch.export.Dim(letter, min=1, max=4096) for axes in spec.dynamic.values() for letter in axes.values()}
    shapes = tuple({axis: dims[letter] for axis, letter in axes.items()} for axes in spec.dynamic.values())
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        torch.onnx.export(spec.module.eval(), spec.example, path, input_names=list(spec.inputs), output_names=list(spec.outputs), dynamic_shapes=shapes, opset_version=18,
                          dynamo=True, external_data=True, verbose=False)
    stored = onnx.load(path, load_external_data=False)
    for part in (stored, stored.graph, *stored.graph.node, *stored.graph.input, *stored.graph.output, *stored.graph.value_info, *stored.graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ''
    onnx.save(stored, path)
    return path
