"""The three stages on LLaVA-OneVision: one loop over the table of `stages.py`."""
from collections.abc import Iterator
from dataclasses import dataclass
import json
from pathlib import Path
from random import Random
import time

import torch
from torch import Tensor

from trainer.backbones.llava_onevision.lessons import Lesson, Teacher
from trainer.backbones.llava_onevision.model import LlavaOnevision, part_of
from trainer.backbones.llava_onevision.objective import objective
from trainer.backbones.llava_onevision.load import save_trained
from trainer.backbones.llava_onevision.stages import DECAY, STAGES, WARM_UP, Stage
from trainer.data.clip import Clip, SpriteWorld
from trainer.data.config import WorldConfig
from trainer.progress import ProgressLine
from trainer.stages import rate_at


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


def train(model: LlavaOnevision, names: list[str], run: Run, world: SpriteWorld | None = None) -> dict[str, list[float]]:
    """→ the loss of every step, by stage. Writes metrics.jsonl and, after each stage, trained.safetensors."""
    run.folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(run.seed)
    world = world or SpriteWorld(WorldConfig.load('spriteworld-v1', size=model.picture))
    stages, curves = [STAGES[name] for name in names], {}
    shares = sum(stage.share for stage in stages)
    with open(run.folder / 'metrics.jsonl', 'a') as log:
        for stage in stages:
            source = lessons(model, world, stage, run)
            curves[stage.name] = run_stage(model, stage, source, max(1, round(run.steps * stage.share / shares)), run, log)
            save_trained(model, run.folder / 'trained.safetensors', run.steps)
    return curves


def run_stage(model: LlavaOnevision, stage: Stage, source: Iterator[list[Lesson]], steps: int, run: Run, log) -> list[float]:  # noqa: ANN001 — a text file
    optimiser = optimiser_of(model, stage, run.times)
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
            log.write(json.dumps({'stage': stage.name, 'step': step + 1, 'loss': curve[-1], 'seconds': round(time.monotonic() - began, 3), **values(parts)}) + '\n')
    return curve


def optimiser_of(model: LlavaOnevision, stage: Stage, times: float) -> torch.optim.AdamW:
    """What the stage does not name is frozen; vectors are not decayed."""
    groups: dict[tuple[float, bool], list[Tensor]] = {}
    for name, parameter in model.named_parameters():
        rate = stage.rates.get(part_of(name))
        parameter.requires_grad_(rate is not None)
        if rate is not None:
            groups.setdefault((rate * times, parameter.ndim > 1), []).append(parameter)
    return torch.optim.AdamW([{'params': parameters, 'peak': rate, 'weight_decay': DECAY if decayed else 0.0} for (rate, decayed), parameters in groups.items()], lr=1.0)


def lessons(model: LlavaOnevision, world: SpriteWorld, stage: Stage, run: Run) -> Iterator[list[Lesson]]:
    """Endless, seeded by stage: the clips in a new order each round, one question of each at a time."""
    rng = Random(f'{run.seed} {stage.name}')
    teacher = Teacher(model.language, model.settings.frames, rng)
    kept: dict[int, Clip] = {}
    order: list[int] = []
    while True:
        batch = []
        while len(batch) < run.batch:
            if not order:
                order = rng.sample(range(run.clips), run.clips)
            number = order.pop()
            if number not in kept:
                kept[number] = world.clip('train', number)
            batch.append(teacher.lesson(kept[number], stage.heads))
        yield batch


def values(parts: dict[str, Tensor]) -> dict[str, float]:
    return {name: round(float(value.detach()), 5) for name, value in parts.items()}
