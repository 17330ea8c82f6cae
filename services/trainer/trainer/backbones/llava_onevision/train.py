"""The three stages on LLaVA-OneVision: the table of `stages.py` over SpriteWorld."""
from collections.abc import Iterator
from random import Random

import torch

from trainer.backbones.llava_onevision.lessons import Lesson, Teacher
from trainer.backbones.llava_onevision.load import save_trained
from trainer.backbones.llava_onevision.model import LlavaOnevision, part_of
from trainer.backbones.llava_onevision.objective import objective
from trainer.backbones.llava_onevision.stages import STAGES
from trainer.backbones.staged import Run, Stage, run_stage, steps_of
from trainer.data.clip import Clip, SpriteWorld
from trainer.data.config import WorldConfig


def train(model: LlavaOnevision, names: list[str], run: Run, world: SpriteWorld | None = None) -> dict[str, list[float]]:
    """→ the loss of every step, by stage. Writes metrics.jsonl and, after each stage, trained.safetensors."""
    run.folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(run.seed)
    world = world or SpriteWorld(WorldConfig.load('spriteworld-v1', size=model.picture))
    stages, curves = [STAGES[name] for name in names], {}
    with open(run.folder / 'metrics.jsonl', 'a') as log:
        for stage, steps in zip(stages, steps_of(stages, run.steps)):
            curves[stage.name] = run_stage(model, stage, lessons(model, world, stage, run), steps, run, log, objective, part_of)
            save_trained(model, run.folder / 'trained.safetensors', run.steps)
    return curves


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
