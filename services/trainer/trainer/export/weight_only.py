"""Weights in blocks of small whole numbers, as MatMulNBits stores them: each block of a row has one scale, and is symmetric about zero."""
from typing import NamedTuple

import numpy as np

BLOCK = 32


class Blocks(NamedTuple):
    packed: np.ndarray  # uint8 (N, K/block, block·bits/8)
    scales: np.ndarray  # float32 (N, K/block)
    bits: int


def to_blocks(weight: np.ndarray, bits: int, block: int = BLOCK) -> Blocks:
    """weight float32 (N, K), K a multiple of `block`."""
    rows, columns = weight.shape
    assert columns % block == 0, f'{columns} columns do not divide into blocks of {block}'
    half = 1 << (bits - 1)
    groups = weight.reshape(rows, columns // block, block)
    peak = np.take_along_axis(groups, np.abs(groups).argmax(-1)[..., None], -1)[..., 0]  # (N, K/block), with its sign
    # The number of largest magnitude becomes −half, the one level that has no mirror image, so that all levels are used.
    scales = (peak / -half).astype(np.float32)
    inverse = np.divide(1, scales, out=np.zeros_like(scales), where=scales != 0)
    levels = np.clip(np.rint(groups * inverse[..., None]) + half, 0, 2 * half - 1).astype(np.uint8)
    if bits == 4:
        levels = levels[..., 0::2] | (levels[..., 1::2] << 4)
    return Blocks(levels, scales, bits)


def from_blocks(blocks: Blocks) -> np.ndarray:
    """The stored numbers, float32 (N, K)."""
    packed, scales, bits = blocks
    if bits == 4:
        levels = np.stack([packed & 15, packed >> 4], -1).reshape(*packed.shape[:2], -1)
    else:
        levels = packed
    values = (levels.astype(np.float32) - (1 << (bits - 1))) * scales[..., None]
    return values.reshape(values.shape[0], -1)
