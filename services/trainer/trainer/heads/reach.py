"""Where a thing that is followed cannot be: too far from where it was, or where another of its look has been standing all along.

Things of one look are told apart by this alone. What looks like the thing and is not it (a rival; the distractors of DAM4SAM, Videnovic et al.,
CVPR 2025) is kept from frame to frame as a map: cells that look alike, apart from the thing while it was seen, or where rivals were a moment ago.
No weight is trained here, and in training it rests: frames of a lesson lie further apart than those of a stream.
"""
import torch
from torch import Tensor
from torch.nn import functional as F

STEP, LEAP = 2, 4   # cells of twenty that a thing goes from one frame to the next, and that it may be off when seen again
GONE = 8.5          # frames after which it may be anywhere
APART = 2           # cells between the thing and what is surely another
THERE = 0.3         # share of a cell
ALIKE = 0.5         # cosine of looks


def out_of_reach(rough: Tensor, last: Tensor, since: Tensor) -> Tensor:
    """Where a thing cannot be, having been at `last` a moment ago: rough and last (Q, 1, G, G), since (Q) frames → (Q, 1, G, G) 0–1.

    Within a step's reach something sure rules out all that lies beyond; a longer way off it is looked for at once only where it has been gone for a while.
    """
    was = (last > THERE).to(rough.dtype)
    known = was.amax((1, 2, 3), keepdim=True)
    step, leap = grown(was, STEP), grown(was, LEAP)
    sure = ((rough + (step - 1) * 1e4).amax((1, 2, 3), keepdim=True)).sigmoid()
    recent = (since < GONE).to(rough.dtype)[:, None, None, None]
    return known * torch.maximum((1 - step) * sure, (1 - leap) * recent)


def taken(rivals: Tensor, last: Tensor, since: Tensor, velocity: Tensor) -> Tensor:
    """Where rivals may be by now: rivals and last (Q, 1, G, G), since (Q) frames, velocity (Q, 2) cells a frame → (Q, 1, G, G) 0/1.

    Where the thing was seen a moment ago, it and its rivals grow towards each other from where they were, the thing first, moved on as it was moving.
    """
    here = (moved(last, velocity) > THERE).to(last.dtype)
    theirs = rivals * (1 - here)
    for _ in range(STEP):
        here = torch.maximum(here, grown(here, 1) * (1 - theirs))
        theirs = torch.maximum(theirs, grown(theirs, 1) * (1 - here))
    return torch.where((since < 1.5)[:, None, None, None], theirs, grown(rivals, STEP))


def rivals_of(alike: Tensor, share: Tensor, seen: Tensor, before: Tensor, claimed: Tensor) -> Tensor:
    """What looks like the thing and is not it: alike and share (of it in each cell), before (rivals) and claimed (`taken`) (Q, 1, G, G), seen (Q, 1, 1, 1) 0/1."""
    there = (share > THERE).to(share.dtype)
    while_seen = torch.maximum(1 - grown(there, APART), claimed * (1 - there))
    return alike * torch.where(seen > 0.5, while_seen, grown(before, STEP))


def grown(cells: Tensor, reach: int) -> Tensor:
    return F.max_pool2d(cells, 2 * reach + 1, 1, reach)


def moved(cells: Tensor, by: Tensor) -> Tensor:
    """cells (Q, 1, G, G) moved by (Q, 2) cells to the right and down, at most three each."""
    side = torch.arange(cells.shape[-1], device=cells.device, dtype=cells.dtype)
    hats = (1 - (side[:, None] - side[None] - by.round().clamp(-3, 3)[:, :, None, None]).abs()).clamp(min=0)   # (Q, 2, to, from)
    return hats[:, 1:] @ cells @ hats[:, :1].transpose(2, 3)


def middle(cells: Tensor) -> Tensor:
    """(Q, 1, G, G) → its middle (Q, 2) x, y in cells."""
    side = torch.arange(cells.shape[-1], device=cells.device, dtype=cells.dtype)
    weight = cells / cells.sum((2, 3), keepdim=True).clamp(min=1e-3)
    return torch.cat([(weight.sum(2) * side).sum(-1), (weight.sum(3) * side).sum(-1)], 1)
