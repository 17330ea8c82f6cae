"""Nouns in one space with the picture: the evidence that a noun is in view, where, and when.

This is what lets a small language model say "there is no cat": the embedding of every noun in a question carries how well the noun matches
each frame, where it matches, and what the frozen eyes say of it (design: docs/design/model.md, evidence embedding).
"""
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.config import NanoConfig
from trainer.vocabulary import COLOURS

LATELY = (4, 9)  # frames before the last
OF_COARSE, OF_MIDDLE = (1, 2, 4, 8), (1, 2, 4)  # the last frames, over which presence takes means
NONE_OF, ONE_OF = 0.35, 0.45  # how surely a centre is of a noun: below it is not counted, above it counts whole
NOUN_FROM, NOUN_TRUST = 0.1, 20.0  # evidence above which the pretrained eyes say that a noun is there, and how much (logits); see heads/region.py
SEEN_FROM = 0.35  # the same on photographs, where nothing else is known of a noun


class VisualParts(NamedTuple):
    """The channels of a visual token, by meaning. Each (B, T, N, ·)."""
    tokens: Tensor    # d
    middle: Tensor    # 4M, what the quarters of the cell show, normalised: M × 2 × 2
    fine: Tensor      # fine
    best: Tensor      # M, the match vector where a centre is likeliest
    count: Tensor     # 2, centres in the cell, surest centre
    peaks: Tensor     # 4, the surest centre in each quarter, 0 where none is surer than its neighbours
    colour: Tensor   # colours + 1, where a centre is likeliest
    evidence: Tensor  # E
    photograph: Tensor  # 1, whether the frame is a photograph: a logit, the same in every cell


class NounEvidence(NamedTuple):
    trace: Tensor    # (B, Q, T) how well the noun matches each frame
    place: Tensor    # (B, Q, 2T) where, per frame
    course: Tensor   # (B, Q, TN) how well it matches every cell of every frame: who came first, which way it goes
    last: Tensor     # (B, Q, 2N) fine and pretrained match over the last frame's cells
    number: Tensor   # (B, Q, N + 1) how many of it are in each cell of the last frame, and in all
    tally: Tensor    # (B, Q, 1) how many in all, each centre counted whole or not at all
    colours: Tensor  # (B, Q, colours + 1) which colours its things have in the last frame
    motion: Tensor   # (B, Q, 2 + 4N) which way it goes as a whole; and from where it came to each cell, lately and since long


