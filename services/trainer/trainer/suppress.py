"""Which of a phrase's boxes are the same thing again, as the runtime counts them (`services/inference/src/heads/region.ts`)."""
from torch import Tensor
import torch

from trainer.losses.boxes import area, iou_matrix

SAME = 0.6      # IoU with a better box above which a box is dropped
INSIDE = 0.85   # share of a box inside a better one above which it is a part of the same thing


def separate(boxes: Tensor, scores: Tensor, same: float = SAME, inside: float = INSIDE) -> list[int]:
    """Greedy suppression of boxes (n, 4): the places of those that stay, best first."""
    kept: list[int] = []
    overlap, share = iou_matrix(boxes, boxes), share_inside(boxes)
    for i in scores.argsort(descending=True).tolist():
        if all(float(overlap[i, j]) <= same and float(share[i, j]) <= inside for j in kept):
            kept.append(i)
    return kept


def share_inside(boxes: Tensor) -> Tensor:
    """(n, n): how much of box i lies inside box j."""
    low, high = torch.maximum(boxes[:, None, :2], boxes[None, :, :2]), torch.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    return (high - low).clamp(min=0).prod(-1) / area(boxes)[:, None].clamp(min=1e-6)
