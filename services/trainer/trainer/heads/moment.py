"""The moment head: when the thing that the state means happens, from the backbone's own visual tokens (no second video encoder).

Every frame asks its cells with the state, and with the noun that the state names; a small transformer looks over the frames. Each frame proposes one
span around itself with a score; training matches proposals to true spans one to one (Hungarian, as DETR does), so no suppression is needed. Saliency is
how much each frame belongs to any answer, as in QVHighlights. Inputs and outputs: docs/design/bundle.md, `moment.main`.
"""
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.backbones.nano_nouns import NounSpace
from trainer.backbones.nano_trails import FULL, chances, follow
from trainer.config import NanoConfig
from trainer.heads.conditioning import Named, StateReader

WIDTH = 96
MOTION = 10
HEADS = 4


class MomentFrames(NamedTuple):
    spans: Tensor     # (Q, T, 2) start and end in frames, 0 … T − 1
    scores: Tensor    # (Q, T) logits: this frame's span is an answer
    saliency: Tensor  # (Q, T) logits: this frame is inside an answer
    object: Tensor    # (Q) logit: it happens at all


class Moments(NamedTuple):
    spans: Tensor     # (Q, K, 2) fractions of the window from the first to the last frame's time
    scores: Tensor    # (Q, K)
    saliency: Tensor  # (Q, T)
    object: Tensor    # (Q)


class MomentHead(nn.Module):
    task = 'moment'

    def __init__(self, config: NanoConfig, nouns: NounSpace, reader: StateReader, grid: Tensor) -> None:
        super().__init__()
        d, t = config.width, config.frames
        self.config, self.nouns, self.reader = config, nouns, reader
        self.query, self.key, self.value = nn.Linear(d, WIDTH), nn.Linear(d, WIDTH), nn.Linear(d, WIDTH)
        self.state = nn.Linear(d, WIDTH)
        self.trace = nn.Linear(8, WIDTH)
        self.trail = nn.Linear(2 * MOTION + 9, WIDTH)
        self.place = nn.Parameter(torch.randn(t, WIDTH) * 0.1)
        self.mix = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, WIDTH), nn.GELU(), nn.Linear(WIDTH, WIDTH))
        self.layers = nn.ModuleList(MomentLayer() for _ in range(2))
        self.near = nn.Conv1d(WIDTH, WIDTH, 3, padding=1)
        self.outputs = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, WIDTH), nn.GELU(), nn.Linear(WIDTH, 4))
        self.presence = nn.Sequential(nn.Linear(WIDTH + d, WIDTH), nn.GELU(), nn.Linear(WIDTH, 1))
        self.register_buffer('grid', grid, persistent=False)

    def frames(self, visual: Tensor, state: Tensor) -> MomentFrames:
        """visual: one row a query (Q, T, N, C), or one row for all; state (Q, d)."""
        tokens = self.nouns.split(visual).tokens                                     # (Q or 1, T, N, d)
        q, t = state.shape[0], tokens.shape[1]
        asks = self.query(state).view(q, 1, 1, HEADS, -1)
        keys = self.key(tokens).unflatten(-1, (HEADS, -1))                            # (Q or 1, T, N, heads, hd)
        weights = ((asks * keys).sum(-1) / keys.shape[-1] ** 0.5).softmax(2)          # (Q, T, N, heads)
        read = (weights[..., None] * self.value(tokens).unflatten(-1, (HEADS, -1))).sum(2).flatten(2)  # (Q, T, W)
        named = self.reader(state)
        vector = named.noun.softmax(-1) @ self.nouns.unit()
        match = self.nouns.coarse_match(tokens, vector[:, None, None])[:, :, 0]       # (Q, T, N)
        where = match.softmax(-1) @ self.grid                                         # (Q, T, 2)
        step = where - earlier(where, 1)
        best = match.amax(-1, keepdim=True)                                           # (Q, T, 1)
        rise = best - earlier(best, 1)
        seen = torch.cat([best / 4, rise / 4, where * 2 - 1, step * 8, best.sigmoid(), match.mean(-1, keepdim=True) / 4], -1)
        x = read + self.trace(seen) + self.trail(self.facts(visual, named)) + self.state(state)[:, None] + self.place[-t:]
        x = x + self.mix(x)
        x = x + F.gelu(self.near(x.transpose(1, 2))).transpose(1, 2)
        for layer in self.layers:
            x = layer(x)
        out = self.outputs(x)                                                         # (Q, T, 4)
        here = torch.arange(t, device=x.device, dtype=x.dtype)
        spans = torch.stack([here - F.softplus(out[..., 0]) * 2, here + F.softplus(out[..., 1]) * 2], -1).clamp(0, t - 1)
        object = self.presence(torch.cat([x.amax(1), state], 1))[:, 0]
        return MomentFrames(spans, out[..., 2], out[..., 3], object)

    @torch.no_grad()
    def facts(self, visual: Tensor, named: Named) -> Tensor:
        """Where the noun, the very thing where the state says it is, and the other thing are, frame by frame, and how they move: (Q, T, FACTS)."""
        nouns, rows = self.nouns.unit(), named.noun.shape[0]
        partner = named.partner.softmax(-1)
        vectors = torch.stack([named.noun.softmax(-1) @ nouns, partner[:, :-1] @ nouns], 1)  # (Q, 2, M)
        if visual.shape[0] == 1:
            chance = chances(self.nouns, visual, vectors.flatten(0, 1)[None]).view(rows, 2, -1, *[2 * self.config.coarse] * 2)
        else:
            chance = chances(self.nouns, visual, vectors)                             # (Q, 2, T, G, G)
        noun, other = centre_of(chance[:, 0]), centre_of(chance[:, 1])
        trails = follow(chance[:, 0], self.grid)
        cell = named.cell.softmax(-1)                                                 # (Q, N)
        thing = Centre(torch.einsum('qn,qntc->qtc', cell, trails.place), torch.einsum('qn,qnt->qt', cell, trails.mass)[..., None])
        there = (1 - partner[:, -1:])[:, None] * other.sure                           # (Q, T, 1)
        apart = torch.cat([part - other.place for part in (noun.place, thing.place)], -1) * there
        return torch.cat([motion_of(noun), motion_of(thing), there, apart * 4, (apart * 4).abs()], -1)

    def forward(self, visual: Tensor, times: Tensor, state: Tensor) -> Moments:
        found = self.frames(visual, state)
        present = found.object.sigmoid()
        scores, chosen = found.scores.sigmoid().topk(self.config.spans, dim=1)
        spans = found.spans.gather(1, chosen[..., None].expand(-1, -1, 2))
        return Moments(self.as_fractions(spans, times), scores * present[:, None], found.saliency.sigmoid() * present[:, None], present)

    def as_fractions(self, spans: Tensor, times: Tensor) -> Tensor:
        """Places between frames → fractions of time: a hat function around each frame carries its time. spans (Q, K, 2), times (1, T)."""
        whole = (times[:, -1:] - times[:, :1]).clamp(min=1e-6)
        fraction = (times - times[:, :1]) / whole                                     # (1, T)
        here = torch.arange(times.shape[1], device=spans.device, dtype=spans.dtype)
        hats = (1 - (spans[..., None] - here).abs()).clamp(min=0)                     # (Q, K, 2, T)
        return (hats * fraction[:, None, None]).sum(-1)


