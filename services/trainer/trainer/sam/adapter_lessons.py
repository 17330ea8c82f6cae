"""What the mask adapter is taught from: a few frames of a clip as the frozen eyes see them, phrases as a language model says them, and where each thing is in every frame."""
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from trainer.data.clip import Clip, SpriteWorld
from trainer.sam.eyes import Eyes
from trainer.sam.phrase_states import PhraseStates, Wanted

CHUNK = 25  # clips whose phrases are said in one go


@dataclass
class Lesson:
    """maps: of each frame (s4, s8, s16, fresh); states (Q, d); targets (T, Q, 4G, 4G) share of each cell, 0 where the thing is not there."""
    maps: list[tuple[Tensor, ...]]
    states: Tensor
    targets: Tensor

    @property
    def frames(self) -> int:
        return len(self.maps)


@dataclass(frozen=True)
class Plan:
    """Which frames of a clip, and which phrases with the number of the thing they name; none: it is not in the clip."""
    clip: Clip
    frames: list[int]
    phrases: list[tuple[str, int | None]]


def lessons(eyes: Eyes, world: SpriteWorld, said: PhraseStates, clips: int, frames: int, seed: int = 0) -> Iterator[Lesson]:
    """The training clips of SpriteWorld by number. Pictures are looked at one lesson at a time: their maps are large."""
    rng = Random(seed)
    for first in range(0, clips, CHUNK):
        plans = [plan(world.clip('train', number), world.nouns, frames, rng) for number in range(first, min(first + CHUNK, clips))]
        states = said.of([Wanted(each.clip.frames, each.clip.times, each.frames[0], [phrase for phrase, _ in each.phrases]) for each in plans])
        for each, state in zip(plans, states):
            yield lesson(eyes, each, state)


def plan(clip: Clip, nouns: tuple[str, ...], frames: int, rng: Random) -> Plan:
    """Nouns that one thing alone has, and one that nothing has; frames one after another, from one where such a thing can be recognised."""
    here = [thing.noun for thing in clip.things]
    own = [(thing.noun, number) for number, thing in enumerate(clip.things) if here.count(thing.noun) == 1 and thing.noun in nouns]
    starts = range(len(clip.frames) - frames + 1)
    start = rng.choice([at for at in starts if any(clip.things[number].clear[at] for _, number in own)] or list(starts))
    absent = rng.choice([noun for noun in nouns if noun not in here])
    return Plan(clip, list(range(start, start + frames)), [*own, (absent, None)])


def lesson(eyes: Eyes, plan: Plan, states: Tensor) -> Lesson:
    maps, targets = [], []
    for at in plan.frames:
        with torch.no_grad():
            maps.append(eyes(torch.from_numpy(plan.clip.frames[at])[None]))
        nothing = np.zeros(plan.clip.frames.shape[1:3], bool)
        masks = np.stack([nothing if number is None else plan.clip.things[number].masks[at] for _, number in plan.phrases])
        targets.append(F.adaptive_avg_pool2d(torch.from_numpy(masks).float(), maps[-1][0].shape[-2:]))
    return Lesson(maps, states, torch.stack(targets))
