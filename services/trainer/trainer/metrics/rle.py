"""Masks as COCO's run-length strings, the form that masks travel and are stored in.

Runs go down the columns, the first run counts zeros. Each run is written as the difference to the run two before it (from the fourth on), in groups of
five bits from the lowest, a sixth bit saying that more follow, plus 48 as a character. The same as `pycocotools.mask`, checked against it in the tests.
"""
from typing import TypedDict

import numpy as np


class Rle(TypedDict):
    size: list[int]     # [h, w]
    counts: str


def encode(mask: np.ndarray) -> Rle:
    """(h, w) bool → run-length string.

    >>> encode(np.array([[0, 1], [0, 1]], bool))
    {'size': [2, 2], 'counts': '22'}
    """
    flat = mask.astype(bool).T.reshape(-1)
    changes = np.flatnonzero(np.diff(flat)) + 1
    edges = np.concatenate(([0], changes, [flat.size]))
    runs = np.diff(edges).tolist()
    if flat.size and flat[0]:
        runs.insert(0, 0)
    return {'size': [int(mask.shape[0]), int(mask.shape[1])], 'counts': to_string(runs)}


def decode(rle: Rle) -> np.ndarray:
    """Run-length string → (h, w) bool. A string that does not fill the size exactly is refused."""
    height, width = rle['size']
    runs = from_string(rle['counts'])
    if sum(runs) != height * width or min(runs, default=0) < 0:
        raise ValueError(f'The runs cover {sum(runs)} pixels; a mask of {height} × {width} has {height * width}.')
    values = np.zeros(len(runs), bool)
    values[1::2] = True
    return np.repeat(values, runs).reshape(width, height).T


def to_string(runs: list[int]) -> str:
    out: list[str] = []
    for i, run in enumerate(runs):
        value = run - runs[i - 2] if i > 2 else run
        more = True
        while more:
            group = value & 0x1F
            value >>= 5
            more = value != -1 if group & 0x10 else value != 0
            out.append(chr((group | 0x20 if more else group) + 48))
    return ''.join(out)


def from_string(text: str) -> list[int]:
    runs: list[int] = []
    position = 0
    while position < len(text):
        value, shift, more = 0, 0, True
        while more:
            if position >= len(text):
                raise ValueError('The run-length string ends in the middle of a number.')
            group = ord(text[position]) - 48
            if not 0 <= group < 64:
                raise ValueError(f'The run-length string has a character {text[position]!r} that COCO does not use.')
            value |= (group & 0x1F) << shift
            more = bool(group & 0x20)
            position, shift = position + 1, shift + 5
            if not more and group & 0x10:
                value |= -1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
    return runs
