"""How much of a thing is to be seen frame by frame, how wide it spreads, where it is cut off, and how two things lie to one another: from a chance map, no weights.

How surely something is there says little of when it comes and goes: half of it is as sure as the whole. Its mass, not clamped, against its largest over the
frames, and how much of it lies on the border of the picture tell a sliver from a half and a half from the whole.
"""
from typing import NamedTuple

import torch
from torch import Tensor

SIZES = 15        # channels of `sizes_of`
BETWEEN = 10      # of `between`
HALF = 1.8        # half a thing's box in standard deviations of its chance map; of an even box it is √3


class Extent(NamedTuple):
    place: Tensor   # (..., T, 2) its middle
    spread: Tensor  # (..., T, 2) its standard deviation
    mass: Tensor    # (..., T, 1) cells of certainty
    border: Tensor  # (..., T, 4) mass in the outermost cells: left, right, top, bottom
    peak: Tensor    # (..., T, 1) the surest cell


def extent_of(chance: Tensor) -> Extent:
    """chance (..., T, G, G)."""
    side = chance.shape[-1]
    axis = (torch.arange(side, device=chance.device, dtype=chance.dtype) + 0.5) / side
    across, down = chance.sum(-2), chance.sum(-1)                                       # (..., T, G) each
    mass = across.sum(-1, keepdim=True)
    place = torch.stack([across @ axis, down @ axis], -1) / (mass + 0.05)
    second = torch.stack([across @ axis ** 2, down @ axis ** 2], -1) / (mass + 0.05)
    border = torch.stack([across[..., 0], across[..., -1], down[..., 0], down[..., -1]], -1)
    return Extent(place, (second - place ** 2).clamp(min=1e-4).sqrt(), mass, border, chance.flatten(-2).amax(-1, keepdim=True))


def sizes_of(extent: Extent) -> Tensor:
    """(..., T, SIZES)."""
    mass = extent.mass
    most = mass.amax(-2, keepdim=True) + 0.5
    change = torch.cat([mass[..., :1, :] * 0, mass[..., 1:, :] - mass[..., :-1, :]], -2)
    return torch.cat([mass / 4, (mass + 0.1).log(), mass / most, change / most, extent.spread * 8, extent.border / 2, extent.border / (mass + 0.3), extent.peak], -1)


def between(one: Extent, other: Extent, there: Tensor) -> Tensor:
    """How far apart two things are in units of their size, and how much of the smaller one's box the other's covers; there (..., T, 1): both are. → (..., T, BETWEEN)."""
    apart = (one.place - other.place) / (one.spread + other.spread + 0.02) * there
    high = torch.minimum(one.place + one.spread * HALF, other.place + other.spread * HALF)
    low = torch.maximum(one.place - one.spread * HALF, other.place - other.spread * HALF)
    shared = (high - low).clamp(min=0).prod(-1, keepdim=True)
    smaller = (torch.minimum(one.spread, other.spread) * 2 * HALF).prod(-1, keepdim=True)
    covered = (shared / (smaller + 1e-3)).clamp(max=1.5)
    return torch.cat([apart * 0.5, apart.abs() * 0.5, (high - low) * 4 * there, covered * there, (high - low).amin(-1, keepdim=True) * 4 * there, there, (other.mass + 0.1).log() * there], -1)
