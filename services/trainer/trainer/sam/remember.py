"""The memory encoder as a graph: what is kept of an object in a frame."""
import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Remember(nn.Module):
    """s16 (1, C, G, G); mask (Q, 4G, 4G) logits; object (Q) → tokens (Q, m, c). As the official predictor does, the runtime keeps them in bfloat16."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.size, self.scale, self.shift = model.image_size, model.sigmoid_scale_for_mem_enc, model.sigmoid_bias_for_mem_enc
        self.encoder, self.perceiver = model.memory_encoder, getattr(model, 'spatial_perceiver', None)
        self.absent = model.no_obj_embed_spatial
        self.register_buffer('where', self.encoder.position_encoding(torch.zeros(1, model.mem_dim, self.size // 16, self.size // 16)))

    def forward(self, features: Tensor, mask: Tensor, object: Tensor) -> Tensor:
        large = F.interpolate(mask[:, None], size=(self.size, self.size), mode='bilinear', align_corners=False)
        e = self.encoder
        x = e.pix_feat_proj(features) + e.mask_downsampler(large.sigmoid() * self.scale + self.shift)   # (Q, C, G, G)
        for block in e.fuser.layers:
            x = x + widened(block, x)
        x = e.out_proj(x)                                                                          # (Q, c, G, G)
        if self.absent is not None:
            x = x + (object <= 0.5).to(x.dtype)[:, None, None, None] * self.absent.reshape(1, -1, 1, 1)
        return x.flatten(2).transpose(1, 2) if self.perceiver is None else self.perceiver(x, self.where.expand(x.shape[0], -1, -1, -1))[0]


def widened(block: nn.Module, x: Tensor) -> Tensor:
    """The official `CXBlock` without its residual: normalised after channels went last, and its last scale inside the weights."""
    y = block.dwconv(x).permute(0, 2, 3, 1)                                                   # (Q, G, G, C)
    y = F.layer_norm(y, y.shape[-1:], block.norm.weight, block.norm.bias, block.norm.eps)
    y = F.gelu(F.linear(y.flatten(0, 2), block.pwconv1.weight, block.pwconv1.bias))           # (Q·G·G, 4C)
    y = F.linear(y, block.pwconv2.weight * block.gamma[:, None], block.pwconv2.bias * block.gamma)
    return y.unflatten(0, (x.shape[0], *x.shape[2:])).permute(0, 3, 1, 2)
