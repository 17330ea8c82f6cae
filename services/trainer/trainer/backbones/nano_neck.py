"""The trained part of nano's eyes: from the frozen encoder's taps to visual tokens and to the maps that the heads read."""
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.backbones.lite0 import Taps
from trainer.config import NanoConfig


SPREAD = {'s4': 12.0, 's8': 10.0, 's16': 7.0, 's32': 2.8}  # of the frozen taps: divided out, or Adam's steps are far too long


FOLDED = 12  # channels of 2×2 pixels


class Maps(NamedTuple):
    features: Tensor  # (B, F, G, G) what the heads read
    match: Tensor     # (B, M, G, G) the space where cells are compared with nouns
    centre: Tensor    # (B, 1, G, G) logit that a thing's centre is here, whatever it is
    colour: Tensor    # (B, colours, G, G) logits of the cell's colour
    sides: Tensor     # (B, 4, G, G) how far a thing that has its centre here goes left, up, right, down, before the softplus (`distances`)
    skip: Tensor      # (B, FOLDED + skip + 2, 2G, 2G) for fine outlines: the small picture, four pixels a cell; then what was seen; the last two: logits that any thing, that a thing's edge is here


def norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(4, channels)


class Separable(nn.Module):
    """Residual depthwise 3×3 and pointwise convolution."""

    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.deep = nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation, groups=channels)
        self.norm = norm(channels)
        self.point = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)  # ten times faster for depthwise convolutions on a CPU
        return x + self.point(F.gelu(self.norm(self.deep(x))))


def up_by(x: Tensor, times: int) -> Tensor:
    return F.interpolate(x, scale_factor=float(times), mode='bilinear', align_corners=False)


