"""Boxes against boxes: IoU, accuracy at a threshold, precision and recall of a set."""
from collections.abc import Sequence

import numpy as np

Box = Sequence[float]   # x0, y0, x1, y1


def iou(a: Box, b: Box) -> float:
    """Intersection over union; 0 where both are empty.

    >>> iou((0, 0, 2, 2), (1, 0, 3, 2))
    0.3333333333333333
    """
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(0.0, width) * max(0.0, height)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return shared / union if union > 0 else 0.0


def best_iou(boxes: Sequence[tuple[Box, float]], truth: Box) -> float:
    """IoU of the best-scoring box with the truth; REC's Acc@k is the share of asks where it is ≥ k. No box: 0."""
    return iou(max(boxes, key=lambda entry: entry[1])[0], truth) if boxes else 0.0


def matched(boxes: Sequence[tuple[Box, float]], truths: Sequence[Box], threshold: float = 0.5) -> int:
    """How many boxes find a truth: in falling score, each takes the free truth of highest IoU, if that is at least the threshold."""
    free = list(range(len(truths)))
    hits = 0
    for box, _ in sorted(boxes, key=lambda entry: -entry[1]):
        best = max(free, key=lambda i: iou(box, truths[i]), default=None)
        if best is not None and iou(box, truths[best]) >= threshold:
            free.remove(best)
            hits += 1
    return hits


def best_constant_box(truths: Sequence[Box], threshold: float = 0.5, steps: int = 8) -> tuple[float, tuple[float, float, float, float]]:
    """The box that, given as the answer to all, is right most often, with its share."""
    grid = np.linspace(0, 1, steps + 1)
    best: tuple[float, tuple[float, float, float, float]] = (0.0, (0.0, 0.0, 1.0, 1.0))
    array = np.asarray(truths, float).reshape(-1, 4)
    if not len(array):
        return best
    areas = (array[:, 2] - array[:, 0]) * (array[:, 3] - array[:, 1])
    for x0 in range(steps):
        for x1 in range(x0 + 1, steps + 1):
            width = np.clip(np.minimum(array[:, 2], grid[x1]) - np.maximum(array[:, 0], grid[x0]), 0, None)
            for y0 in range(steps):
                for y1 in range(y0 + 1, steps + 1):
                    shared = width * np.clip(np.minimum(array[:, 3], grid[y1]) - np.maximum(array[:, 1], grid[y0]), 0, None)
                    union = areas + (grid[x1] - grid[x0]) * (grid[y1] - grid[y0]) - shared
                    share = float((shared >= threshold * union).mean())
                    if share > best[0]:
                        best = (share, (float(grid[x0]), float(grid[y0]), float(grid[x1]), float(grid[y1])))
    return best
