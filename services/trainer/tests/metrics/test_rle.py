"""Masks as run lengths, against pycocotools."""
import numpy as np
import pytest

from trainer.metrics.rle import decode, encode

coco = pytest.importorskip('pycocotools.mask')


@pytest.mark.parametrize('seed', range(12))
def test_the_same_string_as_pycocotools(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 90, 2))
    mask = rng.random(shape) < rng.choice([0.02, 0.5, 0.98]) if seed % 2 else np.add.outer(np.arange(shape[0]), np.arange(shape[1])) % 17 < 9
    mine, theirs = encode(mask), coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    assert mine['counts'] == theirs['counts'].decode()
    assert np.array_equal(decode(mine), mask)


def test_empty_and_full() -> None:
    for mask in (np.zeros((3, 5), bool), np.ones((3, 5), bool)):
        assert np.array_equal(decode(encode(mask)), mask)
    with pytest.raises(ValueError, match='cover 4 pixels; a mask of 3 × 3 has 9'):
        decode({'size': [3, 3], 'counts': '22'})
    with pytest.raises(ValueError, match='middle of a number'):
        decode({'size': [3, 3], 'counts': 'o'})
