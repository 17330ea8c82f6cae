"""A tiny LLaVA-OneVision that was taught a few clips until it points: it answers with every trigger, and its heads find what is there.

More than `it` a random language model under LoRA does not learn to say.
"""
from dataclasses import replace
from random import Random

import torch

from trainer.backbones.llava_onevision.load import tiny_llava
from trainer.backbones.llava_onevision.model import LlavaOnevision
from trainer.backbones.pretrained.lessons import Lesson, Teacher
from trainer.backbones.pretrained.objective import objective
from trainer.backbones.task_weights import Weights
from trainer.data.ask import Target
from trainer.data.clip import Clip

RATE = 4e-3
WORDS = '<p> it <region> <mask> <moment>'


def taught_llava(clips: list[Clip], steps: int) -> LlavaOnevision:
    model = tiny_llava().train()
    teacher = Teacher(model.language, model.settings.frames, Random(1))
    lessons = [lesson for clip in clips for lesson in lessons_of(teacher, clip)]
    learns = [parameter for name, parameter in model.named_parameters() if model.part_of(name) != 'base']
    optimiser = torch.optim.AdamW(learns, RATE)
    for _ in range(steps):
        optimiser.zero_grad()
        torch.stack(list(objective(model, lessons, Weights()).values())).sum().backward()
        torch.nn.utils.clip_grad_norm_(learns, 1.0)
        optimiser.step()
    return model.eval()


def lessons_of(teacher: Teacher, clip: Clip) -> list[Lesson]:
    asked = [teacher.asked_lesson(clip, replace(ask, answer=WORDS, targets=of_every_task(ask.targets[0]))) for ask in clip.asks if ask.targets and ask.targets[0].things]
    forced = [teacher.forced_lesson(clip, target) for ask in clip.asks for target in ask.targets]
    return [replace(lesson, frames=asked[0].frames) for lesson in (*asked, *forced)]


def of_every_task(target: Target) -> list[Target]:
    return [replace(target, task=task, spans=[(2.0, 9.0)]) for task in ('region', 'mask', 'moment')]
