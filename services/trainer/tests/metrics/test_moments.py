"""Spans, by hand; highlight AP against scikit-learn's curve where it is installed."""
import numpy as np
import pytest

from trainer.metrics.moments import average_precision, best_constant_span, highlight_ap, hit_at_1, mean_ap, span_iou, top_iou


def test_iou_by_hand() -> None:
    assert span_iou((0, 10), (5, 15)) == pytest.approx(5 / 15)
    assert span_iou((0, 10), (20, 30)) == 0
    assert span_iou((3, 3), (3, 3)) == 0, 'no length, no overlap'


def test_the_top_span_meets_the_truth_it_fits_best() -> None:
    truths = [(0, 2), (10, 14)]
    assert top_iou([((10, 14), 0.9), ((0, 2), 0.8)], truths) == 1
    assert top_iou([((5, 6), 0.9), ((0, 2), 0.8)], truths) == 0
    assert top_iou([], truths) == 0


def test_average_precision_by_hand() -> None:
    truths = [(0, 10), (20, 30)]
    right, wrong, other = ((0, 10), 0.9), ((50, 60), 0.8), ((20, 30), 0.7)
    assert average_precision([right, other], truths, 0.5) == 1
    assert average_precision([right, wrong, other], truths, 0.5) == pytest.approx(0.5 + 0.5 * 2 / 3)
    assert average_precision([right, ((0, 9), 0.8)], truths, 0.5) == 0.5, 'a truth is found once'
    assert average_precision([right, other], truths, 0.95) == 1
    assert mean_ap([([((0, 8), 1.0)], [(0, 10)])]) == pytest.approx(0.7), 'IoU .8 passes .5 to .8, seven of ten'


def test_only_ten_spans_count() -> None:
    wrong = [((100 + i, 100.5 + i), 1 - i / 100) for i in range(10)]
    assert average_precision([*wrong, ((0, 10), 0.1)], [(0, 10)], 0.5) == 0
    assert average_precision([*wrong[:9], ((0, 10), 0.1)], [(0, 10)], 0.5) == pytest.approx(0.1)


def test_highlights_by_hand() -> None:
    ratings = np.array([[4, 1, 0], [0, 0, 0], [4, 4, 2]])
    assert hit_at_1(np.array([0.1, 0.2, 0.9]), ratings) and not hit_at_1(np.array([0.1, 0.9, 0.2]), ratings)
    assert highlight_ap(np.array([0.9, 0.1, 0.8]), ratings) == pytest.approx((1 + 0.5 + 0) / 3)


@pytest.mark.parametrize('seed', range(5))
def test_highlight_ap_as_the_official_code(seed: int) -> None:
    sklearn = pytest.importorskip('sklearn.metrics')
    rng = np.random.default_rng(seed)
    scores, ratings = np.round(rng.random(30), 1 if seed % 2 else 3), rng.integers(0, 5, (30, 3))

    def official(labels: np.ndarray) -> float:
        precision, recall, _ = sklearn.precision_recall_curve(labels, scores)
        precision = precision[::-1].copy()
        recall = recall[::-1]
        precision = np.maximum.accumulate(precision[::-1])[::-1]
        rises = np.where(np.diff(recall))[0] + 1
        return float(np.mean(precision[rises]))

    assert highlight_ap(scores, ratings) == pytest.approx(np.mean([official(ratings[:, a] >= 4) for a in range(3)]), abs=1e-9)


def test_the_best_constant_span_is_found() -> None:
    value, span = best_constant_span([[(0, 12)], [(0, 12)], [(20, 24)]], steps=24)
    assert span == (0, 12) and value == pytest.approx(2 / 3)
