"""Words that say which one of several things is meant, by its motion, its age, its colour or its place: in which cells of the last frame is it so.

The embedding of such a word carries a picture of those cells, as a noun's embedding does of where the noun is, and in a question it speaks of the noun
it stands beside: at `left` in `the dog moving left` it says where dogs move left, and how surely one does. What a phrase as a whole is true of is then
in one embedding; a language model of four layers learns to look one word up by another late or not at all.
"""
from typing import NamedTuple

import torch
from torch import Tensor

from trainer.backbones.nano_trails import Course
from trainer.vocabulary import COLOURS, Vocabulary

ATTRIBUTES = ('left', 'right', 'up', 'down', 'still', 'moving', 'first', 'last', 'top', 'bottom', *COLOURS)
SIDES = {'left': (-1.0, 0.0), 'right': (1.0, 0.0), 'top': (0.0, -1.0), 'bottom': (0.0, 1.0)}
SIDED = slice(ATTRIBUTES.index('top'), ATTRIBUTES.index('bottom') + 1)  # those that are places alone
PULL = 8.0  # how steeply the outermost thing is preferred


class Binding(NamedTuple):
    attribute: Tensor  # (B, S) index in ATTRIBUTES, −1 at other words
    noun: Tensor       # (B, S) where in the text the noun stands that the word speaks of, −1 for none


def attribute_of_token(words: Vocabulary) -> list[int]:
    """For each token the index of its attribute, or −1."""
    return [ATTRIBUTES.index(token) if token in ATTRIBUTES else -1 for token in words.tokens]


def bind(ids: Tensor, noun: Tensor, attribute: Tensor, begins: int, ends: int) -> Binding:
    """Each attribute of a question with the noun right after it, or else the last one before. ids, noun, attribute (B, S), the latter two −1 where there is none.

    A question reaches from the token `begins` to `ends`; words outside of one, as those of an answer on its way, speak of no noun.
    """
    size = ids.shape[1]
    row = torch.arange(size, device=ids.device)
    before = row[:, None] >= row[None]                                                    # (S, S)

    def latest(where: Tensor) -> Tensor:
        """(B, S) bool → (B, S) the last place up to here, −1 for none."""
        return torch.where(where[:, None, :] & before, row, -1).amax(-1)

    start, end, last = latest(ids == begins), latest(ids == ends), latest(noun >= 0)
    following = torch.cat([noun[:, 1:] >= 0, torch.zeros_like(noun[:, :1], dtype=torch.bool)], 1)
    place = torch.where(following, row + 1, torch.where(last > start, last, -1))
    asked = (start > end) & (attribute >= 0)
    return Binding(attribute, torch.where(asked, place, -1))


def cells_like(course: Course, colour: Tensor, number: Tensor, grid: Tensor) -> Tensor:
    """For every attribute how surely it is true of what is in each cell, which of the cells lie outermost on its side, and which way goes what it is true of, all 0–1.

    course of (..., N) cells, colour (..., N, colours + 1) of what is there, number (..., N) of things, grid (N, 2) → (..., ATTRIBUTES, 2N + WAYS).
    """
    moving = course.ways[..., :4].sum(-1, keepdim=True)
    old = course.age
    young = (course.there - old).clamp(min=0)
    nowhere = torch.zeros_like(old)
    true = torch.cat([course.ways, moving, old, young, nowhere, nowhere, colour[..., :len(COLOURS)]], -1).transpose(-1, -2)
    outermost = [outer(number, grid, SIDES[name]) if name in SIDES else torch.zeros_like(number) for name in ATTRIBUTES]
    meant = torch.cat([true[..., :SIDED.start, :], torch.stack(outermost, -2)[..., SIDED, :], true[..., SIDED.stop:, :]], -2).square()
    ways = meant @ course.ways / (meant.sum(-1, keepdim=True) + 0.02)
    return torch.cat([true, torch.stack(outermost, -2), ways], -1)


def outer(number: Tensor, grid: Tensor, side: tuple[float, float]) -> Tensor:
    """number (..., N) → shares of it (..., N), nearly all at the cells farthest to one side."""
    along = grid[:, 0] * side[0] + grid[:, 1] * side[1]
    weight = number.square() * torch.exp(along * PULL)
    return weight / (weight.sum(-1, keepdim=True) + 1e-3)
