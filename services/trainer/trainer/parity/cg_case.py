"""The inputs on which CG-DETR's training is compared with its public code: seeded, so both programs make the same."""
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from trainer.backbones.videochat.config import VIDEOCHAT_TINY as C
from trainer.parity.seeded import seeded

FIXTURE = Path(__file__).parent / 'cg_training.safetensors'
CLIPS = 8
# Three different videos; and five rows of which three stand before another question about the same video. The third row of both is shorter.
VIDEOS = {'different': ['a', 'b', 'c'], 'mixed': ['a', 'a', 'a', 'b', 'b']}
CASES = tuple(VIDEOS)
SPANS = {'different': [[[0.25, 0.5]], [[0.0, 0.25], [0.75, 0.875]], [[0.0, 0.5]]], 'mixed': [[[0.25, 0.5]]] * 2 + [[[0.0, 0.5]]] + [[[0.5, 0.75]]] * 2}
LABELS = {
    'different': [[0., 0, 1, 1, 0, 0, 0, 0], [3., 3, 0, 0, 0, 0, 12, 0], [1., 1, 1, 0, 0, 0, 0, 0]],
    'mixed': [[0., 0, 1, 1, 0, 0, 0, 0]] * 2 + [[1., 1, 0, 0, 0, 0, 0, 0]] + [[0., 0, 0, 0, 6, 6, 0, 0]] * 2,
}


class Inputs(NamedTuple):
    words: Tensor      # (B, W, d)
    word_mask: Tensor  # (B, W)
    clips: Tensor      # (B, L, clip)
    clip_mask: Tensor  # (B, L)
    states: Tensor     # (B, d)


def inputs(name: str) -> Inputs:
    rows = len(VIDEOS[name])
    word_mask, clip_mask = torch.ones(rows, 6), torch.ones(rows, CLIPS)
    word_mask[1, 4:] = 0
    clip_mask[2, 6:] = 0
    return Inputs(seeded(f'{name} words', rows, 6, C.width), word_mask, seeded(f'{name} clips', rows, CLIPS, C.moment.clip), clip_mask, seeded(f'{name} states', rows, C.width))
