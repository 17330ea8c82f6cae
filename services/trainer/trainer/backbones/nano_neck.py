"""The trained part of nano's eyes: from the frozen encoder's taps to visual tokens and to the maps that the heads read."""
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.backbones.lite0 import Taps
from trainer.config import NanoConfig


SPREAD = {'s4': 12.0, 's8': 10.0, 's16': 7.0, 's32': 2.8}  # of the frozen taps: divided out, or Adam's steps are far too long


class Maps(NamedTuple):
    features: Tensor  # (B, F, G, G) what the heads read
    match: Tensor     # (B, M, G, G) the space where cells are compared with nouns
    centre: Tensor    # (B, 1, G, G) logit that a thing's centre is here, whatever it is
    colour: Tensor    # (B, colours, G, G) logits of the cell's colour
    skip: Tensor      # (B, skip, 2G, 2G) for fine outlines


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
        return x + self.point(F.gelu(self.norm(self.deep(x))))


def up_by(x: Tensor, times: int) -> Tensor:
    return F.interpolate(x, scale_factor=float(times), mode='bilinear', align_corners=False)


class NanoNeck(nn.Module):
    def __init__(self, config: NanoConfig, colours: int) -> None:
        super().__init__()
        f, self.block = config.features, config.grid // config.coarse
        self.from8, self.from16, self.from32 = nn.Conv2d(40 + 3, f, 1), nn.Conv2d(112, f, 1), nn.Conv2d(320, f, 1)
        self.mix = nn.Sequential(norm(f), Separable(f), Separable(f, dilation=2))
        self.match = nn.Sequential(norm(f), nn.GELU(), nn.Conv2d(f, config.match, 1))
        self.centre = nn.Conv2d(f, 1, 1)
        self.colour = nn.Conv2d(f, colours + 1, 1)
        self.skip = nn.Sequential(nn.Conv2d(24 + 3, config.skip, 3, padding=1), nn.GELU(), nn.Conv2d(config.skip, config.skip, 1))
        self.connector = nn.Sequential(nn.Linear(320 + 4 * 112, config.width), nn.GELU(), nn.Linear(config.width, config.width), nn.LayerNorm(config.width))
        self.fine = nn.Sequential(nn.Linear(2 * f, config.fine), nn.GELU(), nn.Linear(config.fine, config.fine))

    def tokens(self, s16: Tensor, s32: Tensor) -> Tensor:
        """One token a stride-32 cell. s16 (B, 112, 2g, 2g), s32 (B, 320, g, g) → (B, g·g, d)."""
        deep = torch.cat([s32 / SPREAD['s32'], F.pixel_unshuffle(s16 / SPREAD['s16'], 2)], dim=1)  # (B, 768, g, g)
        return self.connector(deep.flatten(2).transpose(1, 2))

    def maps(self, taps: Taps, rgb: Tensor) -> Maps:
        """rgb (B, 3, 2G, 2G) in −1..1: the small picture itself, which knows colours best."""
        x = self.from8(torch.cat([taps.s8 / SPREAD['s8'], F.avg_pool2d(rgb, 2)], 1))
        x = x + up_by(self.from16(taps.s16 / SPREAD['s16']) + up_by(self.from32(taps.s32 / SPREAD['s32']), 2), 2)
        x = self.mix(x)
        return Maps(x, self.match(x), self.centre(x), self.colour(x), self.skip(torch.cat([taps.s4 / SPREAD['s4'], rgb], 1)))

    def fine_tokens(self, maps: Maps) -> Tensor:
        """What the stride-8 map adds to each stride-32 cell: (B, g·g, fine + M + 2).

        Pooled features, the match vector where a centre is likeliest, how many centres and how sure.
        """
        k = self.block
        pooled = torch.cat([F.avg_pool2d(maps.features, k), F.max_pool2d(maps.features, k)], 1)  # (B, 2F, g, g)
        weight = torch.exp(maps.centre.clamp(-8, 8))
        best = F.avg_pool2d(maps.match * weight, k) / F.avg_pool2d(weight, k)
        sure = maps.centre.sigmoid()
        peaks = sure * (sure >= F.max_pool2d(sure, 3, 1, 1)).to(sure.dtype)
        count = torch.cat([F.avg_pool2d(peaks, k) * (k * k), F.max_pool2d(sure, k)], 1)
        flat = [part.flatten(2).transpose(1, 2) for part in (pooled, best, count)]
        return torch.cat([self.fine(flat[0]), flat[1], flat[2]], dim=2)