class Centre(NamedTuple):
    place: Tensor  # (Q, T, 2)
    sure: Tensor   # (Q, T, 1)


def centre_of(chance: Tensor) -> Centre:
    """chance (Q, T, G, G): the middle of all that shows the noun."""
    side = chance.shape[-1]
    axis = (torch.arange(side, device=chance.device, dtype=chance.dtype) + 0.5) / side
    total = chance.sum((2, 3))[..., None]                                             # (Q, T, 1)
    place = torch.stack([chance.sum(2) @ axis, chance.sum(3) @ axis], -1) / (total + 1e-2)
    return Centre(place, (total / FULL).clamp(max=1))


def earlier(values: Tensor, frames: int) -> Tensor:
    """The values so many frames before, the first where there is none before: (Q, T, c)."""
    return torch.cat([*[values[:, :1]] * frames, values[:, :-frames]], 1)


def motion_of(centre: Centre) -> Tensor:
    """(Q, T, MOTION): place, whether it is there and how that changes, its steps over one and three frames and their size."""
    steps = [(centre.place - earlier(centre.place, frames)) * 8 for frames in (1, 3)]
    return torch.cat([centre.place * 2 - 1, centre.sure, (centre.sure - earlier(centre.sure, 1)) * 2, *steps, *(step.square().sum(-1, keepdim=True).add(1e-4).sqrt() for step in steps)], -1)


class MomentLayer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 2 * WIDTH), nn.GELU(), nn.Linear(2 * WIDTH, WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        q, t, w = x.shape
        asks, keys, values = self.qkv(self.norm1(x)).view(q, t, 3, HEADS, w // HEADS).permute(2, 0, 3, 1, 4)
        scores = (asks @ keys.transpose(-1, -2) / (w // HEADS) ** 0.5).softmax(-1)
        x = x + self.out((scores @ values).transpose(1, 2).reshape(q, t, w))
        return x + self.mlp(self.norm2(x))
