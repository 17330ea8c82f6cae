"""Stages of a pretrained multimodal model as rows, and the one loop that runs any of them."""
from collections.abc import Callable
from dataclasses import dataclass, field
import json
from pathlib import Path
import time
from typing import Generic, TextIO, TypeVar

import torch
from torch import Tensor, nn

from trainer.backbones.resume import ResumeFile, Standing
from trainer.backbones.trained import trained_of
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
    boxes: bool = False          # whether some ask about what is in a box


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
    save_every: int = 50         # steps between two states that it can go on from
    minutes: float = 1e9         # stop, resumably, after so many
    began: float = field(default_factory=time.monotonic)


class StoppedError(Exception):
    """The time is up; the same command goes on from here."""

    code = 'stopped'


Source = Callable[[int], list]   # step → its lessons, the same whenever they are asked for
Objective = Callable[..., dict[str, Tensor]]


def run_stages(model: nn.Module, stages: list[tuple[Stage, Source, Objective]], run: Run, part_of: PartOf, done: Callable[[], None]) -> dict[str, list[float]]:
    """→ the loss of every step, by stage. `done` is called after each. A run that stopped in one of these stages goes on there."""
    run.folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(run.seed)
    keep_in_fp32(model, part_of)
    resume, curves = ResumeFile(run.folder / 'resume.pt', model, part_of), {}
    standing = resume.load()
    names = [stage.name for stage, _, _ in stages]
    first = names.index(standing.stage) if standing and standing.stage in names else 0
    with open(run.folder / 'metrics.jsonl', 'a') as log:
        for place, ((stage, source, objective), steps) in enumerate(zip(stages, steps_of([stage for stage, _, _ in stages], run.steps))):
            if place >= first:
                curves[stage.name] = run_stage(model, stage, source, steps, run, log, objective, part_of, resume, standing if standing and standing.stage == stage.name else None)
                done()
    resume.remove()
    return curves


def run_stage(model: nn.Module, stage: Stage, source: Source, steps: int, run: Run, log: TextIO, objective: Objective, part_of: PartOf,
              resume: ResumeFile | None = None, standing: Standing | None = None) -> list[float]:
    """`objective(model, lessons, weights)` gives the parts of the loss → the loss of every step."""
    optimiser = optimiser_of(model, stage, run.times, part_of)
    line, curve = ProgressLine(stage.name, steps, 0), []
    if standing:
        optimiser.load_state_dict(standing.optimiser)
        torch.set_rng_state(standing.random)
        curve = list(standing.curve)
    model.train()
    for step in range(len(curve), steps):
        began = time.monotonic()
        along = rate_at(step, steps, 1.0, warm=WARM_UP, longest_warm=steps)
        for group in optimiser.param_groups:
            group['lr'] = group['peak'] * along
        parts = objective(model, source(step), stage.weights)
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
            log.flush()
        late = time.monotonic() - run.began > run.minutes * 60
        if resume and (late or (step + 1) % run.save_every == 0 or step + 1 == steps):
            resume.save(stage.name, curve, optimiser)
        if late and step + 1 < steps:
            raise StoppedError(f'{stage.name}: {step + 1} of {steps} steps done; the same command goes on.')
    return curve


def keep_in_fp32(model: nn.Module, part_of: PartOf) -> None:
    """Whatever a stage trains: the steps of a rate like 2e-5 are smaller than half the distance between two bf16 numbers, and would be rounded away."""
    for parameter in trained_of(model, part_of).values():
        parameter.data = parameter.data.float()


def optimiser_of(model: nn.Module, stage: Stage, times: float, part_of: PartOf) -> torch.optim.AdamW:
    """What the stage does not name is frozen; vectors are not decayed."""
    groups: dict[tuple[float, bool], list[Tensor]] = {}
    for name, parameter in model.named_parameters():
        rate = stage.rates.get(part_of(name))
        parameter.requires_grad_(rate is not None)
        if rate is not None:
            assert parameter.dtype == torch.float32, f'{name} is trained in {parameter.dtype}, which would round its steps away; `keep_in_fp32` comes first.'
            groups.setdefault((rate * times, parameter.ndim > 1), []).append(parameter)
    return torch.optim.AdamW([{'params': parameters, 'peak': rate, 'weight_decay': DECAY if decayed else 0.0} for (rate, decayed), parameters in groups.items()], lr=1.0)


def steps_of(stages: list[Stage], steps: int) -> list[int]:
    shares = sum(stage.share for stage in stages)
    return [max(1, round(steps * stage.share / shares)) for stage in stages]
