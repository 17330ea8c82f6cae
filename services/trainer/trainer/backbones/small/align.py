"""Before any words: the connector's tokens come to lie near the word for what they show, and the map learns the same. The language model is not run."""
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from trainer.backbones.pretrained.live_lessons import numbers_at
from trainer.backbones.small.clips import Clips, Seen
from trainer.backbones.small.model import Small
from trainer.backbones.small.packed_taps import unpack
from trainer.backbones.small.settings import CELLS, FINE
from trainer.backbones.staged import Run
from trainer.feature_cache import KEPT, CachedThing
from trainer.vocabulary import COLOURS, vocabulary

UNSURE = -1
MOST, LEAST = 0.3, 0.03   # of a cell: from here it is the thing's; below, nobody's
MANY = 4                  # times as many clips as an ordinary batch has: they cost little
MAPS = 2                  # frames of a clip whose map is learnt from


@dataclass(frozen=True)
class AlignWeights:
    tokens: float = 1.0
    cells: float = 1.0
    colours: float = 0.3


@dataclass
class Cells:
    """A clip with what is in every cell: the place of a noun, its number for nothing, UNSURE."""
    packed: Tensor            # (T, COUNT)
    kept: Tensor              # (K)
    nouns: Tensor             # (T, 25)
    colours: Tensor           # (T, 25)
    fine_nouns: Tensor        # (K, 20, 20)
    fine_colours: Tensor      # (K, 20, 20)


class AlignLessons:
    def __init__(self, clips: Clips, run: Run, stage: str) -> None:
        self.clips, self.run, self.stage = clips, run, stage

    def __call__(self, step: int) -> list[Cells]:
        rng = np.random.default_rng([self.run.seed, step])
        return [cells_of(self.clips[number], rng.choice(KEPT, MAPS, replace=False)) for part in range(MANY) for number in numbers_at(step * MANY + part, self.run, self.stage)]


def align_objective(model: Small, lessons: list[Cells], weights: AlignWeights) -> dict[str, Tensor]:
    device = model.words.ids.device
    packed = torch.stack([lesson.packed for lesson in lessons]).to(device)                 # (B, T, COUNT)
    kept = torch.stack([lesson.kept for lesson in lessons]).to(device)                     # (B, K)
    _, s16, s32 = unpack(packed.flatten(0, 1))
    maps = model.maps(*unpack(packed[torch.arange(len(packed), device=device)[:, None], kept].flatten(0, 1)))
    gathered = lambda name: torch.stack([getattr(lesson, name) for lesson in lessons]).to(device)
    token_nouns, token_colours = model.naming.tokens(model.tokens(s16, s32))
    cell_nouns, cell_colours = model.naming.cells(maps)
    return {
        'tokens': weights.tokens * cell_loss(token_nouns, gathered('nouns')),
        'cells': weights.cells * cell_loss(cell_nouns, gathered('fine_nouns')),
        'token.colours': weights.colours * cell_loss(token_colours, gathered('colours')),
        'cell.colours': weights.colours * cell_loss(cell_colours, gathered('fine_colours')),
    }


def cell_loss(logits: Tensor, wanted: Tensor) -> Tensor:
    """Cells of things are few: together they weigh as much as all with nothing in them."""
    logits, wanted = logits.flatten(0, -2), wanted.flatten()
    each = F.cross_entropy(logits, wanted, ignore_index=UNSURE, reduction='none')
    nothing = len(vocabulary().nouns)
    mean = lambda chosen: (each * chosen).sum() / chosen.sum().clamp(min=1)
    return mean((wanted >= 0) & (wanted != nothing)) + mean(wanted == nothing)


def cells_of(seen: Seen, slots: np.ndarray) -> Cells:
    """slots: which of the kept frames."""
    clip, nothing = seen.clip, len(vocabulary().nouns)
    coarse = [shares_of(thing, len(clip.times)) for thing in clip.things]                              # each (T, 5, 5)
    fine = [thing.masks[slots].astype(np.float32).reshape(len(slots), FINE, 2, FINE, 2).mean((2, 4)) / 255 for thing in clip.things]
    nouns = [vocabulary().place_of(thing.noun) for thing in clip.things]
    colours = [COLOURS.index(thing.colour) if thing.colour in COLOURS else UNSURE for thing in clip.things]
    flat = lambda cells: torch.from_numpy(cells.reshape(len(clip.times), CELLS * CELLS))
    return Cells(seen.packed, torch.from_numpy(clip.kept[slots]), flat(labelled(coarse, nouns, nothing)), flat(labelled(coarse, colours, UNSURE)),
                 torch.from_numpy(labelled(fine, nouns, nothing)), torch.from_numpy(labelled(fine, colours, UNSURE)))


def shares_of(thing: CachedThing, frames: int) -> np.ndarray:
    """(T, 5, 5): how much of each cell its box covers; where its middle is, enough."""
    edges = np.arange(CELLS) / CELLS
    x0, y0, x1, y1 = (thing.boxes[:, side, None] for side in range(4))                                  # (T, 1)
    along = lambda low, high: (np.minimum(high, edges + 1 / CELLS) - np.maximum(low, edges)).clip(0) * CELLS   # (T, 5)
    shares = along(y0, y1)[:, :, None] * along(x0, x1)[:, None]
    column, line = (((low + high) / 2 * CELLS).astype(int).clip(0, CELLS - 1)[:, 0] for low, high in ((x0, x1), (y0, y1)))
    here = np.arange(frames)
    shares[here, line, column] = np.maximum(shares[here, line, column], MOST)
    return shares * thing.visible[:, None, None]


def labelled(shares: list[np.ndarray], labels: list[int], nothing: int) -> np.ndarray:
    """The label of the thing that has most of a cell, if that is enough."""
    stacked = np.stack(shares)                                                                          # (things, …)
    best, most = stacked.argmax(0), stacked.max(0)
    return np.where(most >= MOST, np.asarray(labels, np.int64)[best], np.where(most <= LEAST, nothing, UNSURE))
