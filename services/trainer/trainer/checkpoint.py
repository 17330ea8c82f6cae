"""Checkpoints: everything to go on with the same curve; and the committed kind, trained weights alone in half precision."""
from dataclasses import asdict, dataclass
from pathlib import Path
import random

import numpy as np
from safetensors import safe_open
from safetensors.torch import save_file
import torch

from trainer.backbones.nano_encoder import NanoEncoder
from trainer.config import NanoConfig
from trainer.model import TpoModel


class CheckpointMismatch(Exception):
    code = 'checkpoint-mismatch'


@dataclass
class Progress:
    """Where a run is: enough to go on exactly."""
    stage: str
    step: int          # steps done in the stage
    total: int         # steps done in all
    seconds: float


def save(path: Path, model: TpoModel, optimiser: torch.optim.Optimizer, progress: Progress, rng: random.Random) -> None:
    """Written beside and renamed, so that a stop in between leaves the old one whole."""
    state = {
        'config': asdict(model.config), 'fingerprint': model.config.fingerprint(), 'model': model.state_dict(), 'optimiser': optimiser.state_dict(),
        'progress': asdict(progress), 'torch': torch.get_rng_state(), 'python': rng.getstate(), 'numpy': np.random.get_state(legacy=False),
    }
    partial = path.with_suffix('.partial')
    torch.save(state, partial)
    partial.replace(path)


def load(path: Path, model: TpoModel, optimiser: torch.optim.Optimizer | None = None, rng: random.Random | None = None) -> Progress:
    state = torch.load(path, map_location='cpu', weights_only=False)
    refuse_other(path, state['fingerprint'], model.config)
    refuse_torn(path, state['model'], model)
    model.load_state_dict(state['model'])
    if optimiser is not None:
        optimiser.load_state_dict(state['optimiser'])
    if rng is not None:
        rng.setstate(state['python'])
        torch.set_rng_state(state['torch'])
    return Progress(**state['progress'])


def refuse_other(path: Path, fingerprint: str, config: NanoConfig) -> None:
    if fingerprint != config.fingerprint():
        raise CheckpointMismatch(f'{path} was trained with config {fingerprint}; this is {config.name} ({config.fingerprint()}). Train anew or give the config it was made with.')


def refuse_torn(path: Path, stored: dict[str, torch.Tensor], model: TpoModel) -> None:
    """What modules share is stored under a name of each. A file put together from two by one of the names would load the other's values and say nothing."""
    names: dict[int, str] = {}
    for name, tensor in model.state_dict(keep_vars=True).items():
        first = names.setdefault(id(tensor), name)
        if name in stored and first in stored and not torch.equal(stored[name], stored[first]):
            raise CheckpointMismatch(f'{path}: {first} and {name} are one parameter and differ. Put the same values under every name of it.')


def save_weights(path: Path, model: TpoModel, steps: int) -> None:
    """Trained parameters only, fp16: what is committed. A run that goes on from it restarts the optimiser."""
    tensors = {name: parameter.detach().half().contiguous() for name, parameter in model.named_parameters()}
    save_file(tensors, path, {'fingerprint': model.config.fingerprint(), 'config': model.config.name, 'steps': str(steps)})


def load_weights(path: Path, model: TpoModel) -> int:
    """→ the steps it was trained for."""
    with safe_open(path, 'pt') as file:
        meta = file.metadata() or {}
        refuse_other(path, meta.get('fingerprint', '?'), model.config)
        parameters = dict(model.named_parameters())
        if set(file.keys()) != set(parameters):
            raise CheckpointMismatch(f'{path} has other parameters than {model.config.name}: {sorted(set(file.keys()) ^ set(parameters))[:4]}.')
        with torch.no_grad():
            for name, parameter in parameters.items():
                parameter.copy_(file.get_tensor(name).float())
    return int(meta.get('steps', 0))


def load_encoder(path: Path) -> NanoEncoder:
    """The trained encoder alone, from what `save_weights` wrote."""
    own, prefix = NanoEncoder(), 'backbone.encoder.'
    with safe_open(path, 'pt') as file:
        found = {name.removeprefix(prefix): file.get_tensor(name).float() for name in file.keys() if name.startswith(prefix)}
    if not found:
        raise CheckpointMismatch(f'{path} holds no encoder of its own; expected tensors whose names begin with {prefix}')
    own.load_state_dict(found)
    return own.eval().requires_grad_(False)
