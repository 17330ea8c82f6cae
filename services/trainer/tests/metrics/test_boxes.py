"""Boxes, by hand and against pycocotools."""
import numpy as np
import pytest

from trainer.metrics.boxes import best_constant_box, best_iou, iou, matched


def test_iou_by_hand() -> None:
    assert iou((0, 0, 1, 1), (0, 0, 1, 1)) == 1
    assert iou((0, 0, 0.5, 1), (0.5, 0, 1, 1)) == 0
    assert iou((0, 0, 0.5, 1), (0.25, 0, 0.75, 1)) == pytest.approx(1 / 3)
    assert iou((0, 0, 0, 0), (0, 0, 0, 0)) == 0


def test_iou_as_pycocotools() -> None:
    coco = pytest.importorskip('pycocotools.mask')
    corners = np.sort(np.random.default_rng(0).random((2, 20, 2, 2)), axis=2)  # (2, 20, [low, high], [x, y])
    a, b = corners[:, :, 0], corners[:, :, 1] - corners[:, :, 0]
    theirs = coco.iou(np.concatenate([a[0], b[0]], 1), np.concatenate([a[1], b[1]], 1), [0] * 20)
    mine = [[iou(corners[0, i].reshape(-1), corners[1, j].reshape(-1)) for j in range(20)] for i in range(20)]
    assert np.allclose(mine, theirs, atol=1e-9)


def test_the_best_scoring_box_counts() -> None:
    truth = (0.0, 0.0, 0.5, 0.5)
    assert best_iou([((0, 0, 0.5, 0.5), 0.4), ((0.5, 0.5, 1, 1), 0.9)], truth) == 0
    assert best_iou([], truth) == 0


def test_matching_uses_each_truth_once() -> None:
    truths = [(0, 0, 0.4, 0.4), (0.6, 0.6, 1, 1)]
    assert matched([((0, 0, 0.4, 0.4), 0.9), ((0, 0, 0.4, 0.38), 0.8)], truths) == 1
    assert matched([((0, 0, 0.4, 0.4), 0.9), ((0.6, 0.62, 1, 1), 0.3)], truths) == 2
    assert matched([], truths) == 0 == matched([((0, 0, 1, 1), 1)], [])


def test_the_best_constant_box_is_found() -> None:
    share, box = best_constant_box([(0.25, 0.25, 0.75, 0.75)] * 3 + [(0.0, 0.0, 0.1, 0.1)])
    assert share == 0.75 and iou(box, (0.25, 0.25, 0.75, 0.75)) >= 0.5
