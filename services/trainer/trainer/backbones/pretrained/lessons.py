"""SpriteWorld as a published model is taught it: one question about one clip, its answer with task tokens, and what each of them must find."""
from dataclasses import dataclass, field, replace
from random import Random

import numpy as np
import torch
from torch import Tensor

from trainer.backbones.pretrained.by_hand import Drawn, drawn
from trainer.backbones.pretrained.words import Language
from trainer.data.ask import Ask, Target
from trainer.data.clip import Clip, Thing
from trainer.rows import jittered
from trainer.vocabulary import COLOURS

BOXED = 0.15     # of the questions, where boxes are taught
PROPAGATED = 3  # frames that a mask is followed through in training
HEAD_OF = {'region': 'region', 'mask': 'mask', 'track': 'mask', 'moment': 'moment'}


@dataclass
class Pointing:
    """A task embedding: where it is read, and the truth for its head."""
    place: int                        # of the task token, counted from the answer's first id
    task: str
    noun: str                                                                  # what is to be found
    boxes: Tensor = field(default_factory=lambda: torch.zeros(0, 4))           # region: (n, 4) in the last frame
    masks: Tensor = field(default_factory=lambda: torch.zeros(0, 1, 1))        # mask: (frames, S, S), the last frame first
    steps: tuple[int, ...] = ()                                                # mask: which of the frames seen those are
    drawn: Drawn | None = None                                                 # mask of one thing that is seen: how a hand points it out
    spans: Tensor = field(default_factory=lambda: torch.zeros(0, 2))           # moment: (n, 2) in frames seen


@dataclass
class Lesson:
    frames: Tensor         # uint8 (T, S, S, 3)
    times: Tensor          # (T) ms relative to the last
    before: list[int]      # prompt ids around the pictures
    after: list[int]
    answer: list[int]      # ids fed behind the prompt
    spoken: list[bool]     # which of them the model has to say itself
    pointings: list[Pointing]
    boxes: Tensor | None = None  # (n, 4) what each `<box>` of the prompt stands for
    weight: float = 1.0    # of its words


