"""What the region head is asked for: heat at centres, boxes at the cells near them, presence."""
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from trainer.heads.region import RegionMaps
from trainer.losses.boxes import box_loss
from trainer.losses.focal import centre_focal, gaussian_heat

WEIGHTS = {'heat': 1.0, 'l1': 4.0, 'giou': 1.0, 'object': 1.0}


class RegionTargets(NamedTuple):
    boxes: Tensor  # (n, 4) xyxy 0–1, of all rows together
    owner: Tensor  # (n) the row each box belongs to


def region_loss(maps: RegionMaps, targets: RegionTargets) -> dict[str, Tensor]:
    """Weighted parts. A row without a box is an absence: empty heat, presence 0."""
    rows, _, grid, _ = maps.heat.shape
    heat = gaussian_heat(targets.boxes, targets.owner, rows, grid)
    present = torch.zeros(rows)
    present[targets.owner] = 1
    row, y, x, index = near_centre(targets.boxes, targets.owner, grid)
    l1, giou = box_loss(maps.boxes[row, :, y, x], targets.boxes[index])
    return {
        'heat': WEIGHTS['heat'] * centre_focal(maps.heat[:, 0], heat).mean(),
        'l1': WEIGHTS['l1'] * l1,
        'giou': WEIGHTS['giou'] * giou,
        'object': WEIGHTS['object'] * F.binary_cross_entropy_with_logits(maps.object, present),
    }


def near_centre(boxes: Tensor, owner: Tensor, grid: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The cells that must give a box's sides: its centre's cell and the four beside it → (row, y, x, box index), each (5n)."""
    cell = ((boxes[:, :2] + boxes[:, 2:]) / 2 * grid).floor().long()
    steps = torch.tensor([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]])
    cells = (cell[:, None] + steps).clamp(0, grid - 1).reshape(-1, 2)
    index = torch.arange(len(boxes)).repeat_interleave(5)
    return owner[index], cells[:, 1], cells[:, 0], index
