"""Stages of a pretrained multimodal model as rows, and the one loop that runs any of them."""
from collections.abc import Callable, Iterator
from dataclasses import dataclass
import json
from pathlib import Path
import time
from typing import Generic, TextIO, TypeVar

import torch
from torch import Tensor, nn

from trainer.progress import ProgressLine
from trainer.stages import rate_at

DECAY, WARM_UP = 0.02, 0.2   # of the paper

Weights = TypeVar('Weights')
PartOf = Callable[[str], str]


@dataclass(frozen=True)
class Stage(Generic[Weights]):
    name: str
    share: float                 # of the steps of `train all`
    rates: dict[str, float]      # part of the model → peak learning rate; what is not named is frozen
    weights: Weights             # of the losses
    heads: bool = True           # whether lessons are for the heads too


@dataclass
class Run:
    folder: Path
    steps: int                   # of all stages together
    batch: int = 4
    seed: int = 1
    times: float = 1.0           # on every published learning rate
    clips: int = 200             # how many clips of the world are gone through
    clip: float = 1.0            # norm of the gradient
    log_every: int = 10


def run_stage(model: nn.Module, stage: Stage, source: Iterator[list], steps: int, run: Run, log: TextIO, objective: Callable[..., dict[str, Tensor]], part_of: PartOf) -> list[float]:
    """`objective(model, lessons, weights)` gives the parts of the loss → the loss of every step."""
    optimiser = optimiser_of(model, stage, run.times, part_of)
    line, curve = ProgressLine(stage.name, steps, 0), []
    model.train()
    for step in range(steps):
        began = time.monotonic()
        along = rate_at(step, steps, 1.0, warm=WARM_UP, longest_warm=steps)
        for group in optimiser.param_groups:
            group['lr'] = group['peak'] * along
        parts = objective(model, next(source), stage.weights)
        loss = torch.stack([value.cpu() for value in parts.values()]).sum()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_([parameter for group in optimiser.param_groups for parameter in group['params']], run.clip)
        optimiser.step()
        curve.append(float(loss.detach()))
        line.update(step + 1, curve[-1], parts)
        if (step + 1) % run.log_every == 0:
            values = {name: round(float(value.detach()), 5) for name, value in parts.items()}
            log.write(json.dumps({'stage': stage.name, 'step': step + 1, 'loss': curve[-1], 'seconds': round(time.monotonic() - began, 3), **values}) + '\n')
    return curve


def optimiser_of(model: nn.Module, stage: Stage, times: float, part_of: PartOf) -> torch.optim.AdamW:
    """What the stage does not name is frozen; vectors are not decayed."""
    groups: dict[tuple[float, bool], list[Tensor]] = {}
    for name, parameter in model.named_parameters():
        rate = stage.rates.get(part_of(name))
        parameter.requires_grad_(rate is not None)
        if rate is not None:
            groups.setdefault((rate * times, parameter.ndim > 1), []).append(parameter)
    return torch.optim.AdamW([{'params': parameters, 'peak': rate, 'weight_decay': DECAY if decayed else 0.0} for (rate, decayed), parameters in groups.items()], lr=1.0)


def steps_of(stages: list[Stage], steps: int) -> list[int]:
    shares = sum(stage.share for stage in stages)
    return [max(1, round(steps * stage.share / shares)) for stage in stages]
