"""The `vision` graph of nano: frozen encoder, frozen evidence and trained neck, from a uint8 picture to tokens and maps."""
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.backbones.evidence import EVIDENCE_CHANNELS, Evidence
from trainer.backbones.lite0 import Lite0, Taps
from trainer.backbones.nano_encoder import NanoEncoder
from trainer.backbones.nano_neck import Maps, NanoNeck
from trainer.backbones.nano_nouns import NounSpace
from trainer.backbones.nano_texture import Texture
from trainer.config import NanoConfig
from trainer.vocabulary import COLOURS


class Sight(NamedTuple):
    """What the frozen parts say of a frame; this is what the feature cache keeps."""
    taps: Taps
    rgb: Tensor       # (B, 3, 4G, 4G) in −1..1
    evidence: Tensor  # (B, E, G, G) in 0–1
    ltrb: Tensor      # (B, 4, G, G) the detector's box at each cell


class FrozenEyes(nn.Module):
    """No parameter here is ever trained; `state_dict` of a run leaves them out."""

    def __init__(self, config: NanoConfig) -> None:
        super().__init__()
        self.evidence = Evidence.pretrained()
        self.size = config.encoder_picture

    @property
    def encoder(self) -> Lite0:
        """ImageNet's weights: the evidence looks with them, and the model where it has no encoder of its own; of one it lends what is deeper."""
        return self.evidence.encoder

    def forward(self, frames: Tensor, own: NanoEncoder | None) -> Sight:
        """frames: uint8 (B, S, S, 3)."""
        taps, rgb = self.look(frames, own)
        with torch.no_grad():
            found = self.evidence(frames)
        return Sight(taps, rgb, torch.cat([found.coco, found.imagenet], 1), found.ltrb)

    def look(self, frames: Tensor, own: NanoEncoder | None) -> tuple[Taps, Tensor]:
        small = frames.permute(0, 3, 1, 2).float()
        if small.shape[-1] != self.size:
            small = F.interpolate(small, size=(self.size, self.size), mode='bilinear', align_corners=False, antialias=False)
        return taps_of(small, own, self.encoder), F.avg_pool2d(small, 2) / 127.5 - 1


def taps_of(pixels: Tensor, own: NanoEncoder | None, frozen: Lite0) -> Taps:
    """pixels 0–255 (B, 3, S, S), through the model's own encoder where it has one."""
    normal = (pixels - frozen.mean) / frozen.std
    return frozen.taps(normal) if own is None else own(normal, frozen)


class NanoEyes(nn.Module):
    def __init__(self, config: NanoConfig, frozen: FrozenEyes, own: NanoEncoder | None, neck: NanoNeck, nouns: NounSpace, texture: Texture) -> None:
        super().__init__()
        self.texture = texture
        self.frozen, self.own, self.neck, self.nouns, self.block = frozen, own, neck, nouns, config.grid // config.coarse

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """uint8 (B, S, S, 3) → visual (B, N, C), s8 (B, F8, G, G), s4 (B, 12 + skip + 2, 2G, 2G)."""
        sight = self.frozen(frames, self.own)
        deep = self.neck.deep(sight.taps.s16, sight.taps.s32)
        maps = self.neck.maps(sight.taps, deep, sight.rgb)
        photograph = self.texture(sight.taps)
        visual = visual_tokens(self.neck.tokens(deep), self.neck.fine_tokens(maps), sight.evidence, photograph, self.block)
        return visual, joined_map(maps, self.nouns.anything_in(maps.match), sight, photograph), maps.skip


def visual_tokens(tokens: Tensor, fine: Tensor, evidence: Tensor, photograph: Tensor, block: int) -> Tensor:
    """(B, N, d), (B, N, fine), evidence (B, E, G, G), photograph (B, 1) → (B, N, d + fine + E + 1)."""
    coarse = F.max_pool2d(evidence, block).flatten(2).transpose(1, 2)
    return torch.cat([tokens, fine, coarse, photograph[:, None].expand(-1, tokens.shape[1], -1)], dim=2)


def joined_map(maps: Maps, anything: Tensor, sight: Sight, photograph: Tensor) -> Tensor:
    """The stride-8 map as heads get it: features, match, colour, centre, sides, anything, evidence, ltrb, photograph along the channels."""
    return torch.cat([maps.features, maps.match, maps.colour, maps.centre, maps.sides, anything, sight.evidence, sight.ltrb, over_map(photograph, maps.features)], dim=1)


def over_map(photograph: Tensor, like: Tensor) -> Tensor:
    """(P, 1) → (P, 1, G, G)."""
    return photograph[:, :, None, None].expand(-1, -1, *like.shape[2:])


def map_widths(config: NanoConfig) -> list[int]:
    """Channels of each of `HeadMap`; their sum is F8."""
    return [config.features, config.match, len(COLOURS) + 1, 1, 4, 1, EVIDENCE_CHANNELS, 4, 1]


def split_map(s8: Tensor, config: NanoConfig) -> 'HeadMap':
    return HeadMap(*s8.split(map_widths(config), dim=1))


class HeadMap(NamedTuple):
    features: Tensor
    match: Tensor
    colour: Tensor
    centre: Tensor
    sides: Tensor
    anything: Tensor  # (P, 1, G, G) log of the odds of all nouns and of nothing
    evidence: Tensor
    ltrb: Tensor
    photograph: Tensor  # (P, 1, G, G) whether the frame is a photograph: a logit, the same everywhere
