"""What tokens, cells of the map and task states are called: each is compared with SmolLM2's own rows for a word.

Tokens that lie near the word for what they show can be read by a language model that has never seen a picture.
"""
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.heads.shared.centred import Centred
from trainer.vocabulary import COLOURS, vocabulary

SHARP = 12.0


class Naming(nn.Module):
    def __init__(self, encode: Callable[[str], list[int]], table: Tensor, map_width: int) -> None:
        """table (V, d) of the language model."""
        super().__init__()
        table = table.detach().float()
        mean, width = table.mean(0), table.shape[1]
        rows = lambda words: F.normalize(torch.stack([table[encode(f' {word}')].mean(0) for word in words]) - mean, dim=1)
        self.register_buffer('mean', mean, persistent=False)
        self.register_buffer('nouns', rows(vocabulary().nouns), persistent=False)       # (n, d)
        self.register_buffer('colours', rows(COLOURS), persistent=False)                # (11, d)
        self.nothing = nn.Parameter(torch.randn(1, width) * 0.02)
        self.to_map, self.centred, self.from_state = nn.Linear(width, map_width), Centred(width), nn.Linear(width, width)
        self.sharp = nn.Parameter(torch.full((3,), SHARP))

    def tokens(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """(…, d) → logits of nouns and nothing (…, n + 1), of colours (…, 11)."""
        x = F.normalize(tokens.float() - self.mean, dim=-1)
        return self.sharp[0] * x @ self.with_nothing().T, self.sharp[0] * x @ self.colours.T

    def cells(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """maps (P, W, G, G) → the same for every cell (P, G, G, …)."""
        x = F.normalize(maps, dim=1).permute(0, 2, 3, 1)
        of = lambda words: F.normalize(self.to_map(words), dim=1)
        return self.sharp[1] * x @ of(self.with_nothing()).T, self.sharp[1] * x @ of(self.colours).T

    def states(self, states: Tensor) -> Tensor:
        """(Q, d) → logits of nouns (Q, n)."""
        return self.sharp[2] * F.normalize(self.from_state(self.centred(states)), dim=1) @ self.nouns.T

    def with_nothing(self) -> Tensor:
        return torch.cat([self.nouns, F.normalize(self.nothing, dim=1)])
