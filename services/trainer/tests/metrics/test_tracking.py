"""Tracks, by hand and against the got10k toolkit where it is installed."""
import numpy as np
import pytest

from trainer.metrics.tracking import average_overlap, id_switches, normalised_precision, overlaps, precision, success, success_rate

HERE, THERE = (0.0, 0.0, 0.2, 0.2), (0.5, 0.5, 0.7, 0.7)


def test_success_by_hand() -> None:
    assert success([HERE, HERE], [HERE, HERE]) == pytest.approx(20 / 21), 'IoU 1 is not above 1'
    assert success([HERE, None], [HERE, HERE]) == pytest.approx(10 / 21)
    assert success([HERE, HERE], [HERE, None]) == pytest.approx(20 / 21), 'where it is not there does not count'


def test_precision_by_hand() -> None:
    off = (0.05, 0.0, 0.25, 0.2)  # 5 pixels of 100 to the right: a quarter of its width
    assert precision([off], [HERE], 100, 100) == 1 and precision([off], [HERE], 1000, 1000) == 0
    assert normalised_precision([off], [HERE]) == pytest.approx(26 / 51)
    assert normalised_precision([None], [HERE]) == 0


def test_ao_leaves_out_the_first_frame_and_joins_all_sequences() -> None:
    assert average_overlap([([THERE, HERE], [HERE, HERE]), ([HERE, THERE, THERE], [HERE, HERE, HERE])]) == pytest.approx(1 / 3)
    assert success_rate([([HERE, HERE, THERE], [HERE, HERE, HERE])], 0.5) == 0.5


def test_switches_by_hand() -> None:
    a, b = [HERE] * 4, [THERE] * 4
    assert id_switches([HERE, HERE, THERE, THERE], [a, b]) == 1
    assert id_switches([HERE, None, (0.8, 0.8, 0.9, 0.9), HERE], [a, b]) == 0, 'lost and found again is no switch'
    assert id_switches([HERE, THERE, HERE, THERE], [a, b]) == 3


def test_as_got10k() -> None:
    toolkit = pytest.importorskip('got10k.utils.metrics')
    corners = np.sort(np.random.default_rng(0).random((2, 30, 2, 2)), axis=2)
    predicted, truth = ([tuple(box.reshape(-1)) for box in part] for part in corners)

    def rects(boxes: list) -> np.ndarray:
        return np.array([(a * 100, b * 100, (c - a) * 100, (d - b) * 100) for a, b, c, d in boxes])

    assert np.allclose(overlaps(predicted, truth), toolkit.rect_iou(rects(predicted), rects(truth)), atol=1e-6)
