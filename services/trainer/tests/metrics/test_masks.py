"""Masks, by hand and against trackeval's J&F."""
import numpy as np
import pytest

from trainer.metrics.masks import best_constant_mask, boundary_f, ciou, giou, j_and_f, mask_iou, robustness


def square(x: int, y: int, side: int, size: int = 60) -> np.ndarray:
    mask = np.zeros((size, size), bool)
    mask[y:y + side, x:x + side] = True
    return mask


def test_iou_by_hand() -> None:
    assert mask_iou(square(0, 0, 10), square(5, 0, 10)) == pytest.approx(50 / 150)
    assert mask_iou(square(0, 0, 0), square(0, 0, 0)) == 1
    assert mask_iou(square(0, 0, 4), square(0, 0, 0)) == 0


def test_ciou_weighs_by_area_and_giou_does_not() -> None:
    pairs = [(square(0, 0, 20), square(0, 0, 20)), (square(0, 0, 2), square(30, 30, 2))]
    assert ciou(pairs) == pytest.approx(400 / 408)
    assert giou(pairs) == 0.5


def test_boundaries_by_hand() -> None:
    assert boundary_f(square(5, 5, 20), square(5, 5, 20)) == 1
    assert boundary_f(square(5, 5, 20), square(6, 5, 20)) == 1, 'one pixel is within the tolerance of a 60 × 60 picture'
    assert boundary_f(square(0, 0, 5), square(40, 40, 5)) == 0
    assert boundary_f(square(0, 0, 0), square(0, 0, 0)) == 1
    assert boundary_f(square(5, 5, 20), square(0, 0, 0)) == 0


def test_the_best_constant_mask() -> None:
    assert best_constant_mask([square(0, 0, 32, 64)] * 3) == 1
    assert best_constant_mask([square(0, 0, 32, 64), square(32, 32, 32, 64)]) == 0.5


def test_robustness_counts_what_is_seen_where_nothing_is() -> None:
    assert robustness([square(0, 0, 10)], [square(0, 0, 10)]) == 1
    assert robustness([square(0, 0, 20)], [square(0, 0, 10)]) == 0
    assert robustness([square(0, 0, 10)], [square(0, 5, 10)]) == 0.5


@pytest.mark.parametrize('seed', range(6))
def test_j_and_f_as_trackeval(seed: int) -> None:
    coco = pytest.importorskip('pycocotools.mask')
    metric = pytest.importorskip('trackeval').metrics.JAndF()
    rng = np.random.default_rng(seed)
    truth, predicted = [], []
    for _ in range(8):
        x, y, side = rng.integers(5, 60, 3)
        truth.append(square(x, y, side, 120))
        dx, dy, grow = rng.integers(-4, 5, 3)
        predicted.append(square(max(0, x + dx), max(0, y + dy), max(1, side + grow), 120) if rng.random() < 0.9 else np.zeros((120, 120), bool))

    def coded(masks: list[np.ndarray]) -> list[list[dict]]:
        return [[coco.encode(np.asfortranarray(m.astype(np.uint8)))] for m in masks]

    theirs = metric.eval_sequence({'num_timesteps': 8, 'num_tracker_ids': 1, 'num_gt_ids': 1, 'gt_dets': coded(truth), 'tracker_dets': coded(predicted),
                                   'gt_ids': [np.array([0])] * 8, 'tracker_ids': [np.array([0])] * 8})
    j, f = j_and_f(predicted, truth)
    assert (j, f) == (pytest.approx(theirs['J-Mean'], abs=1e-6), pytest.approx(theirs['F-Mean'], abs=1e-6))
