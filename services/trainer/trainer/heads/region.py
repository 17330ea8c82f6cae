"""The region head: a phrase's boxes in one frame, none where the thing is absent.

A dense head (a heat at every cell of the 20×20 map, a box from the cell) rather than a set decoder: it learns from few clips, and its peaks give
several boxes without a query for each. The box is the head's own, or the pretrained detector's where a learned gate trusts it. A presence score
looks at the whole picture, so that absence is not merely a low heat. Inputs and outputs: docs/design/bundle.md, `region.main`.

What is learnt from drawn things alone trusts its own boxes, for on drawings they are the better ones. So trust in the pretrained eyes has a prior: where
they speak of the very noun, their box is taken and heat and presence rise; in training it rests, or the head would learn to work against it. What it is
worth, on photographs and on drawings: docs/design/evidence.md.
"""
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.backbones.nano_eyes import HeadMap
from trainer.backbones.nano_neck import Separable, distances, norm
from trainer.config import NanoConfig
from trainer.heads.conditioning import HEATS, KNOWN_SCALE, Conditioning, rows_of


BOX_FROM, BOX_TRUST = 0.15, 600.0     # evidence above which the pretrained eyes' box replaces the head's own, and how steeply (a logit)
THING_FROM, THING_TRUST = 0.08, 40.0   # evidence above which it adds to heat and presence, and how much (logits)
BESIDE_SUREST = 0.7                    # of the surest in the picture: a place that is known less well than that adds nothing
PHOTO_FROM, PHOTO_BESIDE = 0.15, 0.6   # the same on photographs, where of a noun that is known there its evidence alone is heard
OF_DRAWN = 1.5                         # and of what was learnt from drawings so much at most (a logit)
PHOTO_PRESENT = 0.225                  # evidence from which a noun is there, as NounSpace.asked has it


class RegionMaps(NamedTuple):
    heat: Tensor    # (Q, 1, G, G) logits: the centre of a thing that the phrase means
    boxes: Tensor   # (Q, 4, G, G) xyxy 0–1, the box each cell proposes
    object: Tensor  # (Q) logit of presence


class Regions(NamedTuple):
    boxes: Tensor   # (Q, K, 4)
    scores: Tensor  # (Q, K), best first
    object: Tensor  # (Q)


class RegionHead(nn.Module):
    task = 'region'

    def __init__(self, config: NanoConfig, conditioning: Conditioning) -> None:
        super().__init__()
        f = config.features
        self.config, self.conditioning = config, conditioning
        self.trunk = nn.Sequential(norm(f), Separable(f), Separable(f, dilation=2), Separable(f))
        self.outputs = nn.Conv2d(f, 1 + 4 + 1, 1)
        self.from_heats = nn.Conv2d(HEATS, 1, 1)
        self.presence = nn.Sequential(nn.Linear(2 * f + HEATS + 1 + config.width, f), nn.GELU(), nn.Linear(f, 1))
        nn.init.constant_(self.outputs.bias[:1], -3.0)
        side = (torch.arange(config.grid) + 0.5) / config.grid
        self.register_buffer('centres', torch.stack([side.expand(config.grid, -1), side[:, None].expand(-1, config.grid)]), persistent=False)  # (2, G, G) x, y

    def maps(self, maps: HeadMap, state: Tensor, frame: Tensor | None = None) -> RegionMaps:
        """maps of P frames, state (Q, d), frame (Q) which of them each query reads. In training nothing is heard: drawn things would teach the head to unhear it."""
        x, heats = self.conditioning(maps, state, frame)
        x = self.trunk(x)
        out = self.outputs(x)
        known = heats[:, 1:2] / KNOWN_SCALE                                 # (Q, 1, G, G) what the pretrained eyes say of the noun
        listening = 0.0 if self.training else 1.0
        surest = known.amax((2, 3), keepdim=True)
        own_heat = out[:, :1] + self.from_heats(heats)
        heard = (known - (surest * BESIDE_SUREST).clamp(min=THING_FROM)).clamp(min=0) * THING_TRUST * listening
        heat = own_heat + heard
        photograph = rows_of(maps.photograph, frame, state.shape[0])[:, :, :1, :1].sigmoid() * listening  # (Q, 1, 1, 1)
        seen = (known - (surest * PHOTO_BESIDE).clamp(min=PHOTO_FROM)) * THING_TRUST + own_heat.clamp(-OF_DRAWN, OF_DRAWN)
        heat = heat + photograph * (surest > PHOTO_FROM).to(heat.dtype) * (seen - heat)
        gate = (out[:, 5:6] + (known - BOX_FROM).clamp(min=0) * BOX_TRUST * listening).sigmoid()
        own = distances(out[:, 1:5] + rows_of(maps.sides, frame, state.shape[0]))  # what a phrase adds to the sides of any thing
        found = rows_of(maps.ltrb, frame, state.shape[0]) / self.config.grid
        sides = own * (1 - gate) + found * gate
        boxes = torch.cat([self.centres - sides[:, :2], self.centres + sides[:, 2:]], 1)
        weight = heat.flatten(2).softmax(-1)                                # (Q, 1, G·G)
        pooled = (x.flatten(2) * weight).sum(-1)
        presence = self.presence(torch.cat([pooled, x.mean((2, 3)), heats.amax((2, 3)), heat.amax((2, 3)), state], 1))[:, 0]
        presence = presence + heard.amax((1, 2, 3))
        return RegionMaps(heat, boxes, presence + photograph.flatten() * ((surest.flatten() - PHOTO_PRESENT) * THING_TRUST - presence))

    def forward(self, maps: HeadMap, state: Tensor) -> Regions:
        dense = self.maps(maps, state)
        peak = dense.heat >= F.max_pool2d(dense.heat, 3, 1, 1)              # one peak a thing
        present = dense.object.sigmoid()
        scores = (dense.heat.sigmoid() * peak.to(dense.heat.dtype)).flatten(1) ** 0.5  # focal losses leave heats low
        best, cells = scores.topk(self.config.boxes, dim=1)                 # (Q, K)
        boxes = dense.boxes.flatten(2).gather(2, cells[:, None].expand(-1, 4, -1)).transpose(1, 2).clamp(0, 1)
        return Regions(boxes, best * present[:, None], present)
