"""CG-DETR's decoder: each query carries a span (centre, width) that every layer refines (DAB-DETR in one dimension)."""
import math

import torch
from torch import Tensor, nn

from trainer.backbones.videochat.cg_layers import DropSample, OutProjection
from trainer.backbones.videochat.config import MomentSizes
from trainer.backbones.videochat.perceptron import Perceptron


class MomentDecoder(nn.Module):
    def __init__(self, sizes: MomentSizes) -> None:
        super().__init__()
        d = sizes.width
        self.layers = nn.ModuleList(DecoderLayer(sizes, first=index == 0) for index in range(sizes.decoder))
        self.norm = nn.LayerNorm(d)
        self.query_scale = Perceptron(d, d, d)
        self.ref_point_head = Perceptron(d, d, d)
        self.ref_anchor_head = Perceptron(d, d, 1)
        self.bbox_embed = Perceptron(d, d, d, 2)

    def forward(self, memory: Tensor, valid: Tensor, positions: Tensor, queries: Tensor) -> tuple[Tensor, Tensor]:
        """memory, positions (B, L, d), queries (K, 2) logits → states (layers, B, K, d), the spans each layer began with (layers, B, K, 2)."""
        spans = queries.sigmoid().expand(memory.shape[0], -1, -1)
        x = memory.new_zeros(*spans.shape[:2], memory.shape[-1])
        states, begun, refined = [], [], spans
        for index, layer in enumerate(self.layers):
            begun.append(refined)
            sine = sine_of(spans, memory.shape[-1]).to(memory)
            place = self.ref_point_head(sine)
            scale = self.query_scale(x) if index else 1
            width = self.ref_anchor_head(x).sigmoid() / spans[..., 1:]   # a narrow span looks narrowly
            x = layer(x, memory, valid, positions, place, sine * scale * width)
            refined = (self.bbox_embed(x) + logit(spans)).sigmoid()
            spans = refined.detach()
            states.append(self.norm(x))
        return torch.stack(states), torch.stack(begun)


class DecoderLayer(nn.Module):
    """Queries look at each other, then at the clips; in cross-attention content and position stand side by side in every head."""

    def __init__(self, sizes: MomentSizes, first: bool) -> None:
        super().__init__()
        d = sizes.width
        self.heads, self.first = sizes.heads, first
        for name in ('sa_qcontent_proj', 'sa_qpos_proj', 'sa_kcontent_proj', 'sa_kpos_proj', 'sa_v_proj', 'ca_qcontent_proj', 'ca_kcontent_proj', 'ca_kpos_proj', 'ca_v_proj', 'ca_qpos_sine_proj'):
            self.add_module(name, nn.Linear(d, d))
        if first:
            self.ca_qpos_proj = nn.Linear(d, d)
        self.self_attn, self.cross_attn = OutProjection(sizes), OutProjection(sizes)
        self.linear1, self.linear2 = nn.Linear(d, sizes.mlp), nn.Linear(sizes.mlp, d)
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(d), nn.LayerNorm(d), nn.LayerNorm(d)
        self.activation = nn.PReLU()
        self.drop, self.drop_sample = nn.Dropout(sizes.dropout), DropSample(sizes.dropout)

    def forward(self, x: Tensor, memory: Tensor, valid: Tensor, positions: Tensor, place: Tensor, sine: Tensor) -> Tensor:
        asks = self.sa_qcontent_proj(x) + self.sa_qpos_proj(place)
        keys = self.sa_kcontent_proj(x) + self.sa_kpos_proj(place)
        seen = self.self_attn.read(self.self_attn.weights(asks, keys, None), self.sa_v_proj(x))
        x = self.norm1(x + self.drop_sample(seen))
        asks, keys, where = self.ca_qcontent_proj(x), self.ca_kcontent_proj(memory), self.ca_kpos_proj(positions)
        if self.first:
            asks, keys = asks + self.ca_qpos_proj(place), keys + where
        asks, keys = self.beside(asks, self.ca_qpos_sine_proj(sine)), self.beside(keys, where)
        seen = self.cross_attn.read(self.cross_attn.weights(asks, keys, valid), self.ca_v_proj(memory))
        x = self.norm2(x + self.drop_sample(seen))
        return self.norm3(x + self.drop_sample(self.linear2(self.drop(self.activation(self.linear1(x))))))

    def beside(self, content: Tensor, position: Tensor) -> Tensor:
        """(B, L, d) twice → (B, L, 2d), head by head."""
        return torch.cat([content.unflatten(-1, (self.heads, -1)), position.unflatten(-1, (self.heads, -1))], -1).flatten(2)


def logit(x: Tensor, eps: float = 1e-3) -> Tensor:
    x = x.clamp(0, 1)
    return x.clamp(min=eps).log() - (1 - x).clamp(min=eps).log()


def sine_of(spans: Tensor, width: int) -> Tensor:
    """spans (B, K, 2) → (B, K, width): half for the centre, half for the width."""
    half = width // 2
    channel = torch.arange(half, device=spans.device, dtype=torch.float32)
    angles = spans.float()[..., None] * 2 * math.pi / 10000 ** (2 * (channel // 2) / half)   # (B, K, 2, half)
    return torch.stack([angles[..., 0::2].sin(), angles[..., 1::2].cos()], -1).flatten(-3)
