"""From the frozen encoder's maps to tokens that stand among SmolLM2's words, and to the map that heads point in."""
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.backbones.small.settings import CELLS

TAPS = (40, 112, 320)


class Connector(nn.Module):
    """Stride 32 beside stride 16 folded into its cells → 25 tokens a frame, in the place and the spread of the table of words."""

    def __init__(self, table: Tensor, inside: int) -> None:
        """table (V, d): the language model's."""
        super().__init__()
        channels, width = 4 * TAPS[1] + TAPS[2], table.shape[1]
        self.project = nn.Sequential(nn.LayerNorm(channels), nn.Linear(channels, inside), nn.GELU(), nn.Linear(inside, width), nn.LayerNorm(width))
        self.place = nn.Parameter(torch.zeros(CELLS * CELLS, width))
        mean = table.float().mean(0)
        self.register_buffer('mean', mean, persistent=False)
        self.register_buffer('spread', (table.float() - mean).square().mean().sqrt(), persistent=False)

    def forward(self, s16: Tensor, s32: Tensor) -> Tensor:
        """→ (P, 25, d)."""
        cells = torch.cat([F.pixel_unshuffle(s16, 2), s32], 1)                            # (P, 768, 5, 5)
        return self.mean + self.spread * (self.project(cells.flatten(2).transpose(1, 2)) + self.place)


class Neck(nn.Module):
    """Strides 32, 16 and 8 added up, each cell told of those around it."""

    def __init__(self, width: int, blocks: int = 2) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(nn.Conv2d(channels, width, 1) for channels in TAPS)
        self.blocks = nn.ModuleList(Around(width) for _ in range(blocks))

    def forward(self, s8: Tensor, s16: Tensor, s32: Tensor) -> Tensor:
        """→ (P, W, 20, 20)."""
        x = sum(F.interpolate(lateral(tap), size=s8.shape[-2:], mode='nearest') for lateral, tap in zip(self.laterals, (s8, s16, s32)))
        for block in self.blocks:
            x = block(x)
        return x


class Around(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.around = nn.GroupNorm(1, width), nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + F.gelu(self.around(self.norm(x)))