class Teacher:
    """Draws lessons from clips. `forced`: the share in which the trigger is fed and the head alone decides about absence."""

    def __init__(self, language: Language, frames: int, rng: Random, forced: float = 0.5) -> None:
        self.language, self.frames, self.rng, self.forced = language, frames, rng, forced

    def lessons(self, clip: Clip, heads: bool, most: int, boxes: bool = False) -> list[Lesson]:
        """Several questions about the same frames, none asked twice; with heads, some as forced triggers; with boxes, some about what is in one."""
        asks = self.asks(clip)
        found = []
        for ask in self.rng.sample(asks, min(most, len(asks))):
            if boxes and self.rng.random() < BOXED:
                found.append(self.boxed_lesson(clip))
                continue
            is_forced = heads and bool(ask.targets) and self.rng.random() < self.forced
            found.append(self.forced_lesson(clip, self.rng.choice(ask.targets)) if is_forced else self.asked_lesson(clip, ask))
        frames = found[0].frames
        return [replace(lesson, frames=frames) for lesson in found]

    def lesson(self, clip: Clip, heads: bool = True) -> Lesson:
        """heads=False: a question and its answer, nothing forced."""
        return self.lessons(clip, heads, 1)[0]

    def asks(self, clip: Clip) -> list[Ask]:
        return [ask for ask in clip.asks if ask.frame == len(clip.times) - 1]

    def asked_lesson(self, clip: Clip, ask: Ask) -> Lesson:
        before, after = self.language.prompt(ask.text)
        answer = self.language.answer(closed(ask.answer))
        tasks = set(self.language.tasks.values())
        places = [place for place, token in enumerate(answer) if token in tasks]
        truths = [target for target in ask.targets if target.present]
        assert len(places) == len(truths), f'{ask.answer}: {len(places)} triggers, {len(truths)} things to find'
        pointings = [self.pointing(clip, target, place) for target, place in zip(truths, places)]
        return self.of(clip, before, after, answer, [token not in tasks for token in answer], pointings)

    def forced_lesson(self, clip: Clip, target: Target) -> Lesson:
        before, after = self.language.prompt(target.phrase)
        answer = self.language.forced(target.phrase, HEAD_OF[target.task])
        return self.of(clip, before, after, answer, [False] * len(answer), [self.pointing(clip, target, len(answer) - 1)])

    def boxed_lesson(self, clip: Clip) -> Lesson:
        """About what is in a box of the last frame: its name, its colour, or its outline."""
        thing = self.rng.choice([thing for thing in clip.things if thing.clear[-1]])
        asked = boxed_ask(clip, thing, self.rng)
        return replace(self.asked_lesson(clip, asked), boxes=torch.from_numpy(jittered(thing.boxes[-1], self.rng))[None])

    def of(self, clip: Clip, before: list[int], after: list[int], answer: list[int], spoken: list[bool], pointings: list[Pointing]) -> Lesson:
        seen = self.seen(clip)
        return Lesson(self.pictures(clip, seen), torch.from_numpy(clip.times[seen] - clip.times[-1]), before, after, answer, spoken, pointings)

    def pictures(self, clip: Clip, seen: np.ndarray) -> Tensor:
        return torch.from_numpy(clip.frames[seen])

    def seen(self, clip: Clip) -> np.ndarray:
        return np.linspace(0, len(clip.times) - 1, self.frames).round().astype(int)

    def pointing(self, clip: Clip, target: Target, place: int) -> Pointing:
        task, noun = HEAD_OF[target.task], target.noun
        things = [clip.things[number] for number in target.things]
        if task == 'region':
            boxes = [thing.boxes[-1] for thing in things if thing.visible[-1]]
            return Pointing(place, task, noun, boxes=torch.from_numpy(np.stack(boxes)) if boxes else torch.zeros(0, 4))
        if task == 'mask':
            masks, steps = self.masks(clip, things)
            one = len(things) == 1 and things[0].visible[-1] and masks[0].any()
            return Pointing(place, task, noun, masks=masks, steps=steps, drawn=drawn(things[0].boxes[-1], masks[0].numpy(), self.rng) if one else None)
        scale = (self.frames - 1) / (len(clip.times) - 1)
        spans = [[start * scale, (end - 1) * scale] for start, end in target.spans]
        return Pointing(place, task, noun, spans=torch.tensor(spans).view(-1, 2))

    def masks(self, clip: Clip, things: list[Thing]) -> tuple[Tensor, tuple[int, ...]]:
        """→ (frames, S, S), which of the frames seen those are; the last frame first."""
        steps = tuple(range(self.frames - 1, self.frames - 1 - PROPAGATED, -1))
        masks = [np.any([thing.masks[frame] for thing in things], 0) if things else np.zeros(clip.frames.shape[1:3], bool) for frame in self.seen(clip)[list(steps)]]
        return torch.from_numpy(np.stack(masks)).float(), steps


def boxed_ask(clip: Clip, thing: Thing, rng: Random) -> Ask:
    kinds = ['what', 'outline', *(['colour'] if thing.colour else [])]
    last, kind = len(clip.times) - 1, rng.choice(kinds)
    if kind == 'what':
        return Ask('box', rng.choice(('what is in <box> ?', 'what do you see in <box> ?')), thing.noun, last)
    if kind == 'colour':
        is_so = rng.random() < 0.5
        colour = thing.colour if is_so else rng.choice([colour for colour in COLOURS if colour != thing.colour])
        return Ask('box', f'is what is in <box> {colour} ?', 'yes' if is_so else 'no', last)
    place = next(place for place, other in enumerate(clip.things) if other is thing)
    target = Target('mask', f'the {thing.noun}', [place], thing.noun)
    return Ask('box', rng.choice(('segment what is in <box>', 'cut out what is in <box>')), f'<p> the {thing.noun} <mask>', last, [target])


def closed(answer: str) -> str:
    """SpriteWorld writes a space between all tokens; a published tokenizer wants none around triggers and before commas."""
    for token in ('<p>', '<region>', '<mask>', '<moment>'):
        answer = answer.replace(f'{token} ', token).replace(f' {token}', token)
    return answer.replace(' ,', ',')

