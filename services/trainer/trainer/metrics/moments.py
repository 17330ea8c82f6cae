"""Spans against spans (QVHighlights' standalone_eval, without its rounding to two decimals): R1@m, mIoU, mAP, HIT@1, highlight AP."""
from collections.abc import Sequence

import numpy as np

Span = Sequence[float]  # start, end

AP_THRESHOLDS = tuple(np.round(np.arange(0.5, 0.96, 0.05), 2).tolist())
MOST_SPANS = 10


def span_iou(a: Span, b: Span) -> float:
    """Overlap over hull: the union where they overlap, 0 where they do not.

    >>> span_iou((0, 4), (2, 6))
    0.3333333333333333
    """
    shared = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    hull = max(a[1], b[1]) - min(a[0], b[0])
    return shared / hull if hull > 0 else 0.0


def top_iou(spans: Sequence[tuple[Span, float]], truths: Sequence[Span]) -> float:
    """IoU of the best-scoring span with the truth it fits best; R1@m is the share of asks where it is ≥ m, mIoU its mean."""
    if not spans or not truths:
        return 0.0
    best = max(spans, key=lambda entry: entry[1])[0]
    return max(span_iou(best, truth) for truth in truths)


def interpolated_ap(precision: np.ndarray, recall: np.ndarray) -> float:
    """Area under the precision-recall curve, VOC 2011."""
    precisions, recalls = np.concatenate(([0.0], precision, [0.0])), np.concatenate(([0.0], recall, [1.0]))
    precisions = np.maximum.accumulate(precisions[::-1])[::-1]
    steps = np.flatnonzero(recalls[1:] != recalls[:-1]) + 1
    return float(np.sum((recalls[steps] - recalls[steps - 1]) * precisions[steps]))


def average_precision(spans: Sequence[tuple[Span, float]], truths: Sequence[Span], threshold: float) -> float:
    """Of one question: at most ten spans, by falling score, each truth found once."""
    if not truths or not spans:
        return 0.0
    ordered = sorted(spans, key=lambda entry: -entry[1])[:MOST_SPANS]
    free = set(range(len(truths)))
    hits = np.zeros(len(ordered))
    for n, (span, _) in enumerate(ordered):
        for i in sorted(range(len(truths)), key=lambda j: -span_iou(span, truths[j])):
            if span_iou(span, truths[i]) < threshold:
                break
            if i in free:
                free.remove(i)
                hits[n] = 1
                break
    found = np.cumsum(hits)
    return interpolated_ap(found / np.arange(1, len(ordered) + 1), found / len(truths))


def mean_ap(asks: Sequence[tuple[Sequence[tuple[Span, float]], Sequence[Span]]]) -> float:
    """mAP over questions, then over IoU .5 to .95."""
    return float(np.mean([np.mean([average_precision(spans, truths, t) for spans, truths in asks]) for t in AP_THRESHOLDS])) if asks else 0.0


def hit_at_1(saliency: np.ndarray, ratings: np.ndarray, fewest: int = 4) -> bool:
    """Whether the highest clip of the saliency curve (n,) is rated at least `fewest` by any of the annotators (n, a)."""
    return bool((ratings[int(np.argmax(saliency))] >= fewest).any())


def highlight_ap(saliency: np.ndarray, ratings: np.ndarray, fewest: int = 4) -> float:
    """QVHighlights' highlight AP: per annotator, interpolated, all-negative 0 and all-positive 1; their mean. The curve is cut or filled with 0."""
    curve = np.zeros(len(ratings))
    curve[:min(len(curve), len(saliency))] = saliency[:len(curve)]
    return float(np.mean([ranked_ap(curve, ratings[:, a] >= fewest) for a in range(ratings.shape[1])]))


def ranked_ap(scores: np.ndarray, positive: np.ndarray) -> float:
    if positive.all() or not positive.any():
        return float(positive.all())
    order = np.argsort(-scores, kind='stable')
    last_of_ties = np.append(np.diff(scores[order]) != 0, True)
    found = np.cumsum(positive[order])[last_of_ties]
    ranks = (np.arange(len(scores)) + 1)[last_of_ties]
    precision = np.maximum.accumulate((found / ranks)[::-1])[::-1]
    rises = np.diff(np.concatenate(([0], found))) > 0
    return float(precision[rises].mean())


def best_constant_span(asks: Sequence[Sequence[Span]], steps: int = 24) -> tuple[float, tuple[float, float]]:
    """The span that as the answer to all has the highest mean IoU, with that mean."""
    asks = [truths for truths in asks if truths]
    best = (0.0, (0.0, 0.0))
    if not asks:
        return best
    grid = np.linspace(0, max(t[1] for truths in asks for t in truths), steps + 1)
    for a in range(steps):
        for b in range(a + 1, steps + 1):
            span = (float(grid[a]), float(grid[b]))
            mean = float(np.mean([max(span_iou(span, t) for t in truths) for truths in asks]))
            if mean > best[0]:
                best = (mean, span)
    return best
