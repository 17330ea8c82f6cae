"""The moment head: when the thing that the state means happens, from the backbone's own visual tokens (no second video encoder).

Every frame asks its cells with the state, and with the noun that the state names; a small transformer looks over the frames. Then all spans from one frame to
a later one are weighed against each other: where it begins, where it ends, what is inside, how begin and end fit. The chances of all spans make the answer:
the span that is expected to overlap the truth most, not the likeliest one. Saliency is how much each frame belongs to any answer, as in QVHighlights.
Inputs and outputs: docs/design/bundle.md, `moment.main`.
"""
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.backbones.nano_nouns import NounSpace
from trainer.backbones.nano_trails import FULL, chances, follow
from trainer.config import NanoConfig
from trainer.heads.conditioning import Named, StateReader
from trainer.heads.extent import BETWEEN, SIZES, Extent, between, extent_of, sizes_of
from trainer.said import EVENTS

WIDTH = 96
MOTION = 10
HEADS = 4
GATE = 12         # width of the question which cells show the very thing
FIT = 12          # width in which a begin and an end are compared
PARTNERS = 4      # nouns that the other thing may be
PASSES = EVENTS.index('passes')


class MomentFrames(NamedTuple):
    """One proposal a frame, as heads give it that do not weigh all spans (`heads/shared`)."""
    spans: Tensor     # (Q, T, 2) start and end in frames, 0 … T − 1
    scores: Tensor    # (Q, T) logits: this frame's span is an answer
    saliency: Tensor  # (Q, T) logits: this frame is inside an answer
    object: Tensor    # (Q) logit: it happens at all


class MomentPairs(NamedTuple):
    spans: Tensor     # (Q, P, 2) every start with every later end, in frames; the same for all queries
    scores: Tensor    # (Q, P) logits; their softmax over P is the chance of each span
    saliency: Tensor  # (Q, T) logits: this frame is inside an answer
    object: Tensor    # (Q) logit: it happens at all


