"""The part of the encoder that nano trains: EfficientNet-Lite0 down to stride 16. What is deeper stays as ImageNet made it.

Frozen, the encoder is the ceiling of everything behind it: it was never shown a drawing. These eleven blocks are a quarter of its weights and all of what
a shape is made of; `look` trains them on fresh pictures, the other stages leave them alone, so that features can still be cached. The evidence
(trainer/backbones/evidence.py) goes on using the untouched weights: photographs are recognised as before.
"""
from functools import cache
import hashlib

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.backbones.lite0 import TAPS, Lite0, Taps

OWN = 11  # blocks, down to the tap of stride 16


class NanoEncoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        fresh = Lite0()
        self.stem, self.blocks = fresh.stem, fresh.blocks[:OWN]
        self.load_state_dict({name: value for name, value in pretrained().state_dict().items() if name in self.state_dict()})
        self.to(memory_format=torch.channels_last)

    def forward(self, pixels: Tensor, rest: Lite0) -> Taps:
        """pixels (B, 3, S, S) as `rest` normalises them; `rest` lends its blocks below stride 16."""
        if torch.is_autocast_enabled(pixels.device.type):  # depthwise convolutions are slow in half precision
            with torch.autocast(pixels.device.type, enabled=False):
                return self.forward(pixels, rest)
        taps: list[Tensor] = []
        x = F.relu6(self.stem(pixels.contiguous(memory_format=torch.channels_last)))
        for index, block in enumerate((*self.blocks, *rest.blocks[OWN:])):
            x = block(x)
            if index in TAPS:
                taps.append(x)
        return Taps(*taps)


def name_of(own: NanoEncoder | None) -> str:
    """Whose features these are: `imagenet`, or a digest of the trained weights in the half precision that they are kept in."""
    if own is None:
        return 'imagenet'
    digest = hashlib.sha256()
    for name, value in sorted(own.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.half().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]


@cache
def pretrained() -> Lite0:
    return Lite0.pretrained()
