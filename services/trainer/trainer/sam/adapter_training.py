"""The mask adapter trained on pixels: task embeddings become prompt tokens by what the mask decoder then outlines, not by imitating a box (arXiv 2412.19326
imitates; SAM 2's own losses are used here: focal, dice, IoU, presence). The decoder is frozen, or goes along.
"""
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.losses.mask import dice_loss
from trainer.sam.decode import Decode
from trainer.sam.eyes import Eyes
from trainer.sam.prompts import MaskAdapter

WEIGHTS = {'focal': 20.0, 'dice': 1.0, 'iou': 1.0, 'object': 1.0}


@dataclass
class Lesson:
    """A frame and what is asked of it: states (Q, d), targets (Q, 4G, 4G) share of each cell, 0 where the thing is not there."""
    maps: tuple[Tensor, ...]
    states: Tensor
    targets: Tensor


def lesson(eyes: Eyes, frame: np.ndarray, states: Tensor, masks: np.ndarray) -> Lesson:
    """frame (S, S, 3) uint8, masks (Q, S, S) bool. The frozen eyes look once."""
    with torch.no_grad():
        maps = eyes(torch.from_numpy(frame)[None])
    targets = F.adaptive_avg_pool2d(torch.from_numpy(masks).float(), maps[0].shape[-2:])
    return Lesson(maps, states, targets)


def adapter_loss(decode: Decode, adapter: MaskAdapter, lesson: Lesson) -> dict[str, Tensor]:
    """Of the three outlines of an open prompt, the best is taught; all are taught how good they are."""
    s4, s8, _, attended = lesson.maps
    prompt = adapter(lesson.states)                                                             # (Q, k, C)
    mask, iou, presence, _ = decode.outline(s4, s8, attended.expand(len(prompt), -1, -1, -1), prompt)
    mask, iou = mask[:, 1:], iou[:, 1:]                                                          # (Q, 3, h, w), (Q, 3)
    target = lesson.targets[:, None].expand_as(mask)
    there = (lesson.targets.flatten(1).amax(1) > 0.3).float()                                    # (Q)
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


def focal_loss(logits: Tensor, target: Tensor, alpha: float = 0.25, gamma: float = 2.0) -> Tensor:
    """(Q, n, h, w) → (Q, n)"""
    p = logits.sigmoid()
    likeness = p * target + (1 - p) * (1 - target)
    weight = (alpha * target + (1 - alpha) * (1 - target)) * (1 - likeness) ** gamma
    return (F.binary_cross_entropy_with_logits(logits, target, reduction='none') * weight).mean((2, 3))


def train_adapter(model: nn.Module, adapter: MaskAdapter, lessons: list[Lesson], steps: int, rate: float = 1e-3, thaw: bool = False) -> Iterator[float]:
    """Goes through the lessons in turn → the loss of every step. `thaw`: the mask decoder learns too; the eyes never do here."""
    decode = Decode(model)
    model.requires_grad_(False)
    model.sam_mask_decoder.requires_grad_(thaw)
    learning = [parameter for parameter in (*adapter.parameters(), *decode.parameters()) if parameter.requires_grad]
    optimiser = torch.optim.AdamW(learning, lr=rate, weight_decay=0.02)
    for step in range(steps):
        loss = sum(adapter_loss(decode, adapter, lessons[step % len(lessons)]).values())
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(learning, 1.0)
        optimiser.step()
        yield float(loss.detach())
