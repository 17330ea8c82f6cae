"""What the frozen encoder finds in frames, as one tensor: it can be kept, and stands for the frames wherever they go."""
import torch
from torch import Tensor

from trainer.backbones.lite0 import Lite0, Taps
from trainer.backbones.small.settings import CELLS, FINE, GRID

SIZES = {'s8': (40, FINE), 's16': (112, GRID), 's32': (320, CELLS)}
COUNT = sum(channels * side * side for channels, side in SIZES.values())


def pack(taps: Taps) -> Tensor:
    """→ (P, COUNT)."""
    return torch.cat([getattr(taps, name).flatten(1) for name in SIZES], 1)


def unpack(packed: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(P, COUNT) → s8 (P, 40, 20, 20), s16 (P, 112, 10, 10), s32 (P, 320, 5, 5)."""
    parts = packed.float().split([channels * side * side for channels, side in SIZES.values()], 1)
    s8, s16, s32 = (part.unflatten(1, (channels, side, side)) for part, (channels, side) in zip(parts, SIZES.values()))
    return s8, s16, s32


@torch.no_grad()
def looked_at(eyes: Lite0, frames: Tensor) -> Tensor:
    """frames uint8 (T, 160, 160, 3) → (T, COUNT)."""
    return pack(eyes(frames))
