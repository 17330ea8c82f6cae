"""What a run trained, saved beside the published model that it goes on from: everything that some stage trains, never the language model itself."""
from collections.abc import Callable
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
import torch
from torch import Tensor, nn

from trainer.backbones.misfits import misfits

PartOf = Callable[[str], str]


class TrainedError(Exception):
    code = 'trained-weights'


def save_trained(model: nn.Module, part_of: PartOf, file: Path, about: dict[str, str]) -> None:
    tensors = {name: value.detach().cpu().contiguous() for name, value in trained_of(model, part_of).items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, file, metadata=about)


def load_trained(model: nn.Module, part_of: PartOf, file: Path) -> None:
    """Strictly: every name, none left over, every shape. It stays in fp32, as it was trained, also where the frozen rest is in bf16."""
    tensors, expected = read(file), trained_of(model, part_of)
    if problems := misfits({name: tensor.shape for name, tensor in tensors.items()}, {name: parameter.shape for name, parameter in expected.items()}):
        raise TrainedError(f'{file} was trained on another configuration: {"; ".join(problems)}. Give the --config and --start that it was trained with.')
    for name, parameter in expected.items():
        parameter.data = tensors[name].to(parameter.device, torch.float32)


def trained_of(model: nn.Module, part_of: PartOf) -> dict[str, nn.Parameter]:
    return {name: parameter for name, parameter in model.named_parameters() if part_of(name) != 'base'}


def read(file: Path) -> dict[str, Tensor]:
    try:
        return load_file(file)
    except FileNotFoundError:
        raise TrainedError(f'{file} is not there; expected the trained.safetensors that `fovea-train train` leaves in the folder of its run.') from None
    except (OSError, SafetensorError) as wrong:
        raise TrainedError(f'{file} cannot be read ({wrong}); expected the trained.safetensors that `fovea-train train` leaves in the folder of its run, whole.') from None
