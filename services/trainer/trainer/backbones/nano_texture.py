"""Whether a frame is a photograph or drawn: told by the texture of its surfaces, which is in the encoder's first and last maps.

On drawings the pretrained eyes name what is not there, on photographs what was learnt from drawings does; so it has to be known which of the two a
picture is (docs/decisions/photographs-are-told-by-texture.md). Fitted by trainer/photograph.py, never by a stage.
"""
import torch
from torch import Tensor, nn

from trainer.backbones.lite0 import Taps

WIDTH = 2 * (24 + 320)  # mean and deviation of each channel


class Texture(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weigh = nn.Linear(WIDTH, 1)
        nn.init.zeros_(self.weigh.weight)
        nn.init.constant_(self.weigh.bias, -8.0)  # drawn, until it is fitted

    def forward(self, taps: Taps) -> Tensor:
        """→ logits (B, 1)."""
        return self.weigh(statistics(taps))


def statistics(taps: Taps) -> Tensor:
    """Mean and deviation over the picture of the channels of s4 and s32: (B, WIDTH)."""
    parts = []
    for tap in (taps.s4, taps.s32):
        mean = tap.mean((2, 3))
        parts += [mean, ((tap - mean[:, :, None, None]) ** 2).mean((2, 3)).sqrt()]
    return torch.cat(parts, 1)
