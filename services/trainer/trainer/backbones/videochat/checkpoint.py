"""Loads a folder of safetensors shards into VideoChat, strictly: every name must be there, none may be left over, every shape must fit."""
import json
from pathlib import Path

from safetensors import safe_open
import torch
from torch import Tensor

from trainer.backbones.videochat.config import VIDEOCHAT, VideoChatConfig
from trainer.backbones.videochat.model import VideoChat

INDEX = 'model.safetensors.index.json'
SHOWN = 8


class CheckpointError(Exception):
    code = 'checkpoint'


def load_videochat(folder: Path, config: VideoChatConfig = VIDEOCHAT) -> VideoChat:
    """Builds the model without memory for its weights, then takes the stored tensors as they are (bf16 stays bf16)."""
    with torch.device('meta'):
        model = VideoChat(config)
    problems = check_folder(folder, model)
    if problems:
        raise CheckpointError(f'{folder} is not a VideoChat-TPO checkpoint of configuration {config.name}: ' + '; '.join(problems))
    for shard in shards_of(folder):
        with safe_open(shard, framework='pt') as file:
            model.load_state_dict({name: file.get_tensor(name) for name in file.keys()}, strict=False, assign=True)
    return model.eval()


def check_folder(folder: Path, model: VideoChat) -> list[str]:
    """What keeps the folder from loading, from the shards' headers alone."""
    try:
        shards = shards_of(folder)
    except FileNotFoundError as missing:
        return [str(missing)]
    expected: dict[str, Tensor] = model.state_dict()
    found: dict[str, tuple[int, ...]] = {}
    problems = []
    for shard in shards:
        with safe_open(shard, framework='pt') as file:
            for name in file.keys():
                if name in found:
                    problems.append(f'{name} is in more than one shard')
                found[name] = tuple(file.get_slice(name).get_shape())
    problems += listed('missing', sorted(expected.keys() - found.keys()))
    problems += listed('unexpected', sorted(found.keys() - expected.keys()))
    problems += [f'{name} has shape {list(shape)}, expected {list(expected[name].shape)}' for name, shape in found.items() if name in expected and shape != tuple(expected[name].shape)]
    return problems


def shards_of(folder: Path) -> list[Path]:
    index = folder / INDEX
    if index.exists():
        shards = [folder / name for name in sorted(set(json.loads(index.read_text())['weight_map'].values()))]
    else:
        shards = [folder / 'model.safetensors']
    for shard in shards:
        if not shard.exists():
            raise FileNotFoundError(f'{shard.name} is not there; a download may have stopped half-way')
    return shards


def listed(what: str, names: list[str]) -> list[str]:
    if not names:
        return []
    rest = f' and {len(names) - SHOWN} more' if len(names) > SHOWN else ''
    return [f'{what} {", ".join(names[:SHOWN])}{rest}']


def stored_bytes(model: VideoChat) -> dict[str, int]:
    """Bytes of every tensor as the published checkpoint stores it: bf16, floating buffers too; integers in their own type."""
    return {name: tensor.numel() * (2 if tensor.is_floating_point() else tensor.element_size()) for name, tensor in model.state_dict().items()}
