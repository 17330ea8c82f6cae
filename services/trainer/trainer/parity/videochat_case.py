"""The inputs on which VideoChat is compared with its public code: seeded, so both programs make the same."""
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from trainer.backbones.videochat.config import VIDEOCHAT_TINY as C
from trainer.backbones.videochat.tokens import TOKENS, TokenIds
from trainer.parity.seeded import seeded

FIXTURE = Path(__file__).parent / 'videochat.safetensors'
# Prompts that are answered freely, as (weights, prompt) seeds: chosen so that every task is pointed at, and that some point at nothing.
PROMPTS = ((0, 1), (0, 2), (0, 7), (0, 9), (0, 11), (0, 17), (0, 27), (0, 35), (2, 3), (2, 5), (2, 6), (2, 7))
SPECIAL = TokenIds(C.vocabulary - len(TOKENS))
VISUAL = C.queries + C.extra_queries


class Case(NamedTuple):
    video: Tensor      # (1, 3, T, H, W)
    ids: Tensor        # (1, S)
    where: Tensor      # (1, S) bool: the video's places
    places: list[int]  # of the three task tokens
    boxes: Tensor      # (1, 4)
    words: Tensor      # (2, W, d)
    word_mask: Tensor  # (2, W)
    clips: Tensor      # (2, L, clip)
    clip_mask: Tensor  # (2, L)


def case(seed: int = 0) -> Case:
    """seed 0 holds one of every special token; others are ordinary words, to be answered."""
    words = (seeded('words', 12, seed=seed).abs() * 20).long().clamp(3, C.vocabulary - len(TOKENS) - 1).tolist()
    of = SPECIAL.of
    tail = [of('<track_box>'), of('<box_begin>'), of('<boxes>'), words[4], of('<time_begin>'), of('<temp>'), of('<track_begin>'), of('<tracking>')] if seed == 0 else words[4:]
    ids = torch.tensor([[1, *words[:2], *[0] * VISUAL, *words[2:4], *tail]])
    where = torch.zeros_like(ids, dtype=torch.bool)
    where[0, 3:3 + VISUAL] = True
    row = ids[0].tolist()
    places = [row.index(of(name)) for name in ('<boxes>', '<temp>', '<tracking>')] if seed == 0 else []
    masks = torch.ones(2, 7), torch.ones(2, 9)
    masks[0][1, 4:] = 0
    masks[1][0, 6:] = 0
    return Case(seeded('video', 1, 3, C.frames, C.picture, C.picture), ids, where, places, torch.tensor([[0.2, 0.3, 0.6, 0.9]]),
                seeded('text', 2, 7, C.width), masks[0], seeded('clips', 2, 9, C.moment.clip), masks[1])
