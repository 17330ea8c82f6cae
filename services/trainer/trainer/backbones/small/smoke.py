"""Every stage of `small` on its real weights, a few steps on one clip: the loss must fall, and gradients reach exactly the parts that a stage names.

    python -m trainer.backbones.small.smoke RUN
"""
from itertools import count
from pathlib import Path
import sys

import torch

from trainer.backbones.pretrained.checkpoint import save_trained
from trainer.backbones.pretrained.lessons import Lesson
from trainer.backbones.pretrained.settings import TASKS
from trainer.backbones.small.clips import LiveClips
from trainer.backbones.small.load import new_small
from trainer.backbones.small.model import Small
from trainer.backbones.small.settings import PICTURE, SMALL
from trainer.backbones.small.stages import NAMES
from trainer.backbones.small.train import row
from trainer.backbones.staged import Run, Source, run_stage
from trainer.data.clip import SpriteWorld
from trainer.data.config import WorldConfig
from trainer.distributed import device_named, half_precision

STEPS = 5
SLOWER = 0.3  # of the rates: so few steps have no time to warm up
FALL = 0.97   # of the first step's loss, at most


class SmokeError(Exception):
    code = 'smoke'


def smoke(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    model = new_small(SMALL, torch.bfloat16 if half_precision('auto', 'auto') else torch.float32).to(device_named('auto'))
    clips = LiveClips(SpriteWorld(WorldConfig.load('spriteworld-v1', size=PICTURE)), model.eyes, 1)
    with open(folder / 'metrics.jsonl', 'w') as log:
        for name in NAMES:
            run = Run(folder, STEPS, batch=1, times=SLOWER, clips=1, log_every=1)
            stage, source, objective = row(model, name, run, clips)
            lessons = covering(source, stage.boxes) if name in ('heads', 'together') else source(0)
            model.zero_grad(set_to_none=True)
            curve = run_stage(model, stage, lambda _, lessons=lessons: lessons, STEPS, run, log, objective, model.part_of)
            print(f'{name}: loss {curve[0]:.3f} → {curve[-1]:.3f} in {len(curve)} steps, gradients in {", ".join(sorted(reached(model)))}')
            if not curve[-1] < FALL * curve[0]:
                raise SmokeError(f'{name}: the loss went from {curve[0]:.3f} to {curve[-1]:.3f}; at most {FALL} of the first was expected.')
            if reached(model) != set(stage.rates):
                raise SmokeError(f'{name}: gradients reached {sorted(reached(model))}; expected {sorted(stage.rates)}.')
    save_trained(model, folder / 'trained.safetensors', STEPS * len(NAMES))


def covering(source: Source, boxes: bool) -> list[Lesson]:
    """The first lessons with something for every head, and about a box where boxes are taught."""
    return next(lessons for lessons in map(source, count()) if {pointing.task for lesson in lessons for pointing in lesson.pointings} == set(TASKS)
                and (not boxes or any(lesson.boxes is not None for lesson in lessons)))


def reached(model: Small) -> set[str]:
    return {model.part_of(name) for name, parameter in model.named_parameters() if parameter.grad is not None and bool(parameter.grad.abs().sum() > 0)}


if __name__ == '__main__':
    torch.set_num_threads(1)
    smoke(Path(sys.argv[1]))
