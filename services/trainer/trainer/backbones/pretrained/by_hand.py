"""Prompts without words, as a hand gives them: how one thing that is seen is pointed out in training."""
from dataclasses import dataclass
from random import Random

import numpy as np
import torch
from torch import Tensor

from trainer.heads.shared.mask import SharedMaskHead
from trainer.rows import jittered, points_in

POINTS, BOX, MASK = range(3)
SURE = 10.0  # how sure a pixel of a drawn mask is, as a logit


@dataclass
class Drawn:
    box: Tensor      # (4), not quite where the thing is
    points: Tensor   # (3, 3) x, y, label: the first inside, others in or out, −1 padding


def drawn(box: np.ndarray, share: np.ndarray, rng: Random) -> Drawn:
    """box (4), share (h, w) of each cell that is the thing."""
    return Drawn(torch.from_numpy(jittered(box, rng)), torch.from_numpy(points_in(share, rng)))


def prompts(head: SharedMaskHead, things: list[Drawn], outlines: Tensor, kinds: Tensor) -> Tensor:
    """outlines (n, 2G, 2G) share of each cell, kinds (n) → a prompt each, of its kind."""
    of = lambda name: torch.stack([getattr(thing, name) for thing in things]).to(outlines)
    ways = torch.stack([head.prompt_points(of('points')), head.prompt_boxes(of('box')), head.prompt_mask((2 * outlines - 1) * SURE)])
    return ways[kinds, torch.arange(len(kinds))]
