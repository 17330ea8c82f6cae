"""TPO's losses on VideoChat, as its published code has them: words, box, mask adapter, CG-DETR, simply added."""
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from trainer.backbones.task_weights import Weights
from trainer.backbones.videochat.cg_loss import clip_labels, moment_loss
from trainer.backbones.videochat.cg_study import study
from trainer.backbones.videochat.model import VideoChat
from trainer.backbones.videochat.sam import box_prompt

L1, GIOU = 2.0, 0.2


@dataclass
class Moment:
    """Features that CG-DETR reads beside the task embedding, from encoders outside the checkpoint, and the truth."""
    words: Tensor   # (W, d)
    clips: Tensor   # (L, clip)
    spans: Tensor   # (n, 2) start and end, 0–1
    video: str = ''  # which video it is of: the words of another one are negatives; unknown ones differ from all
    saliency: Tensor | None = None  # (L) 0 outside, up to 12 inside; without it 1 inside


@dataclass
class Lesson:
    video: Tensor                 # (3, T, H, W), normalised
    ids: list[int]                # the whole text; the video's places hold any id
    where: list[bool]             # the video's places
    spoken: list[bool]            # which ids the model has to say itself
    boxes: list[tuple[int, Tensor]] = field(default_factory=list)      # place of `<boxes>`, true box (4)
    followed: list[tuple[int, Tensor]] = field(default_factory=list)   # place of `<tracking>`, the thing's box in the first frame
    moments: list[tuple[int, Moment]] = field(default_factory=list)    # place of `<temp>`
    given: list[Tensor] = field(default_factory=list)                  # boxes (4) that the prompt gives, at `<track_box>` in turn


def objective(model: VideoChat, lessons: list[Lesson], weights: Weights) -> dict[str, Tensor]:
    device = model.box_token.device
    longest = max(len(lesson.ids) for lesson in lessons)
    padded = lambda rows, fill: torch.tensor([[*row, *[fill] * (longest - len(row))] for row in rows], device=device)
    where = padded([lesson.where for lesson in lessons], False)
    given = [box for lesson in lessons for box in lesson.given]
    with in_half(model):
        embeds = model.embed(padded([lesson.ids for lesson in lessons], 0), torch.stack([lesson.video for lesson in lessons]).to(device), where, torch.stack(given).to(device) if given else None)
        logits, hidden = model.hidden(embeds, padded([[1] * len(lesson.ids) for lesson in lessons], 0))
    parts = {'text': weights.text * text_loss(logits, lessons)} if weights.text else {}
    at = lambda name: [(hidden[row, place].float(), truth) for row, lesson in enumerate(lessons) for place, truth in getattr(lesson, name)]
    for name, weight, loss, pairs in (('region', weights.region, region, at('boxes')), ('mask', weights.mask, mask, at('followed')), ('moment', weights.moment, moment, at('moments'))):
        if weight and pairs:
            parts |= {f'{name}.{part}': weight * value for part, value in loss(model, torch.stack([state for state, _ in pairs]), [truth for _, truth in pairs]).items()}
    return parts


def in_half(model: VideoChat) -> torch.autocast:
    """Products in bfloat16 where Mistral is stored so; what is trained is fp32 all the same, and heads compute in it."""
    return torch.autocast(model.box_token.device.type, torch.bfloat16, enabled=model.lm.get_input_embeddings().weight.dtype == torch.bfloat16)


def text_loss(logits: Tensor, lessons: list[Lesson]) -> Tensor:
    losses = []
    for row, lesson in enumerate(lessons):
        said = [place for place, own in enumerate(lesson.spoken) if own]
        if said:
            losses.append(F.cross_entropy(logits[row, [place - 1 for place in said]].float(), torch.tensor([lesson.ids[place] for place in said], device=logits.device)))
    return torch.stack(losses).mean() if losses else logits.sum() * 0


def region(model: VideoChat, states: Tensor, boxes: list[Tensor]) -> dict[str, Tensor]:
    found, true = model.box(states), torch.stack(boxes).to(states)
    ordered = (found[:, 2:] >= found[:, :2]).all(-1)
    giou = 1 - box_giou(found[ordered], true[ordered]).mean() if ordered.any() else found.new_tensor(2.0)
    return {'l1': L1 * (found - true).abs().mean(), 'giou': GIOU * giou}


def mask(model: VideoChat, states: Tensor, boxes: list[Tensor]) -> dict[str, Tensor]:
    """The adapter imitates how SAM 2 itself embeds the box; pixels are never looked at. An auxiliary perceptron says the box."""
    with torch.no_grad():
        wanted = torch.cat([box_prompt(model.sam, box.tolist()) for box in boxes]).to(states)
    return {'prompt': (model.mask_prompt(states) - wanted).abs().mean(), 'box': (model.first_box(states) - torch.stack(boxes).to(states)).abs().mean()}


def moment(model: VideoChat, states: Tensor, moments: list[Moment]) -> dict[str, Tensor]:
    words, word_mask = together([each.words for each in moments], states)
    clips, clip_mask = together([each.clips for each in moments], states)
    answer, reading = model.cg_model.read(words, word_mask, clips, clip_mask, states[:, None])
    truth = [each.spans.to(states) for each in moments]
    # Clips are a second each; a shorter video's spans are shares of its own length.
    labels = torch.zeros_like(clip_mask)
    for row, each in enumerate(moments):
        labels[row, :len(each.clips)] = clip_labels([truth[row]], len(each.clips))[0] if each.saliency is None else each.saliency.to(labels)
    following = [*moments[1:], moments[0]]
    strange = torch.tensor([each is not other and (not each.video or each.video != other.video) for each, other in zip(moments, following)], device=states.device)
    return moment_loss(answer, study(model.cg_model, reading, labels > 0, strange), truth, labels, clip_mask.bool(), model.cg_criterion.empty_weight)


def together(rows: list[Tensor], like: Tensor) -> tuple[Tensor, Tensor]:
    longest = max(len(row) for row in rows)
    values = torch.stack([F.pad(row, (0, 0, 0, longest - len(row))) for row in rows]).to(like)
    return values, torch.tensor([[1.0] * len(row) + [0.0] * (longest - len(row)) for row in rows], device=like.device)


def box_giou(a: Tensor, b: Tensor) -> Tensor:
    area = lambda box: (box[:, 2] - box[:, 0]).clamp(min=0) * (box[:, 3] - box[:, 1]).clamp(min=0)
    both = area(torch.cat([torch.maximum(a[:, :2], b[:, :2]), torch.minimum(a[:, 2:], b[:, 2:])], 1))
    hull = area(torch.cat([torch.minimum(a[:, :2], b[:, :2]), torch.maximum(a[:, 2:], b[:, 2:])], 1)).clamp(min=1e-6)
    union = area(a) + area(b) - both
    return both / union.clamp(min=1e-6) - (hull - union) / hull