class Moments(NamedTuple):
    spans: Tensor     # (Q, K, 2) fractions of the window from the first to the last frame's time; T / (T − 1) where it still goes on
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
        self.asks, self.shows = nn.Linear(d, GATE), nn.Linear(d, GATE)
        self.extent = nn.Linear(3 * SIZES + 2 * BETWEEN + 4, WIDTH)
        self.place = nn.Parameter(torch.randn(t, WIDTH) * 0.1)
        self.mix = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, WIDTH), nn.GELU(), nn.Linear(WIDTH, WIDTH))
        self.layers = nn.ModuleList(MomentLayer() for _ in range(2))
        self.near = nn.Conv1d(WIDTH, WIDTH, 3, padding=1)
        self.sides = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, WIDTH), nn.GELU(), nn.Linear(WIDTH, 4 + 2 * FIT))
        self.after = nn.Parameter(torch.zeros(WIDTH))  # the frame after the last: where what still goes on ends
        self.presence = nn.Sequential(nn.Linear(WIDTH + d, WIDTH), nn.GELU(), nn.Linear(WIDTH, 1))
        self.register_buffer('grid', grid, persistent=False)
        self.register_buffer('pairs', torch.tensor([(start, end) for start in range(t) for end in range(start + 1, t + 1)]), persistent=False)  # (P, 2)

    def frames(self, visual: Tensor, state: Tensor) -> MomentPairs:
        """visual: one row a query (Q, T, N, C), or one row for all; state (Q, d)."""
        tokens = self.nouns.split(visual).tokens                                     # (Q or 1, T, N, d)
        named = self.reader(state)
        chance = self.chances(visual, named)
        noun, other = chance[:, 0], chance[:, 1]
        x = self.read(tokens, state) + self.trace(self.seen(tokens, named)) + self.trail(self.facts(noun, other, named))
        x = x + self.extent(self.extents(tokens, state, noun, other, named)) + self.state(state)[:, None] + self.place[-tokens.shape[1]:]
        x = x + self.mix(x)
        x = x + F.gelu(self.near(x.transpose(1, 2))).transpose(1, 2)
        for layer in self.layers:
            x = layer(x)
        object = self.presence(torch.cat([x.amax(1), state], 1))[:, 0]
        sides = self.sides(torch.cat([x, x[:, -1:] + self.after], 1))                  # (Q, T + 1, 4 + 2 FIT)
        return MomentPairs(self.pairs.to(x.dtype).expand(x.shape[0], -1, -1), self.weigh(sides), sides[:, :-1, 3], object)

    def read(self, tokens: Tensor, state: Tensor) -> Tensor:
        """What the state asks of every frame's cells: (Q, T, W)."""
        asks = self.query(state).view(state.shape[0], 1, 1, HEADS, -1)
        keys = self.key(tokens).unflatten(-1, (HEADS, -1))                            # (Q or 1, T, N, heads, hd)
        weights = ((asks * keys).sum(-1) / keys.shape[-1] ** 0.5).softmax(2)          # (Q, T, N, heads)
        return (weights[..., None] * self.value(tokens).unflatten(-1, (HEADS, -1))).sum(2).flatten(2)

    def seen(self, tokens: Tensor, named: Named) -> Tensor:
        """How well each frame's cells match the noun, and where: (Q, T, 8)."""
        vector = named.noun.softmax(-1) @ self.nouns.unit()
        match = self.nouns.coarse_match(tokens, vector[:, None, None])[:, :, 0]       # (Q, T, N)
        where = match.softmax(-1) @ self.grid                                         # (Q, T, 2)
        best = match.amax(-1, keepdim=True)                                           # (Q, T, 1)
        return torch.cat([best / 4, (best - earlier(best, 1)) / 4, where * 2 - 1, (where - earlier(where, 1)) * 8, best.sigmoid(), match.mean(-1, keepdim=True) / 4], -1)

    def weigh(self, sides: Tensor) -> Tensor:
        """What each frame says of beginning, ending and being inside → logits of all spans (Q, P)."""
        begins, ends, inside = sides[..., :3].unbind(-1)                              # (Q, T + 1) each
        begin, end = sides[..., 4:].chunk(2, -1)
        fit = begin @ end.transpose(1, 2) / FIT ** 0.5
        before = F.pad(inside.cumsum(1), (1, 0))
        whole = begins[:, :, None] + ends[:, None] + before[:, None, 1:] - before[:, :-1, None] + fit   # (Q, T + 1, T + 1)
        start, end = self.pairs.unbind(1)
        return whole.flatten(1)[:, start * sides.shape[1] + end]

    @torch.no_grad()
    def chances(self, visual: Tensor, named: Named) -> Tensor:
        """Where the noun and the other thing are: (Q, 2, T, G, G). A mean of nouns lies near none of them, so the other's likeliest are looked for one by one."""
        nouns, rows = self.nouns.unit(), named.noun.shape[0]
        share, which = named.partner[:, :-1].softmax(-1).topk(PARTNERS, dim=1)        # (Q, 4)
        vectors = torch.cat([(named.noun.softmax(-1) @ nouns)[:, None], nouns[which]], 1)  # (Q, 5, M)
        if visual.shape[0] == 1:
            found = chances(self.nouns, visual, vectors.flatten(0, 1)[None]).view(rows, 1 + PARTNERS, -1, *[2 * self.config.coarse] * 2)
        else:
            found = chances(self.nouns, visual, vectors)                              # (Q, 5, T, G, G)
        share = share / share.sum(1, keepdim=True)
        other = (share[..., None, None, None] * found[:, 1:]).sum(1) * passes(named)[..., None]
        return torch.stack([found[:, 0], other], 1)

    @torch.no_grad()
    def facts(self, noun: Tensor, other: Tensor, named: Named) -> Tensor:
        """Where the noun, the very thing where the state says it is, and the other thing are, frame by frame, and how they move: (Q, T, FACTS)."""
        trails = follow(noun, self.grid)
        noun, other = centre_of(noun), centre_of(other)
        cell = named.cell.softmax(-1)                                                 # (Q, N)
        thing = Centre(torch.einsum('qn,qntc->qtc', cell, trails.place), torch.einsum('qn,qnt->qt', cell, trails.mass)[..., None])
        there = passes(named) * other.sure                                            # (Q, T, 1)
        apart = torch.cat([part - other.place for part in (noun.place, thing.place)], -1) * there
        return torch.cat([motion_of(noun), motion_of(thing), there, apart * 4, (apart * 4).abs()], -1)

    def extents(self, tokens: Tensor, state: Tensor, noun: Tensor, other: Tensor, named: Named) -> Tensor:
        """How much there is of the noun, of the very thing and of the other thing: (Q, T, ·). Which cells show the very thing – of two dogs the black one – is
        asked of the cells themselves, so that it is known in frames of which the state says no place."""
        rows, t = noun.shape[:2]
        side = self.config.coarse
        shows = torch.einsum('qd,qtnd->qtn', self.asks(state), self.shows(tokens).expand(rows, -1, -1, -1)) / GATE ** 0.5
        gate = (shows + 1).sigmoid().view(rows, t, side, side).repeat_interleave(2, 2).repeat_interleave(2, 3)
        parts = extent_of(torch.stack([noun, noun * gate, other]))                    # (3, Q, T, ·)
        pair, second, there = Extent(*(part[:2] for part in parts)), Extent(*(part[2:].expand(2, -1, -1, -1) for part in parts)), passes(named)
        sizes, apart = sizes_of(parts), between(pair, second, there * (second.mass / FULL).clamp(max=1))
        place = pair.place[1]
        return torch.cat([sizes[0], sizes[1], sizes[2] * there, apart[0], apart[1], place * 2 - 1, (place - earlier(place, 1)) * 8], -1)

    def forward(self, visual: Tensor, times: Tensor, state: Tensor) -> Moments:
        found = self.frames(visual, state)
        present = found.object.sigmoid()
        fractions = self.as_fractions(self.pairs, times)                              # (P, 2)
        worth, chosen = answers(found.scores.softmax(-1), overlaps(fractions), self.config.spans)
        return Moments(fractions[chosen], worth * present[:, None], found.saliency.sigmoid() * present[:, None], present)

    def as_fractions(self, spans: Tensor, times: Tensor) -> Tensor:
        """Frames → fractions of time; what goes on in the last frame lasts until the next would come. spans (P, 2), times (1, T)."""
        whole = (times[:, -1:] - times[:, :1]).clamp(min=1e-6)
        ends = torch.cat([times, 2 * times[:, -1:] - times[:, -2:-1]], 1)             # (1, T + 1)
        return ((ends - times[:, :1]) / whole)[0][spans]


