"""Heads learn to find what a noun's task state names, while the language model rests: its states are computed once, so a step costs a fiftieth."""
from dataclasses import dataclass
from random import Random

import numpy as np
import torch
from torch import Tensor

from trainer.backbones.pretrained.by_hand import Drawn, drawn, prompts
from trainer.backbones.pretrained.lessons import Lesson
from trainer.backbones.pretrained.live_lessons import numbers_at
from trainer.backbones.pretrained.objective import hear, on_cpu
from trainer.backbones.pretrained.settings import TASKS
from trainer.backbones.small.clips import Clips, Seen
from trainer.backbones.small.model import Small
from trainer.backbones.small.packed_taps import unpack
from trainer.backbones.small.settings import FINE
from trainer.backbones.staged import Run
from trainer.losses.mask import mask_loss
from trainer.losses.region import RegionTargets, region_loss

MANY = 4      # times as many clips as an ordinary batch has
VARIANTS = 2  # clips before which every noun was said
ABSENT = 2    # nouns asked of a frame that does not have them


@dataclass(frozen=True)
class FindWeights:
    region: float = 1.0
    mask: float = 1.0


@dataclass
class Query:
    region: Tensor    # (d) the task state
    mask: Tensor      # (d)
    boxes: Tensor     # (n, 4)
    outline: Tensor   # (40, 40) share of the cell
    drawn: Drawn | None  # where it is one thing that is seen


@dataclass
class Frame:
    packed: Tensor    # (COUNT)
    queries: list[Query]


class NounStates:
    """The states of `the NOUN`, as the language model has them before a few clips."""

    def __init__(self, model: Small, clips: Clips, nouns: tuple[str, ...], chunk: int = 48) -> None:
        self.nouns = {noun: place for place, noun in enumerate(nouns)}
        self.states = {task: torch.stack([torch.cat([said(model, clips[number].packed, nouns[start:start + chunk], task) for start in range(0, len(nouns), chunk)])
                                          for number in range(VARIANTS)]).cpu() for task in TASKS}  # (VARIANTS, nouns, d)

    def centre(self, model: Small) -> None:
        """Heads and names are to look at what tells the states apart."""
        for task, states in self.states.items():
            model.heads[task].centred.fit(states.flatten(0, 1))
        model.naming.centred.fit(torch.cat([states.flatten(0, 1) for states in self.states.values()]))

    def of(self, task: str, noun: str, variant: int) -> Tensor:
        return self.states[task][variant, self.nouns[noun]]


@torch.no_grad()
def said(model: Small, packed: Tensor, nouns: tuple[str, ...], task: str) -> Tensor:
    """→ (nouns, d)."""
    model.eval()
    language, device = model.language, model.words.ids.device
    lessons = []
    for noun in nouns:
        before, after = language.prompt(f'the {noun}')
        answer = language.forced(f'the {noun}', task)
        lessons.append(Lesson(packed, torch.zeros(len(packed)), before, after, answer, [False] * len(answer), []))
    hidden = hear(model, model.encode(packed[None].to(device)), lessons, torch.zeros(len(lessons), dtype=torch.long, device=device))
    return torch.stack([states[len(lesson.after) + len(lesson.answer) - 1] for states, lesson in zip(hidden, lessons)]).float()


class FindLessons:
    def __init__(self, model: Small, clips: Clips, run: Run, stage: str, nouns: tuple[str, ...]) -> None:
        self.model, self.clips, self.run, self.stage, self.nouns = model, clips, run, stage, nouns
        self.states: NounStates | None = None

    def __call__(self, step: int) -> list[Frame]:
        if self.states is None:   # not before: the stage before this one may still be changing the language model
            self.states = NounStates(self.model, self.clips, self.nouns)
            self.model.train()
            if step == 0:
                self.states.centre(self.model)
        rng = Random(f'{self.run.seed} {self.stage} {step}')
        return [self.frame(self.clips[number], rng) for part in range(MANY) for number in numbers_at(step * MANY + part, self.run, self.stage)]

    def frame(self, seen: Seen, rng: Random) -> Frame:
        clip, slot = seen.clip, rng.randrange(len(seen.clip.kept))
        frame = int(clip.kept[slot])
        there = sorted({thing.noun for thing in clip.things} & set(self.nouns))
        absent = rng.sample([noun for noun in self.nouns if noun not in there], ABSENT)
        queries = []
        for noun in [*there, *absent]:
            variant, things = rng.randrange(VARIANTS), [thing for thing in clip.things if thing.noun == noun and thing.visible[frame]]
            boxes = np.stack([thing.boxes[frame] for thing in things]) if things else np.zeros((0, 4), np.float32)
            outline = np.max([thing.masks[slot] for thing in things], 0) if things else np.zeros((2 * FINE, 2 * FINE), np.uint8)
            one = len(things) == 1 and outline.max() > 0
            queries.append(Query(self.states.of('region', noun, variant), self.states.of('mask', noun, variant), torch.from_numpy(boxes).float(), torch.from_numpy(outline).float() / 255,
                                 drawn(boxes[0], outline / 255, rng) if one else None))
        return Frame(seen.packed[frame], queries)


def find_objective(model: Small, frames: list[Frame], weights: FindWeights) -> dict[str, Tensor]:
    device = model.words.ids.device
    maps = model.maps(*unpack(torch.stack([frame.packed for frame in frames]).to(device)))
    queries = [query for frame in frames for query in frame.queries]
    owner = torch.tensor([place for place, frame in enumerate(frames) for _ in frame.queries], device=device)
    states = torch.stack([query.region for query in queries]).to(device)
    boxes = torch.cat([query.boxes for query in queries])
    row = torch.cat([torch.full((len(query.boxes),), place) for place, query in enumerate(queries)])
    outlines = torch.stack([query.outline for query in queries])
    head, said_of = model.heads['mask'], list(range(0, len(queries), 2))   # every second query: an outline costs more
    by_hand = [place for place in range(1, len(queries), 2) if queries[place].drawn]
    with model.in_half():
        pointed = model.heads['region'].maps(maps[owner], states)
        prompt = head.prompt_state(torch.stack([queries[place].mask for place in said_of]).to(device))
        if by_hand:
            prompt = torch.cat([prompt, prompts(head, [queries[place].drawn for place in by_hand], outlines[by_hand].to(maps), torch.arange(len(by_hand)) % 3)])
        asked = said_of + by_hand
        seen = head.decode(maps[owner[asked]], prompt, prompt.new_zeros(len(prompt)), *head.nothing(len(prompt), 1))
    found = region_loss(on_cpu(pointed), RegionTargets(boxes, row))
    outlined = mask_loss(on_cpu(seen), outlines[asked])
    return {f'region.{name}': weights.region * value for name, value in found.items()} | {f'mask.{name}': weights.mask * value for name, value in outlined.items()}
