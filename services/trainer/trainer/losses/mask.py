"""Pixels, not boxes: what the mask head is asked for in every frame of a propagation."""
import torch
from torch import Tensor
from torch.nn import functional as F

from trainer.heads.mask import Masks

WEIGHTS = {'bce': 4.0, 'dice': 1.0, 'iou': 0.5, 'object': 0.5}


def dice_loss(logits: Tensor, target: Tensor) -> Tensor:
    """1 − dice, a value a row. logits, target (n, h, w)."""
    p = logits.sigmoid().flatten(1)
    t = target.flatten(1)
    return 1 - (2 * (p * t).sum(1) + 1) / (p.sum(1) + t.sum(1) + 1)


def mask_loss(masks: Masks, target: Tensor) -> dict[str, Tensor]:
    """target (n, h, w) share of each cell that is the thing, 0–1. An absent thing trains presence, and an empty outline lightly."""
    present = (target.flatten(1).amax(1) > 0.3).to(masks.mask.dtype)  # (n)
    pixels = F.binary_cross_entropy_with_logits(masks.mask, target, reduction='none')
    # Things are small: pixels on and around them weigh as much as all the background.
    around = target.shape[-1] // 16
    weight = 0.25 + 2.0 * F.max_pool2d(target[:, None], 2 * around + 1, 1, around)[:, 0]
    bce = (pixels * weight).mean((1, 2)) * (0.2 + 0.8 * present)
    with torch.no_grad():
        found, true = masks.mask > 0, target > 0.5
        union = (found | true).flatten(1).sum(1)
        iou = (found & true).flatten(1).sum(1) / union.clamp(min=1)
    dice = (dice_loss(masks.mask, target) * present).sum() / present.sum().clamp(min=1)
    return {
        'bce': WEIGHTS['bce'] * bce.mean(),
        'dice': WEIGHTS['dice'] * dice,
        'iou': WEIGHTS['iou'] * ((masks.iou.sigmoid() - iou).abs() * present).mean(),
        'object': WEIGHTS['object'] * F.binary_cross_entropy_with_logits(masks.object, present),
    }
