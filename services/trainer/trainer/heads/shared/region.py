"""The region head over a shared map: heat at centres, a box from every cell, presence. Sibling of `heads/region.py`, which leans on nano's eyes."""
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.heads.region import RegionMaps, Regions
from trainer.heads.shared.centred import Centred
from trainer.heads.shared.conditioned import Adapter, Conditioned


class SharedRegionHead(nn.Module):
    task = 'region'

    def __init__(self, channels: int, state: int, width: int, boxes: int = 10) -> None:
        super().__init__()
        self.boxes = boxes
        self.centred, self.adapter, self.conditioned = Centred(state), Adapter(channels, width), Conditioned(state, width)
        self.outputs = nn.Conv2d(width, 5, 1)
        self.presence = nn.Sequential(nn.Linear(2 * width + 1 + state, width), nn.GELU(), nn.Linear(width, 1))
        nn.init.constant_(self.outputs.bias[:1], -3.0)

    def maps(self, features: Tensor, state: Tensor) -> RegionMaps:
        """features (Q or 1, D, G, G), state (Q, d)."""
        state = self.centred(state)
        x, match = self.conditioned(self.adapter(features), state)
        out = self.outputs(x)
        heat = out[:, :1] + match
        weight = heat.flatten(2).softmax(-1)                                             # (Q, 1, G·G)
        pooled = (x.flatten(2) * weight).sum(-1)
        object = self.presence(torch.cat([pooled, x.mean((2, 3)), heat.amax((2, 3)), state], 1))[:, 0]
        grid = x.shape[-1]
        side = (torch.arange(grid, device=x.device, dtype=x.dtype) + 0.5) / grid
        centres = torch.stack([side.expand(grid, -1), side[:, None].expand(-1, grid)])   # (2, G, G) x, y
        sides = F.softplus(out[:, 1:]) / 4
        return RegionMaps(heat, torch.cat([centres - sides[:, :2], centres + sides[:, 2:]], 1), object)

    def forward(self, features: Tensor, state: Tensor) -> Regions:
        dense = self.maps(features, state)
        peak = dense.heat >= F.max_pool2d(dense.heat, 3, 1, 1)
        present = dense.object.sigmoid()
        # Cells beside a peak count for nothing, yet in an order: on a small grid there are fewer peaks than boxes to give.
        scores = (dense.heat.sigmoid() * peak.to(dense.heat.dtype).clamp(min=1e-6)).flatten(1) ** 0.5
        best, cells = scores.topk(self.boxes, dim=1)                                     # (Q, K)
        boxes = dense.boxes.flatten(2).gather(2, cells[:, None].expand(-1, 4, -1)).transpose(1, 2).clamp(0, 1)
        return Regions(boxes, best * present[:, None], present)
