"""Where what is in each cell now came from: things of a noun followed back through the frames, with no weight to train.

A window of the size of a thing stands on every cell of the last frame and moves, frame by frame into the past, to where the noun is surest within it
(mean shift, Comaniciu and Meer, PAMI 2002). So each of several things of one noun has its own way, its own speed and its own age, which is what
`the dog moving left` and `the dog that came first` speak of.
"""
from typing import NamedTuple

import torch
from torch import Tensor

from trainer.backbones.nano_nouns import NounSpace

WINDOW = 0.09                # standard deviation of the window, of the picture
FULL = 2.0                   # cells of certainty that make a thing surely there
SETTLING = 2                 # steps by which the window finds its thing in the last frame
LAGS = (1, 2, 4, 8, 15)      # frames before the last that are told of
FACTS = 2 * len(LAGS) + len(LAGS) + 2


class Trails(NamedTuple):
    place: Tensor  # (R, N, T, 2) x, y 0–1
    mass: Tensor   # (R, N, T) how surely it was there, 0–1


class Course(NamedTuple):
    """What is in each cell of the last frame, and what it did before."""
    facts: Tensor  # (..., N, FACTS)
    ways: Tensor   # (..., N, WAYS) which way it goes, nothing where nothing is

    @property
    def there(self) -> Tensor:
        """(..., N, 1) how surely something is there."""
        return self.facts[..., -2:-1]

    @property
    def age(self) -> Tensor:
        """(..., N, 1) for how much of the frames it was there."""
        return self.facts[..., -1:]


def chances(nouns: NounSpace, visual: Tensor, vectors: Tensor) -> Tensor:
    """How surely each quarter of a cell shows the noun: visual (B, T, N, C), vectors (B, R, M) → (B, R, T, 2g, 2g)."""
    return nouns.middle_match(visual, vectors).sigmoid()


def own_facts(nouns: NounSpace, visual: Tensor, grid: Tensor) -> Tensor:
    """Each cell's own noun, the one it shows most surely, followed from this cell: visual (B, T, N, C), grid (N, 2) → (B, N, FACTS)."""
    unit = nouns.unit()
    vectors = unit[nouns.fine_match(nouns.split(visual).best[:, -1], unit).argmax(1)]     # (B, N, M)
    chance = chances(nouns, visual, vectors).flatten(0, 1)                                # (B·N, T, 2g, 2g)
    windows = grid.repeat(visual.shape[0], 1)[:, None]                                    # (B·N, 1, 2)
    return facts_of(follow(chance, windows)).view(visual.shape[0], -1, FACTS)


def follow(chance: Tensor, windows: Tensor) -> Trails:
    """chance (R, T, G, G), windows (N, 2) or (R, N, 2) where they begin, in the last frame."""
    rows, frames, side, _ = chance.shape
    axis = (torch.arange(side, device=chance.device, dtype=chance.dtype) + 0.5) / side
    at = windows.to(chance.dtype).expand(rows, -1, -1)
    places: list[Tensor] = []
    masses: list[Tensor] = []
    for frame in range(frames - 1, -1, -1):
        here = chance[:, frame]
        for _ in range(SETTLING if frame == frames - 1 else 1):
            x, y = (torch.exp(-((axis - at[..., i:i + 1]) / WINDOW) ** 2 / 2) for i in (0, 1))   # (R, N, G)
            across = (y @ here) * x
            mass = across.sum(-1)
            middle = torch.stack([(across * axis).sum(-1), (((y * axis) @ here) * x).sum(-1)], -1) / (mass[..., None] + 1e-4)
            at = at + (middle - at) * (mass / (mass + 0.3))[..., None]                            # where nothing is, the window waits
        places.append(at)
        masses.append((mass / FULL).clamp(max=1))
    return Trails(torch.stack(places[::-1], 2), torch.stack(masses[::-1], 2))


def facts_of(trails: Trails) -> Tensor:
    """What is told of each cell: how far it came since each lag, whether it was there then, whether it is there now, its age. → (R, N, FACTS)."""
    frames = trails.mass.shape[2]
    then = [max(0, frames - 1 - lag) for lag in LAGS]
    now = trails.mass[:, :, -1:]
    came = torch.cat([(trails.place[:, :, -1] - trails.place[:, :, frame]) * 5 for frame in then], -1)
    there = torch.cat([trails.mass[:, :, frame:frame + 1] for frame in then], -1)
    return torch.cat([came * now, there * now, now, trails.mass.mean(2, keepdim=True) * now], -1)
