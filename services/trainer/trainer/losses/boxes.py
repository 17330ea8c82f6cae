"""Boxes compared: IoU, generalised IoU (Rezatofighi et al. 2019), for pairs or for all pairs. Boxes are xyxy."""
import torch
from torch import Tensor


def area(boxes: Tensor) -> Tensor:
    return (boxes[..., 2] - boxes[..., 0]).clamp(min=0) * (boxes[..., 3] - boxes[..., 1]).clamp(min=0)


def paired_iou(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """a, b (..., 4), broadcast → IoU and generalised IoU (...)."""
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    both = (high - low).clamp(min=0).prod(-1)
    union = area(a) + area(b) - both
    hull = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).clamp(min=0).prod(-1)
    iou = both / union.clamp(min=1e-6)
    return iou, iou - (hull - union) / hull.clamp(min=1e-6)


def iou_matrix(a: Tensor, b: Tensor) -> Tensor:
    """a (n, 4), b (m, 4) → (n, m)."""
    return paired_iou(a[:, None], b[None])[0]


def box_loss(predicted: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Mean L1 and mean 1 − GIoU over pairs (n, 4); zero, with a gradient path, for no pairs."""
    if len(predicted) == 0:
        return predicted.sum(), predicted.sum()
    return (predicted - truth).abs().mean(), (1 - paired_iou(predicted, truth)[1]).mean()
