"""nano's language model: a small pre-norm decoder with rotary positions; a visual prefix sees itself both ways.

A third of the heads are for words alone: at words they do not see the pictures. Without them every word begins by looking at a hundred visual tokens,
and the model takes long to learn to copy a noun from the question to its answer and its task token.

Two views of the same weights: `forward` takes a mask and runs whole sequences (training packs several questions behind one prefix),
`step` takes a KV cache (serving, export). They give the same numbers; a test holds them together.
"""
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.config import NanoConfig


def rotate(x: Tensor, positions: Tensor, base: float = 1000.0) -> Tensor:
    """Rotary position embedding on halves. x (B, h, S, hd), positions (B, S)."""
    half = x.shape[-1] // 2
    speeds = torch.exp(torch.arange(half, device=x.device, dtype=torch.float32) * (-math.log(base) / half))
    angles = positions.float()[:, None, :, None] * speeds  # (B, 1, S, half)
    cos, sin = angles.cos(), angles.sin()
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


class DecoderLayer(nn.Module):
    def __init__(self, config: NanoConfig) -> None:
        super().__init__()
        d = config.width
        self.heads = config.heads
        self.norm1 = nn.LayerNorm(d)
        self.qkv = nn.Linear(d, 3 * d, bias=False)
        self.out = nn.Linear(d, d, bias=False)
        self.norm2 = nn.LayerNorm(d)
        self.up = nn.Linear(d, config.mlp)
        self.down = nn.Linear(config.mlp, d)
        self.drop = nn.Dropout(config.dropout)

    def project(self, x: Tensor, positions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        b, s, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, s, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)  # each (B, h, S, hd)
        return rotate(q, positions), rotate(k, positions), v

    def finish(self, x: Tensor, attended: Tensor) -> Tensor:
        b, h, s, hd = attended.shape
        x = x + self.drop(self.out(attended.transpose(1, 2).reshape(b, s, h * hd)))
        return x + self.drop(self.down(F.gelu(self.up(self.norm2(x)))))

    def forward(self, x: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        q, k, v = self.project(x, positions)
        with torch.autocast(x.device.type, enabled=False):  # on a CPU its bfloat16 kernel is five times slower than this one
            attended = F.scaled_dot_product_attention(q.float(), k.float(), v.float(), attn_mask=mask)
        return self.finish(x, attended)

    def step(self, x: Tensor, positions: Tensor, bias: Tensor, past: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """bias (B, heads, S, max + S) is added to the scores of the cached and the new positions."""
        q, k, v = self.project(x, positions)
        keys, values = torch.cat([past[0], k], dim=2), torch.cat([past[1], v], dim=2)
        scores = q @ keys.transpose(-1, -2) / math.sqrt(q.shape[-1]) + bias
        return self.finish(x, scores.softmax(-1) @ values), k, v


class NanoDecoder(nn.Module):
    def __init__(self, config: NanoConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        self.pictures = 4 * (config.frames - 1) + config.coarse ** 2 + config.noun_tokens  # positions of the visual prefix
        word_heads = torch.arange(config.heads) < config.heads // 3
        self.register_buffer('word_heads', word_heads.view(1, -1, 1, 1), persistent=False)

    def seen(self, allowed: Tensor, asking: Tensor, asked: Tensor) -> Tensor:
        """allowed (B, 1, S, K), asking (B, S) and asked (B, K) positions → allowed (B, heads, S, K)."""
        across = (asking[:, None, :, None] >= self.pictures) & (asked[:, None, None, :] < self.pictures)
        return allowed & ~(self.word_heads & across)

    def forward(self, embeds: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        """embeds (B, S, d), positions (B, S), mask bool (B, 1, S, S), true where attention is allowed → hidden (B, S, d)."""
        x = embeds
        allowed = self.seen(mask, positions, positions)
        mask = torch.where(allowed, 0.0, -1e9)  # as numbers once, not in every layer
        for layer in self.layers:
            x = layer(x, positions, mask)
        return self.norm(x)

    def step(self, embeds: Tensor, lengths: Tensor, prefix: Tensor, past: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """lengths, prefix int64 (B); past per layer (B, h, max, hd) → hidden (B, S, d), the new keys and values."""
        size = embeds.shape[1]
        row = torch.arange(size, device=embeds.device)
        positions = lengths[:, None] + row
        slots = torch.arange(past[0][0].shape[2], device=embeds.device)[None]
        cached = (slots < lengths[:, None])[:, None, :].expand(-1, size, -1)
        inside = (row[None] < prefix[:, None])
        fresh = (row[:, None] >= row[None])[None] | (inside[:, :, None] & inside[:, None, :])
        asked = torch.cat([slots.expand(embeds.shape[0], -1), positions], dim=1)
        allowed = self.seen(torch.cat([cached, fresh], dim=2)[:, None], positions, asked)
        bias = (~allowed).to(embeds.dtype) * -1e9
        x, news = embeds, []
        for layer, entry in zip(self.layers, past):
            x, k, v = layer.step(x, positions, bias, entry)
            news.append((k, v))
        return self.norm(x), news
