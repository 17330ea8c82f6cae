"""What was trained on top of a published language model, saved beside it: LoRA, words, heads, connector; never the language model itself."""
from pathlib import Path

from safetensors.torch import load_file, save_file

from trainer.backbones.pretrained.model import Pretrained


class FolderError(Exception):
    code = 'model-folder'


def save_trained(model: Pretrained, file: Path, steps: int) -> None:
    """Everything that any stage trains."""
    tensors = {name: value.detach().cpu().contiguous() for name, value in model.named_parameters() if model.part_of(name) != 'base'}
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, file, metadata={'steps': str(steps), 'settings': model.settings.name})


def load_trained(model: Pretrained, file: Path) -> None:
    tensors = load_file(file)
    expected = {name for name, _ in model.named_parameters() if model.part_of(name) != 'base'}
    if tensors.keys() != expected:
        raise FolderError(f'{file} was trained on another configuration: {len(expected - tensors.keys())} names are missing, {len(tensors.keys() - expected)} are left over.')
    model.load_state_dict(tensors, strict=False)
