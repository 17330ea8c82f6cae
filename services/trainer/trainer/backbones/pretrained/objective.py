"""TPO's equation 1 on a batch of lessons: the loss of the words and of the trigger (they are words too), and of every head through its task token."""
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import DynamicCache

from trainer.backbones.pretrained.by_hand import BOX, POINTS, prompts
from trainer.backbones.pretrained.lessons import Lesson, Pointing
from trainer.backbones.pretrained.model import Pretrained, Sight
from trainer.backbones.task_weights import Weights
from trainer.heads.shared.mask import SharedMaskHead
from trainer.losses.mask import mask_loss
from trainer.losses.moment import moment_loss
from trainer.losses.region import RegionTargets, region_loss


GROUPS = 4   # of rows, by length

Named = TypeVar('Named', bound=NamedTuple)


@dataclass
class Found:
    """A task embedding of a batch."""
    clip: int        # whose frames
    row: int         # which lesson
    state: Tensor    # (d) float32
    pointing: Pointing


def objective(model: Pretrained, lessons: list[Lesson], weights: Weights) -> dict[str, Tensor]:
    """Weighted parts, by name. Parts of weight 0 are not computed. Lessons about the same frames share one pass over them."""
    device = model.words.ids.device
    clips = {id(lesson.frames): lesson for lesson in lessons}
    order = {key: row for row, key in enumerate(clips)}
    owner = torch.tensor([order[id(lesson.frames)] for lesson in lessons], device=device)             # (R) the clip of each lesson
    sight = model.encode(torch.stack([lesson.frames for lesson in clips.values()]).to(device))
    hidden = hear(model, sight, lessons, owner)                                                        # (R, L, d)
    parts = {'text': weights.text * text_loss(model, hidden, lessons)} if weights.text else {}
    found = [Found(int(owner[row]), row, hidden[row, len(lesson.after) + pointing.place].float(), pointing) for row, lesson in enumerate(lessons) for pointing in lesson.pointings]
    if found and (weights.region or weights.mask or weights.moment):
        parts |= model.name_losses(states(found), [each.pointing.noun for each in found])
    for task, loss in (('region', region), ('mask', masks), ('moment', moment)):
        weight, mine = getattr(weights, task), [each for each in found if each.pointing.task == task]
        if weight and mine:
            parts |= {f'{task}.{name}': weight * value for name, value in loss(model, sight, lessons, mine).items()}
    return parts


def hear(model: Pretrained, sight: Sight, lessons: list[Lesson], owner: Tensor) -> Tensor:
    """The hidden states behind the pictures, of `after` and answer: the pictures are read once a clip, each lesson goes on from there."""
    embed = lambda ids, boxes=None: model.embed(torch.tensor([ids], device=owner.device, dtype=torch.long), boxes if boxes is None else boxes.to(owner.device))
    cache = DynamicCache()
    seen = model.prefix(sight.visual)
    model.hear(torch.cat([embed(lessons[0].before).expand(len(seen), -1, -1), seen], 1), cache)
    rows = [embed([*lesson.after, *lesson.answer], lesson.boxes)[0] for lesson in lessons]
    longest, hidden = max(len(row) for row in rows), {}
    for group in alike(rows):
        width = max(len(rows[row]) for row in group)
        found = model.hear(torch.stack([behind(rows[row], width) for row in group]), selected(cache, owner[group]))
        hidden |= {row: behind(states, longest) for row, states in zip(group, found)}
    return torch.stack([hidden[row] for row in range(len(rows))])


