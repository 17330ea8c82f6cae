"""What a task embedding says about a picture: which noun, which colour, where, and how that lights up the map.

All spatial heads begin here. The state's class posterior turns into four heat maps (learned match, alone and beside all other nouns, pretrained evidence, colour); the state
itself gives a free query, a preferred place, and a preferred side of where things of its class are (`the left dog`). Input: the map of a frame and `state (Q, d)`; output: FiLM-ed features and heats per query.
"""
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.backbones.nano_eyes import HeadMap
from trainer.backbones.nano_neck import up_by
from trainer.backbones.nano_nouns import NounSpace
from trainer.config import NanoConfig
from trainer.said import EVENTS, MOTIONS, SIDES
from trainer.vocabulary import COLOURS

HEATS = 8
LEAST = -12.0  # of the log of a noun's share of a cell
DIRECTIONS = ((-1.0, 0.0), (1.0, 0.0), (0.0, -1.0), (0.0, 1.0), (0.0, 0.0))  # of SIDES, and of none
KNOWN_SCALE = 4.0  # pretrained evidence is 0–1; the other heats are logits


class Named(NamedTuple):
    noun: Tensor    # (Q, nouns) logits: the class that the state names
    colour: Tensor  # (Q, colours + 1) logits, the last one: no colour said
    side: Tensor    # (Q, 5) logits over SIDES, the last one: no side said
    motion: Tensor  # (Q, 9) logits over MOTIONS, the last one: no motion said
    event: Tensor   # (Q, 7) logits over EVENTS, the last one: a thing is meant, no event
    partner: Tensor  # (Q, nouns + 1) logits: the other thing that an event speaks of, the last one: none
    cell: Tensor    # (Q, N) logits: where it is in the last frame that the language model saw


class StateReader(nn.Module):
    """The state must name what it means: cross-entropy on these logits ties every task embedding to a noun, a colour, a side, a motion, an event and a place."""

    def __init__(self, config: NanoConfig, nouns: NounSpace) -> None:
        super().__init__()
        self.nouns = nouns
        self.to_noun = nn.Linear(config.width, config.match)
        self.to_colour = nn.Linear(config.width, len(COLOURS) + 1)
        self.to_side = nn.Linear(config.width, len(SIDES) + 1)
        self.to_motion = nn.Linear(config.width, len(MOTIONS) + 1)
        self.to_event = nn.Linear(config.width, len(EVENTS) + 1)
        self.to_partner = nn.Linear(config.width, config.match + 1)
        self.to_cell = nn.Linear(config.width, config.coarse ** 2)

    def forward(self, state: Tensor) -> Named:
        nouns, size = self.nouns.unit().T, self.nouns.config.match
        other = self.to_partner(state)
        partner = torch.cat([other[:, :size] @ nouns / size ** 0.5, other[:, size:]], 1)
        return Named(self.to_noun(state) @ nouns / size ** 0.5, self.to_colour(state), self.to_side(state), self.to_motion(state), self.to_event(state), partner, self.to_cell(state))


class Conditioning(nn.Module):
    def __init__(self, config: NanoConfig, nouns: NounSpace, reader: StateReader) -> None:
        super().__init__()
        f, g = config.features, config.grid
        self.config, self.nouns, self.reader = config, nouns, reader
        self.query = nn.Linear(config.width, f)
        self.place = nn.Linear(config.width, 1)  # how far the place counts: of a thing that has moved since, not at all
        self.side = nn.Parameter(torch.tensor(8.0))
        self.film = nn.Linear(config.width, 2 * f)
        self.inputs = nn.Conv2d(f, f, 1)
        self.lift = nn.Conv2d(HEATS, f, 1)
        side = (torch.arange(g) + 0.5) / g
        self.register_buffer('cells', torch.stack([side.expand(g, g), side[:, None].expand(g, g)]), persistent=False)  # (2, G, G) x, y
        self.register_buffer('towards', torch.tensor(DIRECTIONS), persistent=False)      # (5, 2)

    def forward(self, maps: HeadMap, state: Tensor, frame: Tensor | None = None, trust: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """maps (P, ·, G, G) of P frames, state (Q, d) → features (Q, F, G, G), heats (Q, HEATS, G, G).

        frame (Q), ascending, is the frame that each query reads; without it all read the first.
        trust (Q) is 0 where there is no state (a mask prompted by a box or a point): then the heats say nothing.
        """
        named = self.reader(state)
        posterior = named.noun.softmax(-1)                                             # (Q, nouns)
        vector = posterior @ self.nouns.unit()                                         # (Q, M)
        cells = F.layer_norm(maps.match.movedim(1, -1), (self.config.match,)).movedim(-1, 1)
        match = dot(cells, vector, frame) / self.config.match ** 0.5
        known = dot(maps.evidence, posterior @ self.nouns.noun_channels, frame) * KNOWN_SCALE
        colour = dot(maps.colour.softmax(1), named.colour.softmax(-1)[:, :maps.colour.shape[1]], frame) * 2
        free = dot(maps.features, self.query(state), frame) / self.config.features ** 0.5
        cell = named.cell.unflatten(1, (self.config.coarse, self.config.coarse))[:, None]
        place = up_by(cell, self.config.grid // self.config.coarse) * self.place(state).sigmoid()[:, :, None, None]
        centre = rows_of(maps.centre, frame, state.shape[0])
        slope, shift = self.nouns.fine_scale[0].abs() / self.config.match ** 0.5, self.nouns.fine_scale[1]
        share = (match * slope + shift - rows_of(maps.anything, frame, state.shape[0])).clamp(LEAST, 0.0)  # what another noun explains better is not this one
        beside = self.beside(match + known + centre, named.side.softmax(-1) @ self.towards)
        heats = torch.cat([match, known, colour, free, place, centre, beside, share], 1)  # (Q, HEATS, G, G)
        if trust is not None:
            heats = heats * trust[:, None, None, None]
        scale, shift = self.film(state)[:, :, None, None].chunk(2, 1)
        return rows_of(self.inputs(maps.features), frame, state.shape[0]) * (1 + scale) + shift + self.lift(heats), heats


    def beside(self, likely: Tensor, direction: Tensor) -> Tensor:
        """likely (Q, 1, G, G) logits of things of the class, direction (Q, 2): how far each cell lies that way from their middle → (Q, 1, G, G)."""
        weight = likely.flatten(2).softmax(-1)                                          # (Q, 1, G·G)
        middle = weight @ self.cells.flatten(1).T                                       # (Q, 1, 2)
        apart = self.cells[None] - middle.transpose(1, 2)[..., None]                    # (Q, 2, G, G)
        return (apart * direction[:, :, None, None]).sum(1, keepdim=True) * self.side


def rows_of(maps: Tensor, frame: Tensor | None, rows: int) -> Tensor:
    """The map of each query's frame: (P, C, h, w) → (Q, C, h, w)."""
    return maps.expand(rows, -1, -1, -1) if frame is None else maps[frame]


def dot(maps: Tensor, vector: Tensor, frame: Tensor | None) -> Tensor:
    """(P, C, G, G) · (Q, C) → (Q, 1, G, G), without a copy of the map for every query."""
    _, channels, height, width = maps.shape
    if frame is None:
        return (vector @ maps[0].view(channels, height * width)).view(-1, 1, height, width)
    which, counts = frame.unique_consecutive(return_counts=True)
    flat = maps.flatten(2).unbind()  # unbind, for the gradient of one row of a stack is as large as the stack
    parts = [rows @ flat[int(p)] for p, rows in zip(which, vector.split(counts.tolist()))]
    return torch.cat(parts).view(-1, 1, height, width)
