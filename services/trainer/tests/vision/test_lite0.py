from collections.abc import Iterator

import pytest
import torch
from torch.nn import functional as F

from photographs import photograph
from trainer.backbones.lite0 import Lite0, SameConv, TAPS

# What each picture shows, as ImageNet classes.
SHOWN = {
    'cat-face': range(281, 286), 'koala': (105,), 'panda': (388,), 'macaw': (88,), 'crocodile': (49, 50), 'butterfly': range(321, 327), 'espresso': (504, 967, 968),
    'hammer-blue': (587,), 'screwdriver-red': (784,), 'pan': (567, 909), 'scale': (778,), 'volleyball': (890,), 'baseball': (429,), 'polar-bear': (296,),
    'orange': (950,), 'squirrel': (335,), 'yellow-car': (511, 817, 661, 468), 'motorcycle': (665, 670), 'couch-front': (831,), 'pillow': (721, 750),
}


@pytest.fixture(scope='module')
def encoder() -> Iterator[Lite0]:
    torch.set_num_threads(1)
    yield Lite0.pretrained()


def sureness(encoder: Lite0) -> tuple[float, float]:
    """Share of pictures whose class comes first, and mean log probability of it."""
    right, log = 0, 0.0
    for name, classes in SHOWN.items():
        likely = encoder.classify(encoder(photograph(name, 224)).s32).softmax(1)[0]
        right += int(likely.argmax()) in classes
        log += float(likely[list(classes)].sum().log())
    return right / len(SHOWN), log / len(SHOWN)


def test_every_published_tensor_is_used_and_the_taps_have_their_strides(encoder: Lite0) -> None:
    taps = encoder(torch.zeros(2, 160, 160, 3, dtype=torch.uint8))
    assert [tap.shape[1] for tap in taps] == list(TAPS.values())
    assert [160 // tap.shape[2] for tap in taps] == [4, 8, 16, 32]


def test_photographs_are_recognised(encoder: Lite0) -> None:
    right, _ = sureness(encoder)
    assert right >= 0.85


def test_same_padding_recognises_at_least_as_well_as_symmetric_padding(encoder: Lite0, monkeypatch: pytest.MonkeyPatch) -> None:
    right, log = sureness(encoder)

    def symmetric(self: SameConv, x: torch.Tensor) -> torch.Tensor:
        return F.conv2d(x, self.weight, self.bias, self.stride, self.kernel_size[0] // 2, groups=self.groups)

    monkeypatch.setattr(SameConv, 'forward', symmetric)
    other_right, other_log = sureness(encoder)
    assert right >= other_right
    assert log > other_log


def test_mean_and_std_of_imagenet_recognise_better_than_half_and_half(encoder: Lite0, monkeypatch: pytest.MonkeyPatch) -> None:
    right, log = sureness(encoder)
    monkeypatch.setattr(Lite0, 'normalise', lambda self, frames: (frames.permute(0, 3, 1, 2).float() - 127.0) / 128.0)
    other_right, other_log = sureness(encoder)
    assert right >= other_right
    assert log > other_log
