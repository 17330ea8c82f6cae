"""What the MLP region head is asked for: the loss of TPO's published code, 2·L1 + GIoU / 5."""
import torch
from torch import Tensor
from torch.nn import functional as F

from trainer.heads.region_mlp import MlpBoxes
from trainer.losses.boxes import area, paired_iou
from trainer.losses.region import RegionTargets

WEIGHTS = {'l1': 2.0, 'giou': 0.2, 'object': 1.0}


def region_mlp_loss(found: MlpBoxes, targets: RegionTargets) -> dict[str, Tensor]:
    """One box can mean one thing: where a phrase means several, the largest of them is the answer."""
    rows = found.boxes.shape[0]
    present = torch.zeros(rows)
    present[targets.owner] = 1
    row, truth = largest(targets)
    boxes = found.boxes[row]
    right_way = ((boxes[:, 2] >= boxes[:, 0]) & (boxes[:, 3] >= boxes[:, 1])).detach()
    upright = boxes[right_way]
    # As published: GIoU only over boxes that are boxes, and the constant 2 where none is.
    giou = (1 - paired_iou(upright, truth[right_way])[1]).mean() if len(upright) else boxes.sum() * 0 + 2.0
    return {
        'l1': WEIGHTS['l1'] * ((boxes - truth).abs().mean() if len(boxes) else boxes.sum()),
        'giou': WEIGHTS['giou'] * giou,
        'object': WEIGHTS['object'] * F.binary_cross_entropy_with_logits(found.object, present),
    }


def largest(targets: RegionTargets) -> tuple[Tensor, Tensor]:
    """→ the rows that have a box, and the largest box of each (n, 4)."""
    rows = targets.owner.unique()
    sizes = area(targets.boxes)
    picked = [torch.where(targets.owner == row, sizes, torch.tensor(-1.0)).argmax() for row in rows]
    return rows, targets.boxes[torch.stack(picked)] if picked else targets.boxes
