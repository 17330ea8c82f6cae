"""Loads a folder of safetensors shards into VideoChat, strictly: every name must be there, none may be left over, every shape must fit."""
from pathlib import Path

import torch

from trainer.backbones.misfits import misfits
from trainer.backbones.model_folder import FolderError, names_in, shard, shards_of
from trainer.backbones.videochat.config import VIDEOCHAT, VideoChatConfig
from trainer.backbones.videochat.model import VideoChat


def load_videochat(folder: Path, config: VideoChatConfig = VIDEOCHAT) -> VideoChat:
    """Builds the model without memory for its weights, then takes the stored tensors as they are (bf16 stays bf16)."""
    with torch.device('meta'):
        model = VideoChat(config)
    problems = check_folder(folder, model)
    if problems:
        raise FolderError(f'{folder} is not a VideoChat-TPO checkpoint of configuration {config.name}: ' + '; '.join(problems))
    for path in shards_of(folder):
        with shard(path) as file:
            model.load_state_dict({name: file.get_tensor(name) for name in file.keys()}, strict=False, assign=True)
    return model.eval()


def check_folder(folder: Path, model: VideoChat) -> list[str]:
    """What keeps the folder from loading, from the shards' headers alone."""
    return misfits(names_in(folder), {name: tensor.shape for name, tensor in model.state_dict().items()})


def stored_bytes(model: VideoChat) -> dict[str, int]:
    """Bytes of every tensor as the published checkpoint stores it: bf16, floating buffers too; integers in their own type."""
    return {name: tensor.numel() * (2 if tensor.is_floating_point() else tensor.element_size()) for name, tensor in model.state_dict().items()}
