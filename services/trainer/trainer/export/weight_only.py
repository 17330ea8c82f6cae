"""Weights in blocks of small whole numbers, as MatMulNBits stores them: each block of a row has one scale, and is symmetric about zero."""
from typing import NamedTuple

import numpy as np

BLOCK = 32
ROWS = 8192  # quantised at a time: a table of words would need gigabytes at once


class Blocks(NamedTuple):
    packed: np.ndarray  # uint8 (N, K/block, block·bits/8)
    scales: np.ndarray  # float32 (N, K/block)
    bits: int


def to_blocks(weight: np.ndarray, bits: int, block: int = BLOCK) -> Blocks:
    """weight float32 (N, K), K a multiple of `block`."""
    assert weight.shape[1] % block == 0, f'{weight.shape[1]} columns do not divide into blocks of {block}'
    parts = [rows_to_blocks(weight[start:start + ROWS], bits, block) for start in range(0, len(weight), ROWS)]
    return Blocks(np.concatenate([packed for packed, _ in parts]), np.concatenate([scales for _, scales in parts]), bits)


def rows_to_blocks(weight: np.ndarray, bits: int, block: int) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = weight.shape
    half = 1 << (bits - 1)
    groups = weight.reshape(rows, columns // block, block)
    peak = np.take_along_axis(groups, np.abs(groups).argmax(-1)[..., None], -1)  # (N, K/block, 1), with its sign
    # The number of largest magnitude becomes −half, the one level that has no mirror image, so that all levels are used. Cutting it off for less error of the weights was
    # tried: the logits were no nearer.
    scales = (peak / -half).astype(np.float32)
    inverse = np.divide(1, scales, out=np.zeros_like(scales), where=scales != 0)
    packed = (np.clip(np.rint(groups * inverse), -half, half - 1) + half).astype(np.uint8)
    if bits == 4:
        packed = packed[..., 0::2] | (packed[..., 1::2] << 4)
    return packed, scales[..., 0]


def from_blocks(blocks: Blocks) -> np.ndarray:
    """The stored numbers, float32 (N, K)."""
    packed, scales, bits = blocks
    if bits == 4:
        levels = np.stack([packed & 15, packed >> 4], -1).reshape(*packed.shape[:2], -1)
    else:
        levels = packed
    values = (levels.astype(np.float32) - (1 << (bits - 1))) * scales[..., None]
    return values.reshape(values.shape[0], -1)
