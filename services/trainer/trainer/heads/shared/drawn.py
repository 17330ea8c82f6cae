"""What points a thing out without words, as a drawing on the cells of a map: 1 inside, −1 outside, 0 where nothing is said."""
import torch
from torch import Tensor
from torch.nn import functional as F


def of_boxes(boxes: Tensor, grid: int) -> Tensor:
    """(Q, 4) xyxy 0–1 → (Q, G, G): the share of every cell that the box covers."""
    low = torch.arange(grid, device=boxes.device, dtype=boxes.dtype)
    scaled = boxes * grid
    along = lambda first, last: (torch.minimum(scaled[:, last, None], low + 1) - torch.maximum(scaled[:, first, None], low)).clamp(0, 1)  # (Q, G)
    return along(1, 3)[:, :, None] * along(0, 2)[:, None]


def of_points(points: Tensor, grid: int) -> Tensor:
    """(Q, n, 3) x, y, label → (Q, G, G): a bump a point, up for label 1, down for 0, none for padding (−1)."""
    centres = torch.arange(grid, device=points.device, dtype=points.dtype) + 0.5
    bump = lambda place: torch.exp(-((place[..., None] * grid - centres) ** 2) / 2)                  # (Q, n, G)
    label = points[..., 2]
    sign = (label > 0.5).to(points.dtype) - ((label > -0.5) & (label < 0.5)).to(points.dtype)
    return torch.einsum('qny,qnx,qn->qyx', bump(points[..., 1]), bump(points[..., 0]), sign).clamp(-1, 1)


def of_masks(mask: Tensor) -> Tensor:
    """(Q, 2G, 2G) logits → (Q, G, G)."""
    return F.avg_pool2d(mask.sigmoid()[:, None], 2)[:, 0]