def alike(rows: list[Tensor]) -> list[list[int]]:
    """Many rows in groups of similar length, so that little is computed for padding."""
    order = sorted(range(len(rows)), key=lambda row: len(rows[row]))
    size = max(8, -(-len(rows) // GROUPS))
    return [order[start:start + size] for start in range(0, len(order), size)]


def behind(row: Tensor, width: int) -> Tensor:
    return F.pad(row, (0, 0, 0, width - len(row)))


def selected(cache: DynamicCache, rows: Tensor) -> DynamicCache:
    chosen = DynamicCache()
    for layer, entry in enumerate(cache.layers):
        chosen.update(entry.keys[rows], entry.values[rows], layer)
    return chosen


def text_loss(model: Pretrained, hidden: Tensor, lessons: list[Lesson]) -> Tensor:
    """Cross-entropy of the ids that the model says itself; an answer weighs the same whether long or short."""
    said = [(row, len(lesson.after) + place - 1, lesson.answer[place], lesson.weight / sum(lesson.spoken)) for row, lesson in enumerate(lessons) for place, own in enumerate(lesson.spoken) if own]
    if not said:
        return hidden.sum() * 0
    rows, places, wanted, shares = (torch.tensor(column, device=hidden.device) for column in zip(*said))
    logits = model.score(hidden[rows, places]).float()                                # (n, V): of no other place are they read
    return (F.cross_entropy(logits, wanted, reduction='none') * shares).sum() / sum({row: lessons[row].weight for row, *_ in said}.values())


def region(model: Pretrained, sight: Sight, lessons: list[Lesson], found: list[Found]) -> dict[str, Tensor]:
    maps = model.heads['region'].maps(sight.features[[each.clip for each in found], -1], states(found))
    boxes = torch.cat([each.pointing.boxes for each in found])
    owner = torch.cat([torch.full((len(each.pointing.boxes),), index) for index, each in enumerate(found)])
    return region_loss(on_cpu(maps), RegionTargets(boxes, owner))


def masks(model: Pretrained, sight: Sight, lessons: list[Lesson], found: list[Found]) -> dict[str, Tensor]:
    """The prompted frame, then those before it by memory: pixels through propagation. One thing that is seen is also pointed out by hand: by points, and by a box or, every other one, its mask."""
    clips = [each.clip for each in found]
    truth = torch.stack([each.pointing.masks for each in found])                      # (n, frames, S, S), the last frame first
    maps = [sight.features[clips, [each.pointing.steps[step] for each in found]] for step in range(truth.shape[1])]
    side = 2 * maps[0].shape[-1]
    target = F.interpolate(truth, size=(side, side), mode='area')
    head = model.heads['mask']
    runs = [propagation(head, maps, head.prompt_state(states(found)), target)]
    by_hand = {row: each.pointing.drawn for row, each in enumerate(found) if each.pointing.drawn}
    if by_hand:
        rows, ways = list(by_hand), (torch.full((len(by_hand),), POINTS), BOX + torch.arange(len(by_hand)) % 2)
        shown, wanted = [each[rows] for each in maps], target[rows]
        runs += [propagation(head, shown, prompts(head, list(by_hand.values()), wanted[:, 0].to(maps[0]), kinds), wanted) for kinds in ways]
    return {name: sum(run[name] for run in runs) / len(runs) for name in runs[0]}


def propagation(head: SharedMaskHead, maps: list[Tensor], prompt: Tensor, target: Tensor) -> dict[str, Tensor]:
    """One frame after the other, each remembered for those that follow."""
    total: dict[str, Tensor] = {}
    entries: list[Tensor] = []
    for step, features in enumerate(maps):
        tokens, valid, ages = head.nothing(len(prompt), 1)
        if entries:
            tokens, ages = torch.stack(entries, 1), torch.arange(step, 0, -1, device=prompt.device, dtype=prompt.dtype).expand(len(prompt), -1)
            valid = torch.ones_like(ages)
        seen = head.decode(features, prompt, prompt.new_full((len(prompt),), float(step)), tokens, valid, ages)
        entries.append(head.memorise(features, seen.mask, seen.object.sigmoid()))
        for name, value in mask_loss(on_cpu(seen), target[:, step]).items():
            total[name] = total.get(name, value.new_zeros(())) + value / len(maps)
    return total


def moment(model: Pretrained, sight: Sight, lessons: list[Lesson], found: list[Found]) -> dict[str, Tensor]:
    times = torch.stack([lessons[each.row].times for each in found]).to(sight.features.device)
    seen = model.heads['moment'].frames(sight.visual[[each.clip for each in found]].float(), times, states(found))
    return moment_loss(on_cpu(seen), [each.pointing.spans for each in found])


def states(found: list[Found]) -> Tensor:
    return torch.stack([each.state for each in found])


def on_cpu(answer: Named) -> Named:
    """Targets are few and on the CPU, where matching runs; gradients go back to the device by themselves."""
    return type(answer)(*(value.float().cpu() for value in answer))
