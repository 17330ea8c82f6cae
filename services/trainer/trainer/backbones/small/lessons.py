"""Lessons from what is known of clips: several questions about each, or what stands in every cell."""
from random import Random

import numpy as np
import torch
from torch import Tensor

from trainer.backbones.pretrained.lessons import PROPAGATED, Lesson, Teacher
from trainer.backbones.pretrained.live_lessons import numbers_at
from trainer.backbones.pretrained.words import Language
from trainer.backbones.small.clips import Clips
from trainer.backbones.staged import Run, Stage
from trainer.data.ask import Ask
from trainer.feature_cache import CachedClip, CachedThing

QUESTIONS = 12   # of a clip at a time


class CachedTeacher(Teacher):
    """Of one clip, whose frames are `packed`."""

    def __init__(self, language: Language, frames: int, rng: Random, packed: Tensor) -> None:
        super().__init__(language, frames, rng)
        self.packed = packed
        assert len(packed) == frames, f'A clip has {len(packed)} frames, the model reads {frames}.'

    def asks(self, clip: CachedClip) -> list[Ask]:
        """A round of its questions."""
        return [ask for ask in self.rng.choice([clip.asks, *clip.more]) if ask.frame == len(clip.times) - 1]

    def pictures(self, clip: CachedClip, seen: np.ndarray) -> Tensor:
        return self.packed

    def masks(self, clip: CachedClip, things: list[CachedThing]) -> tuple[Tensor, tuple[int, ...]]:
        slots = range(len(clip.kept) - 1, len(clip.kept) - 1 - PROPAGATED, -1)
        empty = np.zeros(things[0].masks.shape[1:] if things else (40, 40), np.uint8)
        shares = [np.max([thing.masks[slot] for thing in things], 0) if things else empty for slot in slots]
        return torch.from_numpy(np.stack(shares)).float() / 255, tuple(int(clip.kept[slot]) for slot in slots)


class SmallLessons:
    """Step → its lessons."""

    def __init__(self, language: Language, frames: int, clips: Clips, stage: Stage, run: Run) -> None:
        self.language, self.frames, self.clips, self.stage, self.run = language, frames, clips, stage, run

    def __call__(self, step: int) -> list[Lesson]:
        rng, found = Random(f'{self.run.seed} {self.stage.name} {step}'), []
        for number in numbers_at(step, self.run, self.stage.name):
            clip, packed = self.clips[number]
            found += CachedTeacher(self.language, self.frames, rng, packed).lessons(clip, self.stage.heads, QUESTIONS, self.stage.boxes)
        return found
