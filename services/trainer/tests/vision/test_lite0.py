from collections.abc import Iterator

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from photographs import photograph
from trainer.backbones.lite0 import Lite0, SameConv, TAPS
from trainer.data.imagenet_nouns import IMAGENET_NOUNS
from trainer.data.photo_exam import Boxes, pictures

CLASSES_OF = {row.noun.name: row.classes for row in IMAGENET_NOUNS}


@pytest.fixture(scope='module')
def encoder() -> Iterator[Lite0]:
    torch.set_num_threads(1)
    yield Lite0.pretrained()


@pytest.fixture(scope='module')
def shown() -> list[tuple[Tensor, tuple[int, ...]]]:
    """Photographs with the classes of a large thing in them."""
    return [(photograph(picture.file[len('exam/'):-len('.jpg')], 160), CLASSES_OF[noun])
            for picture in pictures('exam') for noun, boxes in picture.regions.items() if noun in CLASSES_OF and largest(boxes) > 0.12]


def largest(boxes: Boxes) -> float:
    return max((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in boxes)


def recognised(encoder: Lite0, shown: list[tuple[Tensor, tuple[int, ...]]]) -> tuple[float, float]:
    """Share of pictures whose class comes first, and mean log probability of it."""
    likely = [encoder.classify(encoder(picture).s32).softmax(1)[0] for picture, _ in shown]
    right = [int(chance.argmax()) in classes for chance, (_, classes) in zip(likely, shown)]
    log = [float(chance[list(classes)].sum().clamp(min=1e-4).log()) for chance, (_, classes) in zip(likely, shown)]
    return sum(right) / len(right), sum(log) / len(log)


def test_every_published_tensor_is_used_and_the_taps_have_their_strides(encoder: Lite0) -> None:
    taps = encoder(torch.zeros(2, 160, 160, 3, dtype=torch.uint8))
    assert [tap.shape[1] for tap in taps] == list(TAPS.values())
    assert [160 // tap.shape[2] for tap in taps] == [4, 8, 16, 32]


def test_photographs_are_recognised(encoder: Lite0, shown: list[tuple[Tensor, tuple[int, ...]]]) -> None:
    assert len(shown) > 45
    assert recognised(encoder, shown)[0] > 0.5  # of 1000 classes, in pictures of several things


def test_same_padding_recognises_better_than_symmetric_padding(encoder: Lite0, shown: list[tuple[Tensor, tuple[int, ...]]], monkeypatch: pytest.MonkeyPatch) -> None:
    right, log = recognised(encoder, shown)

    def symmetric(self: SameConv, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight, self.bias, self.stride, self.kernel_size[0] // 2, groups=self.groups)

    monkeypatch.setattr(SameConv, 'forward', symmetric)
    other_right, other_log = recognised(encoder, shown)
    assert right > other_right
    assert log > other_log + 0.2


def test_mean_and_std_of_imagenet_recognise_as_well_as_tensorflow_s(encoder: Lite0, shown: list[tuple[Tensor, tuple[int, ...]]], monkeypatch: pytest.MonkeyPatch) -> None:
    right, _ = recognised(encoder, shown)
    monkeypatch.setattr(Lite0, 'normalise', lambda self, frames: (frames.permute(0, 3, 1, 2).float() - 127) / 128)
    assert abs(recognised(encoder, shown)[0] - right) <= 0.04

