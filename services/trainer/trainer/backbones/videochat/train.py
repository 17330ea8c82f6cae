"""The three stages on VideoChat: the table of `stages.py` over SpriteWorld."""
from collections.abc import Iterator
from pathlib import Path
from random import Random

from safetensors.torch import save_file
from tokenizers import Tokenizer
import torch

from trainer.backbones.staged import Run, run_stage, steps_of
from trainer.backbones.videochat.lessons import Features, Teacher
from trainer.backbones.videochat.model import VideoChat
from trainer.backbones.videochat.objective import Lesson, objective
from trainer.backbones.videochat.stages import HEADS, STAGES, part_of
from trainer.data.clip import SpriteWorld
from trainer.data.config import WorldConfig


def train(model: VideoChat, tokenizer: Tokenizer, names: list[str], run: Run, features: Features | None = None) -> dict[str, list[float]]:
    """→ the loss of every step, by stage. Writes metrics.jsonl and, after each stage, trained.safetensors."""
    run.folder.mkdir(parents=True, exist_ok=True)
    in_mixed_precision(model)
    torch.manual_seed(run.seed)
    world = SpriteWorld(WorldConfig.load('spriteworld-v1', size=model.config.picture))
    stages, curves = [STAGES[name] for name in names], {}
    with open(run.folder / 'metrics.jsonl', 'a') as log:
        for stage, steps in zip(stages, steps_of(stages, run.steps)):
            teacher = Teacher(model.config, tokenizer, Random(f'{run.seed} {stage.name}'), features)
            curves[stage.name] = run_stage(model, stage, lessons(teacher, world, run, stage.heads), steps, run, log, objective, part_of)
            save_trained(model, run.folder / 'trained.safetensors')
    return curves


def in_mixed_precision(model: VideoChat) -> VideoChat:
    """Heads and task tokens of a checkpoint in bf16 train in fp32; the tower, the connector and Mistral stay as they are stored."""
    for name, parameter in model.named_parameters():
        if part_of(name) in HEADS:
            parameter.data = parameter.data.float()
    model.cg_criterion.float()
    model.sam.sam_prompt_encoder.float()   # bf16 would round a box's corners to whole pixels and coarser
    return model


def lessons(teacher: Teacher, world: SpriteWorld, run: Run, heads: bool) -> Iterator[list[Lesson]]:
    while True:
        yield [teacher.lesson(world.clip('train', teacher.rng.randrange(run.clips)), heads) for _ in range(run.batch)]


def save_trained(model: VideoChat, file: Path) -> None:
    """Everything but Mistral and SAM 2, under the checkpoint's names."""
    save_file({name: value.detach().cpu().contiguous() for name, value in model.named_parameters() if part_of(name) != 'base'}, file)
