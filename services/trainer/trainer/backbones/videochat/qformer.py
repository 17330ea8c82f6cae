"""The connector: a BERT whose learned queries read the vision tokens in every second layer (BLIP-2's Q-Former), optionally beside an instruction.

Queries and words share the self-attention and have feed-forward parts of their own.
"""
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.backbones.videochat.config import VideoChatConfig

NEVER = -10000.0
EPS = 1e-12
DROPOUT = 0.1


class QFormer(nn.Module):
    def __init__(self, config: VideoChatConfig) -> None:
        super().__init__()
        self.bert = QFormerBert(config)

    def forward(self, queries: Tensor, vision: Tensor, words: Tensor | None = None, words_mask: Tensor | None = None) -> Tensor:
        """queries (B, Q, d), vision (B, N, D), words (B, W) ids with a mask of ones → (B, Q, d)."""
        return self.bert(queries, vision, words, words_mask)


class QFormerBert(nn.Module):
    def __init__(self, config: VideoChatConfig) -> None:
        super().__init__()
        self.embeddings = Embeddings(config)
        self.encoder = nn.ModuleDict({'layer': nn.ModuleList(QFormerLayer(config, reads=index % 2 == 0) for index in range(config.bridge_layers))})

    def forward(self, queries: Tensor, vision: Tensor, words: Tensor | None, words_mask: Tensor | None) -> Tensor:
        count = queries.shape[1]
        x = self.embeddings(queries, words)
        bias = None
        if words_mask is not None:
            allowed = torch.cat([torch.ones_like(queries[..., 0]), words_mask.to(queries)], 1)
            bias = (1 - allowed)[:, None, None] * NEVER                    # (B, 1, 1, Q + W)
        for layer in self.encoder['layer']:
            x = layer(x, vision, bias, count)
        return x[:, :count]


class Embeddings(nn.Module):
    def __init__(self, config: VideoChatConfig) -> None:
        super().__init__()
        d = config.bridge_width
        self.word_embeddings = nn.Embedding(config.bridge_vocabulary, d, padding_idx=0)
        self.position_embeddings = nn.Embedding(config.bridge_positions, d)
        self.LayerNorm = nn.LayerNorm(d, eps=EPS)
        self.drop = nn.Dropout(DROPOUT)
        self.register_buffer('position_ids', torch.arange(config.bridge_positions)[None])

    def forward(self, queries: Tensor, words: Tensor | None) -> Tensor:
        if words is not None:
            named = self.word_embeddings(words) + self.position_embeddings(self.position_ids[:, :words.shape[1]])
            queries = torch.cat([queries, named], 1)
        return self.drop(self.LayerNorm(queries))


class QFormerLayer(nn.Module):
    def __init__(self, config: VideoChatConfig, reads: bool) -> None:
        super().__init__()
        d, h = config.bridge_width, config.bridge_heads
        self.attention = Attention(d, d, h)
        if reads:
            self.crossattention = Attention(d, config.vision_width, h)
        self.intermediate, self.output = Widen(d, config.bridge_mlp), Narrow(config.bridge_mlp, d)
        self.intermediate_query, self.output_query = Widen(d, config.bridge_mlp), Narrow(config.bridge_mlp, d)
        self.reads = reads

    def forward(self, x: Tensor, vision: Tensor, bias: Tensor | None, queries: int) -> Tensor:
        x = self.attention(x, x, bias)
        asked, words = x[:, :queries], x[:, queries:]
        if self.reads:
            asked = self.crossattention(asked, vision, None)
        asked = self.output_query(self.intermediate_query(asked), asked)
        return torch.cat([asked, self.output(self.intermediate(words), words)], 1)


class Attention(nn.Module):
    def __init__(self, width: int, read: int, heads: int) -> None:
        super().__init__()
        self.self = Projections(width, read, heads)
        self.output = Narrow(width, width)

    def forward(self, x: Tensor, read: Tensor, bias: Tensor | None) -> Tensor:
        return self.output(self.self(x, read, bias), x)


class Projections(nn.Module):
    def __init__(self, width: int, read: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = nn.Linear(width, width), nn.Linear(read, width), nn.Linear(read, width)

    def forward(self, x: Tensor, read: Tensor, bias: Tensor | None) -> Tensor:
        q, k, v = (value.unflatten(-1, (self.heads, -1)).transpose(1, 2) for value in (self.query(x), self.key(read), self.value(read)))
        dropout = DROPOUT if self.training else 0.0
        return F.scaled_dot_product_attention(q, k, v, attn_mask=bias, dropout_p=dropout).transpose(1, 2).flatten(2)


class Widen(nn.Module):
    def __init__(self, width: int, mlp: int) -> None:
        super().__init__()
        self.dense = nn.Linear(width, mlp)

    def forward(self, x: Tensor) -> Tensor:
        return F.gelu(self.dense(x))


class Narrow(nn.Module):
    """Back to the width, added to what came in, then the norm (post-norm)."""

    def __init__(self, mlp: int, width: int) -> None:
        super().__init__()
        self.dense = nn.Linear(mlp, width)
        self.LayerNorm = nn.LayerNorm(width, eps=EPS)
        self.drop = nn.Dropout(DROPOUT)

    def forward(self, x: Tensor, residual: Tensor) -> Tensor:
        return self.LayerNorm(self.drop(self.dense(x)) + residual)
