"""TPO's equation 1 on a batch of lessons: the loss of the words and of the trigger (they are words too), and of every head through its task token."""
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F

from trainer.backbones.llava_onevision.lessons import Lesson, Pointing
from trainer.backbones.llava_onevision.model import LlavaOnevision, Sight
from trainer.heads.shared.mask import SharedMaskHead
from trainer.losses.mask import mask_loss
from trainer.losses.moment import moment_loss
from trainer.losses.region import RegionTargets, region_loss


Named = TypeVar('Named', bound=NamedTuple)


@dataclass(frozen=True)
class Weights:
    text: float = 1.0
    region: float = 1.0
    mask: float = 1.0
    moment: float = 1.0


@dataclass
class Found:
    """A task embedding of a batch."""
    row: int
    state: Tensor    # (d) float32
    pointing: Pointing


def objective(model: LlavaOnevision, lessons: list[Lesson], weights: Weights) -> dict[str, Tensor]:
    """Weighted parts, by name. Parts of weight 0 are not computed."""
    device = model.words.ids.device
    sight = model.encode(torch.stack([lesson.frames for lesson in lessons]).to(device))
    prefix = model.prefix(sight.visual)
    embed = lambda ids: model.embed(torch.tensor([ids], device=device, dtype=torch.long))[0]
    rows = [torch.cat([embed(lesson.before), seen, embed(lesson.after), embed(lesson.answer)]) for lesson, seen in zip(lessons, prefix)]
    starts = [len(lesson.before) + prefix.shape[1] + len(lesson.after) for lesson in lessons]      # of the answer
    longest = max(len(row) for row in rows)
    embeds = torch.stack([F.pad(row, (0, 0, 0, longest - len(row))) for row in rows])
    mask = torch.stack([(torch.arange(longest) < len(row)).long() for row in rows]).to(device)
    spoken = model.decode(embeds, mask)
    parts = {'text': weights.text * text_loss(spoken.logits, lessons, starts)} if weights.text else {}
    found = [Found(row, spoken.hidden[row, starts[row] + pointing.place].float(), pointing) for row, lesson in enumerate(lessons) for pointing in lesson.pointings]
    for task, loss in (('region', region), ('mask', masks), ('moment', moment)):
        weight, mine = getattr(weights, task), [each for each in found if each.pointing.task == task]
        if weight and mine:
            parts |= {f'{task}.{name}': weight * value for name, value in loss(model, sight, lessons, mine).items()}
    return parts


def text_loss(logits: Tensor, lessons: list[Lesson], starts: list[int]) -> Tensor:
    """Cross-entropy of the ids that the model says itself; an answer weighs the same whether long or short."""
    losses = []
    for row, (lesson, start) in enumerate(zip(lessons, starts)):
        said = [place for place, own in enumerate(lesson.spoken) if own]
        if said:
            wanted = torch.tensor([lesson.answer[place] for place in said], device=logits.device)
            losses.append(F.cross_entropy(logits[row, [start + place - 1 for place in said]].float(), wanted))
    return torch.stack(losses).mean() if losses else logits.sum() * 0


def region(model: LlavaOnevision, sight: Sight, lessons: list[Lesson], found: list[Found]) -> dict[str, Tensor]:
    maps = model.heads['region'].maps(sight.features[[each.row for each in found], -1], states(found))
    boxes = torch.cat([each.pointing.boxes for each in found])
    owner = torch.cat([torch.full((len(each.pointing.boxes),), index) for index, each in enumerate(found)])
    return region_loss(on_cpu(maps), RegionTargets(boxes, owner))


def masks(model: LlavaOnevision, sight: Sight, lessons: list[Lesson], found: list[Found]) -> dict[str, Tensor]:
    """The prompted frame, then those before it by memory: pixels through propagation. Where there is a mask, the box around it is a second prompt."""
    rows = [each.row for each in found]
    truth = torch.stack([each.pointing.masks for each in found])                      # (n, frames, S, S), the last frame first
    maps = [sight.features[rows, -1 - step] for step in range(truth.shape[1])]
    side = 2 * maps[0].shape[-1]
    target = F.interpolate(truth, size=(side, side), mode='area')
    head = model.heads['mask']
    runs = [propagation(head, maps, head.prompt_state(states(found)), target)]
    boxes, drawn = boxes_of(truth[:, 0])
    if drawn.any():
        runs.append(propagation(head, [each[drawn] for each in maps], head.prompt_boxes(boxes[drawn].to(maps[0].device)), target[drawn]))
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


def moment(model: LlavaOnevision, sight: Sight, lessons: list[Lesson], found: list[Found]) -> dict[str, Tensor]:
    rows = [each.row for each in found]
    times = torch.stack([lessons[row].times for row in rows]).to(sight.features.device)
    seen = model.heads['moment'].frames(sight.visual[rows].float(), times, states(found))
    return moment_loss(on_cpu(seen), [each.pointing.spans for each in found])


def states(found: list[Found]) -> Tensor:
    return torch.stack([each.state for each in found])


def on_cpu(answer: Named) -> Named:
    """Targets are few and on the CPU, where matching runs; gradients go back to the device by themselves."""
    return type(answer)(*(value.cpu() for value in answer))


def boxes_of(masks: Tensor) -> tuple[Tensor, Tensor]:
    """masks (n, S, S) → the box around each (n, 4) 0–1, which have any pixel (n)."""
    size = masks.shape[-1]
    columns, lines = masks.amax(1) > 0, masks.amax(2) > 0
    ends = lambda line: torch.stack([line.float().argmax(1), size - line.flip(1).float().argmax(1)], 1) / size
    x, y = ends(columns), ends(lines)
    return torch.stack([x[:, 0], y[:, 0], x[:, 1], y[:, 1]], 1), columns.any(1)