class NounSpace(nn.Module):
    """Noun vectors, shared by evidence, alignment losses, the state's class and the language model's embedding."""

    def __init__(self, config: NanoConfig, noun_channels: Tensor) -> None:
        super().__init__()
        nouns, _ = noun_channels.shape
        self.config = config
        self.vectors = nn.Parameter(torch.randn(nouns, config.match) * config.match ** -0.5)
        self.project = nn.Linear(config.width, config.match)
        self.coarse_scale = nn.Parameter(torch.tensor([16.0, -6.0]))  # of cosines: a softmax over hundreds of nouns needs room
        self.fine_scale = nn.Parameter(torch.tensor([16.0, -6.0]))
        self.blend = nn.Parameter(torch.tensor([0.5, 0.5, 4.0, -1.0, 1.0, 0.5, 0.0]))  # coarse, fine, pretrained, bias, number, share and certainty of a centre: the score of presence
        self.weigh = nn.Sequential(nn.Linear(4 + len(OF_COARSE) + len(OF_MIDDLE), 32), nn.GELU(), nn.Linear(32, 1))
        nn.init.normal_(self.weigh[-1].weight, std=1e-3)  # it begins as the blend
        nn.init.zeros_(self.weigh[-1].bias)
        self.register_buffer('noun_channels', noun_channels, persistent=False)  # (nouns, E) which pretrained channels speak of a noun

    def split(self, visual: Tensor) -> VisualParts:
        return VisualParts(*visual.split(self.widths, dim=-1))

    @property
    def widths(self) -> list[int]:
        """Channels of each of `VisualParts`; their sum is C."""
        c = self.config
        return [c.width, 4 * c.match, c.fine, c.match, 2, 4, len(COLOURS) + 1, self.noun_channels.shape[1], 1]

    def unit(self) -> Tensor:
        return nn.functional.normalize(self.vectors, dim=-1) * self.vectors.shape[1] ** 0.5  # (nouns, M)

    def coarse_match(self, tokens: Tensor, nouns: Tensor) -> Tensor:
        """tokens (..., N, d), nouns (..., Q, M) → logits (..., Q, N)."""
        cells = nn.functional.layer_norm(self.project(tokens), (self.config.match,))
        return nouns @ cells.transpose(-1, -2) / self.config.match * self.coarse_scale[0].abs() + self.coarse_scale[1]

    def fine_match(self, cells: Tensor, nouns: Tensor) -> Tensor:
        """cells (..., N, M), nouns (..., Q, M) → logits (..., Q, N)."""
        cells = nn.functional.layer_norm(cells, (self.config.match,))
        return nouns @ cells.transpose(-1, -2) / self.config.match * self.fine_scale[0].abs() + self.fine_scale[1]

    def look_up(self, visual: Tensor, nouns: Tensor, channels: Tensor, grid: Tensor) -> NounEvidence:
        """visual (B, T, N, C), nouns (B, Q, M), channels (B, Q, E), grid (N, 2) centres of the cells."""
        parts = self.split(visual)
        coarse = self.coarse_match(parts.tokens, nouns[:, None])            # (B, T, Q, N)
        place = coarse.softmax(-1) @ grid                                   # (B, T, Q, 2)
        fine = self.fine_match(parts.best[:, -1], nouns)                    # (B, Q, N)
        known = channels @ parts.evidence[:, -1].transpose(1, 2)            # (B, Q, N)
        trace = coarse.amax(-1).transpose(1, 2)                             # (B, Q, T)
        number = fine.sigmoid() * parts.count[:, -1, :, 0][:, None]          # (B, Q, N)
        return NounEvidence(trace, place.permute(0, 2, 1, 3).flatten(2), coarse.transpose(1, 2).flatten(2), torch.cat([fine, known * 4], -1),
                            torch.cat([number, number.sum(-1, keepdim=True)], -1), self.tally(visual, nouns), (number[..., None] * parts.colour[:, -1][:, None]).amax(2), self.motion(coarse, place))

    def motion(self, coarse: Tensor, place: Tensor) -> Tensor:
        """coarse (B, T, Q, N), place (B, T, Q, 2) → (B, Q, 2 + 4N)."""
        times = torch.linspace(-1, 1, coarse.shape[1], device=coarse.device)[None, :, None, None]      # (1, T, 1, 1)
        weight = coarse.amax(-1, keepdim=True).sigmoid() + 1e-3                                       # (B, T, Q, 1)
        total = weight.sum(1, keepdim=True)
        when, where = (weight * times).sum(1, keepdim=True) / total, (weight * place).sum(1, keepdim=True) / total
        slope = (weight * (times - when) * (place - where)).sum(1) / ((weight * (times - when) ** 2).sum(1) + 1e-2)  # (B, Q, 2)
        return torch.cat([slope * 4, *(self.arrival(coarse[:, max(0, coarse.shape[1] - 1 - ago)]) for ago in LATELY)], -1)

    def arrival(self, before: Tensor) -> Tensor:
        """Where around each cell the noun was then: the middle of its 3×3 neighbourhood, in cells. before (B, Q, N) logits → (B, Q, 2N)."""
        b, q, _ = before.shape
        side = self.config.coarse
        chance = before.sigmoid().reshape(b * q, 1, side, side)
        steps = torch.tensor([-1.0, 0.0, 1.0], device=before.device)
        kernels = torch.stack([torch.ones(3, 3, device=before.device), steps.expand(3, 3), steps[:, None].expand(3, 3)])[:, None]  # (3, 1, 3, 3)
        mass, x, y = nn.functional.conv2d(chance, kernels, padding=1).split(1, 1)
        return torch.cat([x / (mass + 0.1), y / (mass + 0.1)], 1).reshape(b, q, -1)

    def middle_match(self, visual: Tensor, vectors: Tensor) -> Tensor:
        """What the quarters of the cells show: visual (B, T, N, C), vectors (R, M) or (B, R, M) → logits (B, R, T, 2g, 2g)."""
        middle = self.split(visual).middle                                                  # (B, T, N, 4M)
        b, t, n, _ = middle.shape
        g, m = self.config.coarse, self.config.match
        quarters = middle.reshape(b, t, g, g, m, 2, 2).permute(0, 4, 1, 2, 5, 3, 6).reshape(b, m, t * n * 4)
        logits = vectors @ quarters / m * self.fine_scale[0].abs() + self.fine_scale[1]
        return logits.view(b, -1, t, 2 * g, 2 * g)

    def centres(self, visual: Tensor) -> Tensor:
        """How surely a thing's centre is in each quarter of a cell of the last frame: (B, T, N, C) → (B, 4N), in the order of `middle_match`."""
        g = self.config.coarse
        return self.split(visual[:, -1:]).peaks.reshape(-1, g, g, 2, 2).transpose(2, 3).reshape(-1, 4 * g * g)

    def tally(self, visual: Tensor, vectors: Tensor) -> Tensor:
        """How many of each noun are in the last frame, of vectors (B, R, M): (B, R, 1). A sum of chances is a little of everything; so a centre counts whole, or not at all."""
        sure = self.middle_match(visual[:, -1:], vectors).flatten(2).sigmoid() * self.centres(visual)[:, None]
        return ((sure - NONE_OF) / (ONE_OF - NONE_OF)).clamp(0, 1).sum(-1, keepdim=True)

    def anything(self, logits: Tensor, dim: int) -> Tensor:
        """Logits of all nouns along `dim` → log of the sum of their odds and of nothing's: what is left of a noun's own logit is the log of its share."""
        return F.pad(logits.movedim(dim, -1).float(), (0, 1)).logsumexp(-1).unsqueeze(dim)

    def anything_in(self, match: Tensor) -> Tensor:
        """The same for the cells of a map of matches: (P, M, G, G) → (P, 1, G, G)."""
        logits = self.fine_match(match.flatten(2).transpose(1, 2), self.unit())              # (P, nouns, G·G)
        return self.anything(logits, 1).unflatten(2, match.shape[2:])

    def of_a_centre(self, visual: Tensor, logits: Tensor, every: bool = False) -> tuple[Tensor, Tensor]:
        """logits (B, R, 4N) of the quarters of the last frame → how surely some centre is of each noun, beside all others (its share) and by itself: log-odds (B, R).

        every: the R nouns are all there are.

        A centre is of one thing: what another noun explains better does not count for this one.
        """
        all_nouns = logits.detach() if every else self.middle_match(visual[:, -1:], self.unit().detach()).flatten(2)
        share = (logits.float() - self.anything(all_nouns, 1)).clamp(max=0).exp()
        centres = self.centres(visual)[:, None]
        return tuple((chance * centres).amax(-1).clamp(1e-3, 1 - 1e-3).logit() for chance in (share, logits.sigmoid()))

    def presence(self, visual: Tensor, vectors: Tensor | None = None, channels: Tensor | None = None) -> Tensor:
        """How surely each noun is in the last frame, of vectors (R, M) or (B, R, M) and their channels (R or B, R, E), else of all: logits (B, R).

        The last frame in every grain, and whether one of its things is this rather than any other noun; and how the frames before saw it: one picture
        mistaken is seldom mistaken again when it has moved on.
        """
        parts = self.split(visual[:, -1:])
        nouns = self.unit() if vectors is None else vectors
        channels = self.noun_channels if channels is None else channels
        coarse = self.coarse_match(self.split(visual).tokens, nouns if nouns.dim() == 2 else nouns[:, None]).amax(-1)   # (B, T, R)
        fine = self.fine_match(parts.best[:, 0], nouns)                                     # (B, R, N)
        number = (fine.sigmoid() * parts.count[:, 0, :, 0][:, None]).sum(-1)
        known = (channels @ parts.evidence[:, 0].amax(1)[..., None])[..., 0]                # (B, R)
        middle = self.middle_match(visual[:, -max(OF_MIDDLE):], nouns).flatten(3)           # (B, R, t, 4N)
        share, sure = self.of_a_centre(visual, middle[:, :, -1], every=vectors is None)
        now = self.blend[0] * coarse[:, -1] + self.blend[1] * fine.amax(-1) + self.blend[2] * known + self.blend[3] + self.blend[4] * number + self.blend[5] * share + self.blend[6] * sure
        middle = middle.amax(-1)                                                            # (B, R, t)
        seen = [*(coarse[:, -few:].mean(1) for few in OF_COARSE), coarse.amax(1), *(middle[..., -few:].mean(-1) for few in OF_MIDDLE), share, sure]
        return now + self.weigh(torch.stack([now, *seen], -1) / 4)[..., 0]

    def listed(self, visual: Tensor) -> Tensor:
        """The same of all nouns, for lists: on drawings the pretrained eyes name what is not there, on photographs a cell speaks for its surest noun alone: (B, nouns)."""
        known = self.noun_channels @ self.split(visual[:, -1:]).evidence[:, 0].transpose(1, 2)          # (B, nouns, N)
        return self.on_photographs(visual, self.presence(visual), surest_in_a_cell(known))

    def on_photographs(self, visual: Tensor, drawn: Tensor, known: Tensor) -> Tensor:
        """What the pretrained eyes know (B, R) in place of what was learnt from drawings, as far as the last frame is a photograph."""
        photograph = self.split(visual[:, -1]).photograph.mean(1).sigmoid()                 # (B, 1)
        return drawn + photograph * ((known - SEEN_FROM) * NOUN_TRUST - drawn)

    def asked(self, visual: Tensor, nouns: Tensor) -> Tensor:
        """Presence of nouns that are asked for, by number (B, R), to which the pretrained eyes add."""
        channels = self.noun_channels[nouns]                                                # (B, R, E)
        known = (channels @ self.split(visual[:, -1:]).evidence[:, 0].amax(1)[..., None])[..., 0]
        seen = self.on_photographs(visual, self.presence(visual, self.unit()[nouns], channels), known)
        return seen + (known - NOUN_FROM).clamp(min=0) * NOUN_TRUST


def surest_in_a_cell(known: Tensor) -> Tensor:
    """How surely each noun is known where no other is surer: (B, nouns, N) → (B, nouns)."""
    return (known * (known >= known.amax(1, keepdim=True)).to(known.dtype)).amax(-1)
