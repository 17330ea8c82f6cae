"""Masks against masks: IoU, gIoU and cIoU of referring segmentation, J and F of video object segmentation (DAVIS)."""
from collections.abc import Sequence
from math import ceil, hypot

import cv2
import numpy as np

TOLERANCE = 0.008   # of the diagonal


def mask_iou(a: np.ndarray, b: np.ndarray) -> float:
    """J: intersection over union of two (h, w) bool masks; two empty masks agree."""
    union = np.count_nonzero(a | b)
    return np.count_nonzero(a & b) / union if union else 1.0


def ciou(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> float:
    """Sum of the intersections over sum of the unions of a whole set."""
    shared = sum(np.count_nonzero(a & b) for a, b in pairs)
    union = sum(np.count_nonzero(a | b) for a, b in pairs)
    return shared / union if union else 1.0


def giou(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> float:
    """Mean of the IoUs."""
    return float(np.mean([mask_iou(a, b) for a, b in pairs])) if pairs else 0.0


def boundary(mask: np.ndarray) -> np.ndarray:
    """The one-pixel boundary of DAVIS: pixels that differ from their east, south or south-east neighbour."""
    east, south, corner = np.zeros_like(mask), np.zeros_like(mask), np.zeros_like(mask)
    east[:, :-1], south[:-1], corner[:-1, :-1] = mask[:, 1:], mask[1:], mask[1:, 1:]
    edge = (mask ^ east) | (mask ^ south) | (mask ^ corner)
    edge[-1] = mask[-1] ^ east[-1]
    edge[:, -1] = mask[:, -1] ^ south[:, -1]
    edge[-1, -1] = False
    return edge


def disk(radius: int) -> np.ndarray:
    line = np.arange(-radius, radius + 1)
    return (line[:, None]**2 + line**2 <= radius**2).astype(np.uint8)


def boundary_f(a: np.ndarray, b: np.ndarray) -> float:
    """F: harmonic mean of the shares of each boundary (prediction, truth) that the other's, widened by the tolerance, covers."""
    mine, theirs = boundary(a), boundary(b)
    n_mine, n_theirs = np.count_nonzero(mine), np.count_nonzero(theirs)
    if not n_mine or not n_theirs:
        return 1.0 if n_mine == n_theirs else 0.0
    kernel = disk(ceil(TOLERANCE * hypot(*a.shape)))
    precision = np.count_nonzero(mine & cv2.dilate(theirs.astype(np.uint8), kernel).astype(bool)) / n_mine
    recall = np.count_nonzero(theirs & cv2.dilate(mine.astype(np.uint8), kernel).astype(bool)) / n_theirs
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def j_and_f(predicted: Sequence[np.ndarray], truth: Sequence[np.ndarray]) -> tuple[float, float]:
    """Mean J and mean F of one object over its frames; J&F is their mean."""
    return (float(np.mean([mask_iou(a, b) for a, b in zip(predicted, truth, strict=True)])),
            float(np.mean([boundary_f(a, b) for a, b in zip(predicted, truth, strict=True)])))


def best_constant_mask(truths: Sequence[np.ndarray], side: int = 64) -> float:
    """Mean IoU of one mask given to all: the pixels set in more than a share of the truths, for the best share."""
    if not truths:
        return 0.0
    small = np.stack([cv2.resize(t.astype(np.uint8), (side, side), interpolation=cv2.INTER_NEAREST).astype(bool) for t in truths])
    often = small.mean(0)
    return max(float(np.mean([mask_iou(often > share, t) for t in small])) for share in np.arange(0.02, 0.6, 0.02))


def robustness(predicted: Sequence[np.ndarray], truth: Sequence[np.ndarray]) -> float:
    """ReVOS's R: one less the share of foreground that was predicted where nothing is, 0 at least."""
    false = sum(np.count_nonzero(p & ~t) for p, t in zip(predicted, truth, strict=True))
    foreground = sum(np.count_nonzero(t) for t in truth)
    return max(1 - false / foreground, 0.0) if foreground else float(false == 0)
