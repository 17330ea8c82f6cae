"""CG-DETR's layers: self-attention over clips or words, and attention from clips to words in which dummy words take what no real word deserves."""
from torch import Tensor, nn
from torch.nn import functional as F
import torch

from trainer.backbones.videochat.config import MomentSizes


class Project(nn.Module):
    """Norm, dropout, linear, and ReLU unless it is the last of its row."""

    def __init__(self, read: int, width: int, dropout: float = 0.1, relu: bool = True) -> None:
        super().__init__()
        self.LayerNorm = nn.LayerNorm(read)
        self.net = nn.Sequential(nn.Dropout(dropout), nn.Linear(read, width))
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        x = self.net(self.LayerNorm(x))
        return F.relu(x) if self.relu else x


class DropSample(nn.Module):
    """Stochastic depth: in training a whole row of the batch loses this branch."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return x
        keep = (torch.rand(x.shape[0], *[1] * (x.ndim - 1), device=x.device, dtype=x.dtype) >= self.rate).to(x.dtype)
        return x * keep / (1 - self.rate)


class SelfLayer(nn.Module):
    """Post-norm encoder layer; positions go to queries and keys alone."""

    def __init__(self, sizes: MomentSizes) -> None:
        super().__init__()
        d = sizes.width
        self.self_attn = nn.MultiheadAttention(d, sizes.heads, dropout=sizes.dropout, batch_first=True)
        self.linear1, self.linear2 = nn.Linear(d, sizes.mlp), nn.Linear(sizes.mlp, d)
        self.norm1, self.norm2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.activation = nn.PReLU()
        self.drop, self.drop_sample = nn.Dropout(sizes.dropout), DropSample(sizes.dropout)

    def forward(self, x: Tensor, valid: Tensor, positions: Tensor) -> Tensor:
        """x and positions (B, L, d), valid (B, L) bool."""
        asks = x + positions
        x = self.norm1(x + self.drop_sample(self.self_attn(asks, asks, x, key_padding_mask=~valid, need_weights=False)[0]))
        return self.norm2(x + self.drop_sample(self.linear2(self.drop(self.activation(self.linear1(x))))))


class Stack(nn.Module):
    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)


class SelfEncoder(Stack):
    def __init__(self, sizes: MomentSizes, count: int) -> None:
        super().__init__([SelfLayer(sizes) for _ in range(count)])

    def forward(self, x: Tensor, valid: Tensor, positions: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x, valid, positions)
        return x


class OutProjection(nn.Module):
    """Attention whose queries, keys and values come projected already."""

    def __init__(self, sizes: MomentSizes) -> None:
        super().__init__()
        self.out_proj = nn.Linear(sizes.width, sizes.width)
        self.heads, self.dropout = sizes.heads, sizes.dropout

    def weights(self, q: Tensor, k: Tensor, valid: Tensor | None) -> Tensor:
        """q (B, L, e), k (B, S, e), valid (B, S) → (B, heads, L, S)."""
        q, k = q.unflatten(-1, (self.heads, -1)).transpose(1, 2), k.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
        if valid is not None:
            scores = scores.masked_fill(~valid[:, None, None], float('-inf'))
        return scores.softmax(-1)

    def read(self, weights: Tensor, v: Tensor) -> Tensor:
        weights = F.dropout(weights, self.dropout, self.training)
        return self.out_proj((weights @ v.unflatten(-1, (self.heads, -1)).transpose(1, 2)).transpose(1, 2).flatten(2))


class AcrossLayer(nn.Module):
    """Clips attend to dummies and words; what falls on the dummies is thrown away."""

    def __init__(self, sizes: MomentSizes) -> None:
        super().__init__()
        d = sizes.width
        self.dummies = sizes.dummies
        self.self_attn = OutProjection(sizes)
        self.linear1, self.linear2 = nn.Linear(d, sizes.mlp), nn.Linear(sizes.mlp, d)
        self.norm1, self.norm2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.activation = nn.PReLU()
        self.drop, self.drop_sample = nn.Dropout(sizes.dropout), DropSample(sizes.dropout)

    def forward(self, clips: Tensor, clip_positions: Tensor, words: Tensor, word_positions: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        """clips (B, L, d), words (B, dummies + W, d), valid (B, dummies + W) → clips, mean weights (B, L, dummies + W)."""
        weights = self.self_attn.weights(clips + clip_positions, words + word_positions, valid)
        found = self.self_attn.read(weights[..., self.dummies:], words[:, self.dummies:])
        return self.finish(clips, found), weights.mean(1)

    def alone(self, token: Tensor) -> Tensor:
        """The saliency token goes through the same layer with nothing to read: the published model does so."""
        return self.finish(token, self.self_attn.out_proj(torch.zeros_like(token)))

    def finish(self, x: Tensor, found: Tensor) -> Tensor:
        x = x + self.drop_sample(found)
        return self.norm2(x + self.drop_sample(self.linear2(self.drop(self.activation(self.linear1(self.norm1(x)))))))


class AcrossEncoder(Stack):
    def __init__(self, sizes: MomentSizes) -> None:
        super().__init__([AcrossLayer(sizes) for _ in range(sizes.across)])

    def forward(self, clips: Tensor, clip_positions: Tensor, words: Tensor, word_positions: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        total = torch.zeros(())
        for layer in self.layers:
            clips, weights = layer(clips, clip_positions, words, word_positions, valid)
            total = total.to(weights) + weights
        return clips, total / len(self.layers)

    def alone(self, token: Tensor) -> Tensor:
        for layer in self.layers:
            token = layer.alone(token)
        return token
