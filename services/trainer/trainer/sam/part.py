"""A SAM-class model to the mask part of a bundle: graphs, golden values, and `mask.json`, which holds the manifest's rows (docs/design/bundle.md)."""
import hashlib
import json
from pathlib import Path

import torch
from torch import nn

from trainer.export.bundle import ParityError
from trainer.export.fresh_folder import fresh_folder
from trainer.export.golden import Blob, golden_graph
from trainer.export.onnx_file import TOLERANCE, export_graph, parity
from trainer.export.rounding import shrink
from trainer.sam.graphs import graphs_of
from trainer.sam.official import FAMILIES
from trainer.sam.prompts import MaskAdapter

PAPERS = 'mask.json'
OPSET = 20           # the first with GELU as one operator
RECENT_POINTERS = 15  # of the last frames; those of prompted frames come on top


def export_part(model: nn.Module, family: str, folder: Path, adapter: MaskAdapter, state_width: int, source: str, small: bool = False, taught: str = '') -> dict[str, float]:
    """Writes the part, in the place of an earlier one → what each graph differs by from PyTorch. `small` stores weights that fp16 holds exactly as such; `taught`: the bundle whose phrases the adapter knows."""
    with fresh_folder(folder, PAPERS) as fresh:
        return write_part(model, family, fresh, adapter, state_width, source, small, taught)


def write_part(model: nn.Module, family: str, folder: Path, adapter: MaskAdapter, state_width: int, source: str, small: bool, taught: str) -> dict[str, float]:
    (folder / 'golden').mkdir(parents=True, exist_ok=True)
    blob, golden, differences, graphs = Blob(), {}, {}, {}
    for spec in graphs_of(model, adapter, state_width):
        path = export_graph(spec, folder, opset=OPSET)
        if small:
            shrink(path)
        differences[spec.name] = parity(path, spec)
        if not differences[spec.name] <= TOLERANCE:
            raise ParityError(f'{spec.file} differs from PyTorch by {differences[spec.name]:.2g}; at most {TOLERANCE} is allowed. Look at the graph\'s operators.')
        golden[spec.name] = golden_graph(spec, blob)
        graphs[spec.name.removeprefix('mask.')] = {'file': spec.file, 'inputs': spec.inputs, 'outputs': spec.outputs}
    blob.write(folder)
    (folder / 'golden' / 'index.json').write_text(json.dumps({'graphs': golden, 'asks': []}, indent=1) + '\n')
    part = {
        'part': 'mask', 'family': family, 'image': {'size': [model.image_size, model.image_size], 'resize': 'stretch'}, 'state': {'width': state_width, 'tokens': adapter.tokens},
        'head': {'task': 'mask', 'standing': True, 'token': {'trigger': '<mask>', 'task': '<mask_task>'}, 'threshold': 0.5, 'graphs': graphs,
                 'bank': {'prompted': 1, 'recent': model.num_maskmem - 1, 'pointers': RECENT_POINTERS, 'stored': 'bfloat16'}},
        **({'taught': taught} if taught else {}),
        'golden': 'golden/index.json',
        'hashes': {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob('*')) if path.is_file()},
        'parts': [{'name': family, 'source': source, 'licence': FAMILIES[family].licence}],
    }
    (folder / PAPERS).write_text(json.dumps(part, indent=1) + '\n')
    return differences


@torch.no_grad()
def halved(model: nn.Module) -> nn.Module:
    """Weights rounded to what fp16 holds, so that a small file is exact."""
    for parameter in model.parameters():
        parameter.copy_(parameter.half().float())
    return model
