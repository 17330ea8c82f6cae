"""TPO's own region head: a 2-layer MLP from the task embedding to one box, no look at the picture (arXiv 2412.19326, section 3.1; MSE there, L1 + GIoU
in the published inference code). The baseline that the dense head of `region.py` is compared with.

The coordinates are xyxy 0–1 without a sigmoid, as published. `presence` is ours: a box for every phrase would make absence impossible to say.
"""
from typing import NamedTuple

import torch
from torch import Tensor, nn

from trainer.config import NanoConfig


class MlpBoxes(NamedTuple):
    boxes: Tensor   # (Q, 4) xyxy, unbounded
    object: Tensor  # (Q) logit of presence


class RegionMlp(nn.Module):
    task = 'region'

    def __init__(self, config: NanoConfig) -> None:
        super().__init__()
        d = config.width
        self.box = nn.Sequential(nn.Linear(d, d), nn.ReLU(), nn.Linear(d, 4))
        self.presence = nn.Linear(d, 1)
        with torch.no_grad():
            self.box[2].bias.copy_(torch.tensor([0.35, 0.35, 0.65, 0.65]))  # begins in the middle, the right way round

    def forward(self, state: Tensor) -> MlpBoxes:
        """state (Q, d) → one box a query."""
        return MlpBoxes(self.box(state), self.presence(state)[:, 0])
