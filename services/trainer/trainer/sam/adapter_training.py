"""The mask adapter trained on pixels: task embeddings become prompt tokens by what the mask decoder then outlines, in the prompted frame and, through the
model's own memory, in the frames after it; not by imitating a box (arXiv 2412.19326 imitates; SAM 2's own losses are used here: focal, dice, IoU,
presence). The decoder is frozen, or goes along; eyes and memory stay as they are, and gradients go through them.
"""
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.losses.mask import dice_loss
from trainer.sam.adapter_lessons import Lesson
from trainer.sam.attend import Attend
from trainer.sam.decode import HIDDEN, Decode
from trainer.sam.prompts import MaskAdapter
from trainer.sam.remember import Remember

WEIGHTS = {'focal': 20.0, 'dice': 1.0, 'iou': 1.0, 'object': 1.0}
THERE = 0.3  # of some cell: a thing that covers less of every one is not there


class Follower(nn.Module):
    """The parts of a SAM-class model as serving puts them together, with gradients: a phrase in the first frame, memory from then on."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.decode, self.attend, self.remember = Decode(model), Attend(model), Remember(model)
        self.recent, self.pointers = model.num_maskmem - 1, model.max_obj_ptrs_in_encoder - 1

    def forward(self, prompt: Tensor, maps: list[tuple[Tensor, ...]], there: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """prompt (Q, k, C); there (T, Q) 0/1 → of each frame mask (Q, 3, h, w) logits, iou (Q, 3), presence (Q, 1) logit: what an open prompt chooses from.

        Memory keeps an outline where the thing is in truth: a wrong no, as there are many at first, would hide all later frames from learning.
        """
        rows = torch.arange(len(prompt))
        memory: list[Tensor] = []                                                               # (Q, m, c), of each frame
        pointers: list[Tensor] = []                                                             # (Q, C)
        for t, (s4, s8, s16, fresh) in enumerate(maps):
            attended, words = (fresh.expand(len(prompt), -1, -1, -1), prompt) if t == 0 else self.attended(s16, memory, pointers, t)
            mask, iou, presence, outlines = self.decode.outline(s4, s8, attended, words)
            mask, iou = mask[:, 1:], iou[:, 1:]
            yield mask, iou, presence
            best = iou.argmax(1)
            seen = there[t][:, None].to(mask.dtype)                                             # (Q, 1)
            kept = torch.where(seen[..., None] > 0, mask[rows, best], HIDDEN)
            memory.append(self.remember(s16, kept, seen[:, 0]))
            pointers.append(self.decode.point(outlines[rows, best + 1]) * seen + self.decode.absent * (1 - seen))

    def attended(self, s16: Tensor, memory: list[Tensor], pointers: list[Tensor], t: int) -> tuple[Tensor, Tensor]:
        """The prompted frame and the last few, newest first, as the bank of the runtime hands them over."""
        count, q = min(self.recent, t - 1), len(memory[0])
        ages = torch.tensor([float(t), *range(1, count + 1)]).expand(q, -1)
        told = min(self.pointers, t - 1)
        pointer_ages = torch.tensor([float(t), *range(1, told + 1)]).expand(q, -1)
        entries = torch.stack([memory[0], *(memory[t - age] for age in range(1, count + 1))], 1)      # (Q, M, m, c)
        points = torch.stack([pointers[0], *(pointers[t - age] for age in range(1, told + 1))], 1)    # (Q, P, C)
        prompted = (torch.arange(count + 1) == 0).float().expand(q, -1)
        return self.attend(s16, entries, torch.ones_like(ages), ages, prompted, points, torch.ones_like(pointer_ages), pointer_ages)


def adapter_loss(follower: Follower, adapter: MaskAdapter, lesson: Lesson) -> dict[str, Tensor]:
    """Of the three outlines of each frame the best is taught; all are taught how good they are. The mean over frames."""
    parts = {name: torch.zeros(()) for name in WEIGHTS}
    for (mask, iou, presence), targets in zip(follower(adapter(lesson.states), lesson.maps, present(lesson.targets)), lesson.targets):
        for name, value in frame_loss(mask, iou, presence, targets).items():
            parts[name] = parts[name] + value / lesson.frames
    return parts


def frame_loss(mask: Tensor, iou: Tensor, presence: Tensor, targets: Tensor) -> dict[str, Tensor]:
    target = targets[:, None].expand_as(mask)
    there = present(targets).to(mask.dtype)                                                      # (Q)
    focal = focal_loss(mask, target)                                                             # (Q, 3)
    dice = dice_loss(mask.flatten(0, 1), target.flatten(0, 1)).unflatten(0, mask.shape[:2])
    best = (WEIGHTS['focal'] * focal + WEIGHTS['dice'] * dice).argmin(1, keepdim=True)
    with torch.no_grad():
        found, true = mask > 0, target > 0.5
        truth = (found & true).flatten(2).sum(2) / (found | true).flatten(2).sum(2).clamp(min=1)
    count = there.sum().clamp(min=1)
    return {
        'focal': WEIGHTS['focal'] * (focal.gather(1, best)[:, 0] * there).sum() / count,
        'dice': WEIGHTS['dice'] * (dice.gather(1, best)[:, 0] * there).sum() / count,
        'iou': WEIGHTS['iou'] * ((iou - truth).abs().mean(1) * there).sum() / count,
        'object': WEIGHTS['object'] * F.binary_cross_entropy_with_logits(presence[:, 0], there),
    }


def present(targets: Tensor) -> Tensor:
    """(…, h, w) → (…)"""
    return (targets.amax((-2, -1)) > THERE).float()


def focal_loss(logits: Tensor, target: Tensor, alpha: float = 0.25, gamma: float = 2.0) -> Tensor:
    """(Q, n, h, w) → (Q, n)"""
    p = logits.sigmoid()
    likeness = p * target + (1 - p) * (1 - target)
    weight = (alpha * target + (1 - alpha) * (1 - target)) * (1 - likeness) ** gamma
    return (F.binary_cross_entropy_with_logits(logits, target, reduction='none') * weight).mean((2, 3))


def train_adapter(model: nn.Module, adapter: MaskAdapter, lessons: Iterable[Lesson], steps: int, rate: float = 1e-3, thaw: bool = False) -> Iterator[dict[str, float]]:
    """One lesson a step → the parts of its loss. `thaw`: the mask decoder learns too."""
    model.requires_grad_(False)
    model.sam_mask_decoder.requires_grad_(thaw)
    follower = Follower(model)
    learning = [parameter for parameter in (*adapter.parameters(), *model.sam_mask_decoder.parameters()) if parameter.requires_grad]
    optimiser = torch.optim.AdamW(learning, lr=rate, weight_decay=0.02)
    for _, lesson in zip(range(steps), lessons):
        parts = adapter_loss(follower, adapter, lesson)
        optimiser.zero_grad()
        sum(parts.values()).backward()
        nn.utils.clip_grad_norm_(learning, 1.0)
        optimiser.step()
        yield {name: float(value.detach()) for name, value in parts.items()}