class Wide(nn.Module):
    """Residual depthwise 3×3 and a pointwise pair twice as wide (the block of ConvNeXt, arXiv 2201.03545, made small)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.deep = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.norm = norm(channels)
        self.up, self.down = nn.Conv2d(channels, 2 * channels, 1), nn.Conv2d(2 * channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        return x + self.down(F.gelu(self.up(self.norm(self.deep(x)))))


class NanoNeck(nn.Module):
    """A tower at stride 16 names shapes; what it finds goes down to the tokens (stride 32) and up to the maps (stride 8)."""

    def __init__(self, config: NanoConfig, colours: int) -> None:
        super().__init__()
        f, w, self.block = config.features, config.tower, config.grid // config.coarse
        self.from16, self.from32 = nn.Conv2d(112, w, 1), nn.Conv2d(320, w, 1)
        self.tower = nn.Sequential(norm(w), *(Wide(w) for _ in range(config.tower_blocks)), norm(w))
        self.from8, self.lateral = nn.Conv2d(40 + 3, f, 1), nn.Conv2d(w, f, 1)
        self.mix = nn.Sequential(norm(f), Separable(f), Separable(f, dilation=2))
        self.match_far = nn.Conv2d(w, config.match, 1)
        self.match = nn.Sequential(norm(f), nn.GELU(), nn.Conv2d(f, config.match, 1))
        self.centre = nn.Conv2d(f, 1, 1)
        self.colour = nn.Conv2d(f, colours + 1, 1)
        self.skip = nn.Sequential(nn.Conv2d(24 + 3, config.skip, 3, padding=1), nn.GELU(), nn.Conv2d(config.skip, config.skip, 1))
        self.connector = nn.Sequential(nn.Linear(4 * w, 2 * config.width), nn.GELU(), nn.Linear(2 * config.width, config.width), nn.LayerNorm(config.width))
        self.fine = nn.Sequential(nn.Linear(2 * f, config.fine), nn.GELU(), nn.Linear(config.fine, config.fine))
        self.outline = Outline(config)

    def deep(self, s16: Tensor, s32: Tensor) -> Tensor:
        """s16 (B, 112, 2g, 2g), s32 (B, 320, g, g) → (B, W, 2g, 2g)."""
        return self.tower(self.from16(s16 / SPREAD['s16']) + up_by(self.from32(s32 / SPREAD['s32']), 2))

    def tokens(self, deep: Tensor) -> Tensor:
        """One token a stride-32 cell, and what its four quarters show: (B, W, 2g, 2g) → (B, g·g, d + 4·M)."""
        coarse, quarters = self.connector(F.pixel_unshuffle(deep, 2).flatten(2).transpose(1, 2)), self.middle(deep)
        flat = F.pixel_unshuffle(F.layer_norm(quarters.movedim(1, -1), quarters.shape[1:2]).movedim(-1, 1), 2).flatten(2).transpose(1, 2)
        return torch.cat([coarse, flat], 2)

    def middle(self, deep: Tensor) -> Tensor:
        """What each cell of stride 16 shows, to be compared with nouns: (B, W, 2g, 2g) → (B, M, 2g, 2g)."""
        return self.match_far(deep)

    def maps(self, taps: Taps, deep: Tensor, rgb: Tensor) -> Maps:
        """deep of the same frames; rgb (B, 3, 4G, 4G) in −1..1: the small picture itself, which knows colours best."""
        small = F.avg_pool2d(rgb, 2)
        x = self.from8(torch.cat([taps.s8 / SPREAD['s8'], F.avg_pool2d(small, 2)], 1)) + up_by(self.lateral(deep), 2)
        x = self.mix(x)
        match = self.match(x) + up_by(self.middle(deep), 2)
        skip = self.skip(torch.cat([taps.s4 / SPREAD['s4'], small], 1))
        covered, sides = self.outline(x, skip)
        return Maps(x, match, self.centre(x), self.colour(x), sides, torch.cat([F.pixel_unshuffle(rgb, 2), skip, covered], 1))

    def fine_tokens(self, maps: Maps) -> Tensor:
        """What the stride-8 map adds to each stride-32 cell: (B, g·g, fine + M + 2 + 4 + colours).

        Pooled features, the match vector where a centre is likeliest, how many centres and how sure, the surest in each quarter, the colour there.
        """
        k = self.block
        pooled = torch.cat([F.avg_pool2d(maps.features, k), F.max_pool2d(maps.features, k)], 1)  # (B, 2F, g, g)
        weight = torch.exp(maps.centre.clamp(-8, 8))
        best, colour = (F.avg_pool2d(part * weight, k) / F.avg_pool2d(weight, k) for part in (maps.match, maps.colour.softmax(1)))
        sure = maps.centre.sigmoid()
        peaks = sure * (sure >= F.max_pool2d(sure, 3, 1, 1)).to(sure.dtype)
        count = torch.cat([F.avg_pool2d(peaks, k) * (k * k), F.max_pool2d(sure, k)], 1)
        quarters = F.pixel_unshuffle(F.max_pool2d(peaks, k // 2), 2)
        flat = [part.flatten(2).transpose(1, 2) for part in (pooled, best, count, quarters, colour)]
        return torch.cat([self.fine(flat[0]), *flat[1:]], dim=2)


class Outline(nn.Module):
    """Where things are and end, whatever they are. Learnt in the stage `look` from more pictures than any phrase has; the heads begin from it."""

    def __init__(self, config: NanoConfig) -> None:
        super().__init__()
        self.far, self.near = nn.Conv2d(config.features, config.skip, 1), nn.Conv2d(config.skip, config.skip, 1)
        self.covered = nn.Conv2d(config.skip, 2, 3, padding=1)
        self.sides = nn.Conv2d(config.features, 4, 1)

    def forward(self, features: Tensor, skip: Tensor) -> tuple[Tensor, Tensor]:
        """→ logits (B, 2, 2G, 2G) that a thing, and that a thing's edge, is here; sides (B, 4, G, G)."""
        fine = F.gelu(up_by(self.far(features), 2) + self.near(skip))
        return self.covered(fine), self.sides(features)


def distances(sides: Tensor) -> Tensor:
    """Left, top, right, bottom from the cell's middle, 0–1."""
    return F.softplus(sides) / 4