def passes(named: Named) -> Tensor:
    """(Q, 1, 1) whether the event has another thing."""
    return named.event.softmax(-1)[:, PASSES, None, None]


def overlaps(spans: Tensor) -> Tensor:
    """IoU of every span with every other: (P, 2) → (P, P)."""
    start, end = spans[:, 0], spans[:, 1]
    shared = (torch.minimum(end[:, None], end) - torch.maximum(start[:, None], start)).clamp(min=0)
    return shared / ((end - start)[:, None] + (end - start) - shared).clamp(min=1e-6)


def answers(chance: Tensor, overlap: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """The span that is expected to overlap the truth most; then, of the chances that speak of something else, the next: chance (Q, P), overlap (P, P) → worth (Q, K), which (Q, K).

    Where there may be two answers, the one that a span meets is meant; there are at most two, so a span that is unlikely to meet any gains nothing by it.
    """
    meets = (chance @ (overlap > 0).to(chance.dtype)).clamp(min=0.5)
    worth: list[Tensor] = []
    which: list[Tensor] = []
    for _ in range(most):
        value, place = (chance @ overlap / meets).max(1)
        worth.append(value)
        which.append(place)
        chance = chance * (overlap[place] == 0).to(chance.dtype)
    return torch.stack(worth, 1), torch.stack(which, 1)


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
        self.around = nn.Conv1d(WIDTH, WIDTH, 5, padding=2, groups=WIDTH)
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 2 * WIDTH), nn.GELU(), nn.Linear(2 * WIDTH, WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        q, t, w = x.shape
        x = x + self.around(x.transpose(1, 2)).transpose(1, 2)
        asks, keys, values = self.qkv(self.norm1(x)).view(q, t, 3, HEADS, w // HEADS).permute(2, 0, 3, 1, 4)
        scores = (asks @ keys.transpose(-1, -2) / (w // HEADS) ** 0.5).softmax(-1)
        x = x + self.out((scores @ values).transpose(1, 2).reshape(q, t, w))
        return x + self.mlp(self.norm2(x))
