"""The mask decoder as a graph: candidate outlines of each object, how good each thinks it is, whether the object is there, and its pointer."""
import torch
from torch import Tensor, nn

HIDDEN = -1024.0    # logits of an object that is not there
NOT_OFFERED = -1.0  # IoU of a candidate that this kind of prompt does not choose from


class Decode(nn.Module):
    """s4, s8 of the frame; attended (Q, C, G, G); prompt (Q, k, C); count (Q) points in it → mask (Q, 4, 4G, 4G) logits, iou (Q, 4), object (Q), pointer (Q, 4, C)."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.decoder, self.point = model.sam_mask_decoder, model.obj_ptr_proj
        self.few, self.many = model.multimask_min_pt_num, model.multimask_max_pt_num
        self.absent = model.no_obj_ptr                                     # (1, C)
        self.register_buffer('where', model.sam_prompt_encoder.get_dense_pe())                                      # (1, C, G, G)
        self.plain = model.sam_prompt_encoder.no_mask_embed

    def forward(self, s4: Tensor, s8: Tensor, attended: Tensor, prompt: Tensor, count: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        mask, iou, presence, outlines = self.outline(s4, s8, attended, prompt)
        seen = (presence > 0).to(mask.dtype)
        mask = torch.where(presence[..., None, None] > 0, mask, HIDDEN)
        pointer = self.point(outlines) * seen[..., None] + self.absent * (1 - seen[..., None])
        return mask, self.offered(iou, count), presence.sigmoid()[:, 0], pointer

    def outline(self, s4: Tensor, s8: Tensor, attended: Tensor, prompt: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Whatever is there or not: mask (Q, 4, 4G, 4G) logits, iou (Q, 4), presence (Q, 1) logit, outlines' tokens (Q, 4, C). What training looks at."""
        d = self.decoder
        own = torch.cat([d.obj_score_token.weight, d.iou_token.weight, d.mask_tokens.weight])                       # (6, C)
        tokens = torch.cat([own[None].expand(prompt.shape[0], -1, -1), prompt], 1)
        tokens, map = d.transformer(attended + self.plain.weight.reshape(1, -1, 1, 1), self.where, tokens)
        fine = self.enlarge(map.transpose(1, 2).unflatten(2, attended.shape[2:]), s4, s8)                           # (Q, C/8, 4G, 4G)
        outlines = tokens[:, 2:2 + d.num_mask_tokens]                                                               # (Q, 4, C)
        kernels = torch.stack([layers(outlines[:, i]) for i, layers in enumerate(d.output_hypernetworks_mlps)], 1)  # (Q, 4, C/8)
        mask = (kernels @ fine.flatten(2)).unflatten(2, fine.shape[2:])
        return mask, d.iou_prediction_head(tokens[:, 1]), d.pred_obj_score_head(tokens[:, 0]), outlines

    def enlarge(self, map: Tensor, s4: Tensor, s8: Tensor) -> Tensor:
        first, norm, bend, second, bend2 = self.decoder.output_upscaling
        return bend2(doubled(second, bend(norm(doubled(first, map) + s8))) + s4)

    def offered(self, iou: Tensor, count: Tensor) -> Tensor:
        """A prompt that leaves room (a click, a phrase, none) chooses among three outlines; one that does not has the first."""
        room = ((count >= self.few) & (count <= self.many)).to(iou.dtype)[:, None]
        several = torch.cat([torch.zeros_like(iou[:, :1]), torch.ones_like(iou[:, 1:])], 1)
        kept = room * several + (1 - room) * (1 - several)
        return iou * kept + NOT_OFFERED * (1 - kept)


def doubled(conv: nn.ConvTranspose2d, x: Tensor) -> Tensor:
    """A transposed convolution whose 2×2 patches do not overlap, as a 1×1 one and a shuffle: the same sums, and graphs run it faster."""
    assert conv.kernel_size == conv.stride == (2, 2)
    weight = conv.weight.permute(1, 2, 3, 0).reshape(-1, conv.in_channels, 1, 1)   # (out·4, in, 1, 1)
    return nn.functional.pixel_shuffle(nn.functional.conv2d(x, weight, conv.bias.repeat_interleave(4)), 2)
