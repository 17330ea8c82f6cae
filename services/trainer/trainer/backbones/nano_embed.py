"""The `prefix` and `embed` graphs of nano: pictures and words on their way into the language model."""
import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.backbones.nano_nouns import NounEvidence, NounSpace
from trainer.backbones.nano_trails import FACTS, chances, facts_of, follow
from trainer.config import NanoConfig
from trainer.vocabulary import COLOURS

WAYS = 5  # left, right, up, down, not at all
HATS = 7
PLAIN = 4 + HATS + 2 * WAYS + len(COLOURS) + 1 + 2 * (WAYS + 2)


def clock(times: Tensor, width: int) -> Tensor:
    """Textual time for a model without digits: sinusoids of the age in seconds. (B, T) ms → (B, T, width)."""
    speeds = torch.exp(torch.arange(width // 2, device=times.device) * (-math.log(200.0) / (width // 2))) * 6
    angles = times[..., None] / 1000 * speeds
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


def hats(values: Tensor) -> Tensor:
    """A number as how near it is to 0, 1, … HATS − 1: (..., 1) → (..., HATS)."""
    return (1 - (values - torch.arange(HATS, device=values.device, dtype=values.dtype)).abs()).clamp(min=0)


class Told(NamedTuple):
    embedding: Tensor  # (B, Q, d)
    going: Tensor      # (B, Q, N, WAYS) logits: which way what is in each cell goes


class NanoEmbed(nn.Module):
    def __init__(self, config: NanoConfig, nouns: NounSpace, noun_of_token: list[int]) -> None:
        super().__init__()
        d, n = config.width, config.coarse ** 2
        self.config, self.nouns = config, nouns
        self.words = nn.Parameter(torch.randn(len(noun_of_token), d) * 0.3)
        self.sharpness = nn.Parameter(torch.tensor(2.0))  # of the logits over words
        self.lift = nn.Linear(config.match, d, bias=False)  # a noun's vector → its part of the word's embedding
        self.recall = nn.Sequential(nn.Linear(3 * config.frames + config.frames * n + 3 * n + 1 + len(COLOURS) + 1 + 2 + 4 * n, d), nn.GELU(), nn.Linear(d, d))
        self.stride = nn.Sequential(nn.Linear(FACTS, 32), nn.GELU(), nn.Linear(32, WAYS))  # a cell's trail → which way what is there goes
        self.trail = nn.Linear(n * (FACTS + WAYS), d, bias=False)
        self.plain = nn.Linear(PLAIN, d, bias=False)
        self.count = nn.Parameter(torch.tensor(1.15))  # cells at a thing's edge are unsure: sums are a little low
        self.turn = nn.Linear(HATS, d, bias=False)     # of the likely nouns that are there: the first, the second, …
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
        noun = self.noun_of_token[ids]
        return self.table()[ids] + self.told(visual, noun.clamp(min=0), self.nouns.asked(visual)).embedding * (noun >= 0).to(self.words.dtype)[..., None]

    def seen(self, ids: Tensor, visual: Tensor) -> Told:
        """What the pictures say of the nouns among the words, nothing at other words. As `forward`, but every noun of a text is looked up once."""
        noun = self.noun_of_token[ids]                      # (B, S)
        unique = [row.unique() for row in noun.clamp(min=0)]
        asked = nn.utils.rnn.pad_sequence(unique, batch_first=True, padding_value=int(noun.max().clamp(min=0)))  # (B, K) ascending
        told = self.told(visual, asked, self.nouns.asked(visual))
        place = torch.stack([torch.searchsorted(row, of) for row, of in zip(unique, noun.clamp(min=0))])     # (B, S) in K
        here = torch.arange(len(ids), device=ids.device)[:, None]
        return Told(told.embedding[here, place] * (noun >= 0).to(self.words.dtype)[..., None], told.going[here, place])

    def told(self, visual: Tensor, nouns: Tensor, score: Tensor) -> Told:
        """nouns (B, Q) by number, score (B, nouns) that each is there → what the pictures say of each."""
        evidence = self.nouns.look_up(visual, self.nouns.unit()[nouns], self.nouns.noun_channels[nouns], self.grid)
        facts = self.facts(visual, nouns)                                                 # (B, Q, N, FACTS)
        going = self.stride(facts)                                                        # (B, Q, N, WAYS)
        ways = going.softmax(-1) * facts[..., -2:-1]                                      # where something is
        mixed = self.recall[1:](self.recall[0](torch.cat(self.scaled(evidence), -1)) + self.trail(torch.cat([facts, ways], -1).flatten(2)))
        return Told(mixed + self.plain(self.plainly(evidence, score.gather(1, nouns)[..., None], ways, facts[..., -1:])), going)

    def plainly(self, evidence: NounEvidence, score: Tensor, ways: Tensor, age: Tensor) -> Tensor:
        """What answers are read off, said so that one linear step reads it: is it there, how many, which ways, which colours, where those
        are that go each way, where the eldest and the youngest. ways (B, Q, N, WAYS), age (B, Q, N, 1) → (B, Q, PLAIN)."""
        number = evidence.number[..., -1:] * self.count
        there = [score.tanh(), *((score * 2 + shift).sigmoid() for shift in (-2, 0, 2))]
        youth = (ways.sum(-1, keepdim=True) - age).clamp(min=0)
        shares = torch.cat([ways, age, youth], -1).square().square()                      # (B, Q, N, WAYS + 2), the surest cells count
        places = shares.transpose(-1, -2) @ (self.grid * 2 - 1) / (shares.sum(2)[..., None] + 1e-2)   # (B, Q, WAYS + 2, 2)
        return torch.cat([*there, hats(number), ways.amax(2), ways.sum(2), evidence.colours, places.flatten(2)], -1)

    @torch.no_grad()
    def facts(self, visual: Tensor, nouns: Tensor) -> Tensor:
        """Trails learn nothing, their eyes have learnt: nouns (B, Q) → (B, Q, N, FACTS)."""
        chance = chances(self.nouns, visual, self.nouns.unit()[nouns])
        return facts_of(follow(chance.flatten(0, 1), self.grid)).unflatten(0, nouns.shape)

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
        there = (score * 2).sigmoid()
        turn = hats(there.cumsum(1) - there) * there                             # (B, k, HATS)
        return self.lift(self.nouns.unit())[chosen] + self.told(visual, chosen, scores).embedding + self.score(torch.cat([score / 4, score.sigmoid()], -1)) + self.turn(turn) + self.kind[2]

    @property
    def prefix_length(self) -> int:
        return 4 * (self.config.frames - 1) + self.config.coarse ** 2 + self.config.noun_tokens
