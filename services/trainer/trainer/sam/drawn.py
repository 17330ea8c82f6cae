"""A mask that somebody drew, as a graph: it is the outline of its frame itself, and the decoder, prompted with it, gives the object's pointer.

As in the official predictor (`use_mask_input_as_output_without_sam`), whose models keep a drawn mask as it is instead of outlining the thing anew.
"""
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.sam.decode import Decode

SURE = 10.0   # the logit of a pixel that was drawn, or was not


class Drawn(nn.Module):
    """s4, s8, s16 of the frame; mask (Q, S, S) logits → mask (Q, 4G, 4G) logits, iou (Q), object (Q), pointer (Q, C)."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.decode, self.encoder, self.halve = Decode(model), model.sam_prompt_encoder, model.mask_downsample
        # Every fourth place of a triangle over eight: bilinear shrinking by four with antialias, as one convolution.
        line = torch.tensor([1.0, 3.0, 5.0, 7.0, 7.0, 5.0, 3.0, 1.0])
        self.register_buffer('triangle', (line[:, None] * line[None] / line.sum() ** 2)[None, None])

    def forward(self, s4: Tensor, s8: Tensor, s16: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        drawn = (mask > 0).to(s4.dtype)[:, None]                                                     # (Q, 1, S, S)
        plain = self.encoder.no_mask_embed.weight.reshape(1, -1, 1, 1)
        dense = self.encoder.mask_downscaling(self.halve(drawn))                                      # (Q, C, G, G)
        blank = self.encoder.not_a_point_embed.weight[None].expand(drawn.shape[0], 2, -1)
        _, _, presence, outlines = self.decode.outline(s4, s8, s16 + dense - plain, blank)
        there = drawn.flatten(1).amax(1, keepdim=True)                                                # (Q, 1)
        seen = (presence > 0).to(there.dtype) * there
        pointer = self.decode.point(outlines[:, 0]) * seen + self.decode.absent * (1 - seen)
        return self.shrunk(drawn * 2 * SURE - SURE)[:, 0], torch.ones_like(there[:, 0]), (there[:, 0] * 2 * SURE - SURE).sigmoid(), pointer

    def shrunk(self, large: Tensor) -> Tensor:
        """(Q, 1, S, S) → (Q, 1, S/4, S/4); at the rim the triangle is what of it lies inside."""
        smaller = lambda x: F.conv2d(x, self.triangle, stride=4, padding=2)
        return smaller(large) / smaller(torch.ones_like(large[:1]))
