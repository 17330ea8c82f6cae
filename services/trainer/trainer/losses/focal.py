"""Focal losses for heat maps and masks."""
import torch
from torch import Tensor
from torch.nn import functional as F


def centre_focal(logits: Tensor, target: Tensor, alpha: float = 2.0, beta: float = 4.0) -> Tensor:
    """CenterNet's penalty-reduced focal loss (Zhou et al. 2019, eq. 1), summed over cells, one value a row.

    target is 1 at a centre and falls off around it, so that a near miss costs little. logits, target (n, ...) → (n).
    """
    p = logits.sigmoid()
    hit = (target >= 0.999).to(p.dtype)
    positive = (1 - p) ** alpha * F.logsigmoid(logits) * hit
    negative = (1 - target) ** beta * p ** alpha * F.logsigmoid(-logits) * (1 - hit)
    count = hit.flatten(1).sum(1).clamp(min=1)
    return -(positive + negative).flatten(1).sum(1) / count


def gaussian_heat(boxes: Tensor, owner: Tensor, rows: int, grid: int) -> Tensor:
    """Target heat of `rows` maps: 1 at the cell of each box's centre, a Gaussian as wide as a sixth of the box around it.

    boxes (n, 4) xyxy 0–1, owner (n) the row of each → (rows, grid, grid).
    """
    heat = torch.zeros(rows, grid, grid)
    if len(boxes) == 0:
        return heat
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2 * grid
    cell = centre.floor().clamp(0, grid - 1)                             # (n, 2) x, y
    sigma = ((boxes[:, 2:] - boxes[:, :2]) * grid / 6).clamp(min=0.4)     # (n, 2)
    axis = torch.arange(grid, dtype=boxes.dtype)
    x = torch.exp(-((axis[None] - cell[:, :1]) / sigma[:, :1]) ** 2 / 2)  # (n, grid)
    y = torch.exp(-((axis[None] - cell[:, 1:]) / sigma[:, 1:]) ** 2 / 2)
    bumps = y[:, :, None] * x[:, None, :]
    for row in range(rows):
        mine = owner == row
        if mine.any():
            heat[row] = bumps[mine].amax(0)
    return heat
