"""The `prefix` and `embed` graphs of nano: pictures and words on their way into the language model."""
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.backbones.nano_nouns import NounEvidence, NounSpace
from trainer.config import NanoConfig
from trainer.vocabulary import COLOURS

WAYS = 5  # left, right, up, down, not at all


def clock(times: Tensor, width: int) -> Tensor:
    """Textual time for a model without digits: sinusoids of the age in seconds. (B, T) ms → (B, T, width)."""
    speeds = torch.exp(torch.arange(width // 2, device=times.device) * (-math.log(200.0) / (width // 2))) * 6
    angles = times[..., None] / 1000 * speeds
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


class NanoEmbed(nn.Module):
    def __init__(self, config: NanoConfig, nouns: NounSpace, noun_of_token: list[int]) -> None:
        super().__init__()
        d, n = config.width, config.coarse ** 2
        self.config, self.nouns = config, nouns
        self.words = nn.Parameter(torch.randn(len(noun_of_token), d) * 0.3)
        self.sharpness = nn.Parameter(torch.tensor(2.0))  # of the logits over words
        self.lift = nn.Linear(config.match, d, bias=False)  # a noun's vector → its part of the word's embedding
        self.recall = nn.Sequential(nn.Linear(3 * config.frames + config.frames * n + 3 * n + 1 + len(COLOURS) + 1 + 2 + 4 * n, d), nn.GELU(), nn.Linear(d, d))
        self.ways = nn.Linear(d, n * WAYS)  # which way what is in each cell goes: in training alone, so that a noun's embedding knows it
        e = nouns.noun_channels.shape[1]
        self.old = nn.Linear(2 * d, d)
        self.last = nn.Linear(2 * d + config.fine + config.match + 2 + len(COLOURS) + 1, d)
        self.known = nn.Linear(e, d, bias=False)
        self.time = nn.Linear(32, d)
        self.place_old = nn.Parameter(torch.randn(4, d) * 0.3)
        self.place_last = nn.Parameter(torch.randn(n, d) * 0.3)
        self.score = nn.Linear(2, d)
        self.kind = nn.Parameter(torch.randn(3, d) * 0.3)
        self.register_buffer('noun_of_token', torch.tensor(noun_of_token), persistent=False)  # (V), −1 where it is no noun
        side = (torch.arange(config.coarse) + 0.5) / config.coarse
        self.register_buffer('grid', torch.stack([side.repeat(config.coarse), side.repeat_interleave(config.coarse)], -1), persistent=False)  # (N, 2) x, y

    def table(self) -> Tensor:
        """Word vectors, in and out: (V, d). A noun's forms share what the noun means."""
        named = (self.noun_of_token >= 0).float()[:, None]
        return self.words + self.lift(self.nouns.unit())[self.noun_of_token.clamp(min=0)] * named

    def forward(self, ids: Tensor, visual: Tensor, times: Tensor) -> Tensor:
        """ids (B, S), visual (B, T, N, C) → (B, S, d)."""
        del times  # frames come in order and evenly spaced; the prefix tells the time
        return self.table()[ids] + self.seen(ids, visual)

    def seen(self, ids: Tensor, visual: Tensor) -> Tensor:
        """What the pictures say of the nouns among the words, nothing at other words: (B, S, d)."""
        noun = self.noun_of_token[ids]                      # (B, S)
        place = noun.clamp(min=0)
        evidence = self.nouns.look_up(visual, self.nouns.unit()[place], self.nouns.noun_channels[place], self.grid)
        seen = self.recall(torch.cat(self.scaled(evidence), -1))
        return seen * (noun >= 0).to(seen.dtype)[..., None]

    def scaled(self, evidence: NounEvidence) -> list[Tensor]:
        return [evidence.trace / 4, evidence.place * 2 - 1, evidence.course / 4, evidence.last / 4, evidence.number, evidence.colours, evidence.motion]

    def prefix(self, visual: Tensor, times: Tensor) -> Tensor:
        """(B, T, N, C), (B, T) → (B, P, d): 4 tokens each older frame, every cell of the last, the likeliest nouns in alphabetical order."""
        parts = self.nouns.split(visual)
        tokens = parts.tokens                                # (B, T, N, d)
        before = torch.cat([tokens[:, :1], tokens[:, :-1]], 1)
        change = tokens - before
        age = self.time(clock(times, 32))[:, :, None]        # (B, T, 1, d)
        old = self.old(torch.cat([self.pooled(tokens[:, :-1]), self.pooled(change[:, :-1])], -1)) + self.place_old + age[:, :-1] + self.kind[0]
        last = self.last(torch.cat([tokens[:, -1], change[:, -1], parts.fine[:, -1], parts.best[:, -1], parts.count[:, -1], parts.colour[:, -1]], -1))
        last = last + self.known(parts.evidence[:, -1]) + self.place_last + self.kind[1]
        return torch.cat([old.flatten(1, 2), last, self.likely_nouns(visual)], 1)

    def pooled(self, tokens: Tensor) -> Tensor:
        """(B, T, N, d) → (B, T, 4, d): the four overlapping quarters of the picture."""
        b, t, n, d = tokens.shape
        side = self.config.coarse
        maps = tokens.reshape(b * t, side, side, d).permute(0, 3, 1, 2)
        half = (side + 1) // 2
        return F.avg_pool2d(maps, half, side - half).flatten(2).transpose(1, 2).reshape(b, t, 4, d)

    def likely_nouns(self, visual: Tensor) -> Tensor:
        scores = self.nouns.presence(visual)                                     # (B, nouns)
        chosen = scores.topk(self.config.noun_tokens, dim=1).indices.sort(dim=1).values  # (B, k), alphabetical as the nouns are
        score = scores.gather(1, chosen)[..., None]
        evidence = self.nouns.look_up(visual, self.nouns.unit()[chosen], self.nouns.noun_channels[chosen], self.grid)
        seen = self.recall(torch.cat(self.scaled(evidence), -1))
        return self.lift(self.nouns.unit())[chosen] + seen + self.score(torch.cat([score / 4, score.sigmoid()], -1)) + self.kind[2]

    @property
    def prefix_length(self) -> int:
        return 4 * (self.config.frames - 1) + self.config.coarse ** 2 + self.config.noun_tokens
