import pytest
import torch

from graph_interpreter import run_graph
from photographs import photograph
from trainer.backbones.nanodet import BINS, CLASSES, MEAN, NanoDet, STD
from trainer.backbones.nanodet_weights import module_names, nanodet_package


@pytest.fixture(scope='module')
def detector() -> NanoDet:
    torch.set_num_threads(1)
    return NanoDet.pretrained()


def test_the_rebuilt_detector_computes_what_the_published_graph_computes(detector: NanoDet) -> None:
    frames = photograph('dog-bicycle', 416)
    pixels = (frames.permute(0, 3, 1, 2).flip(1).float() - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)
    published = run_graph(nanodet_package(), pixels, ['Identity', 'Identity_1', 'Identity_2', 'Identity_3', 'Identity_4', 'Identity_5'])
    with torch.no_grad():
        levels = detector(frames)
    for level, scores, bins in zip(levels, published[:3], published[3:]):
        assert torch.allclose(level.scores.flatten(2).transpose(1, 2), scores, atol=1e-4)
        likely = bins.unflatten(2, (4, BINS)).softmax(-1)  # (1, cells, 4, 11)
        expected = (likely * torch.arange(BINS)).sum(-1) * level.stride
        assert torch.allclose(level.ltrb.flatten(2).transpose(1, 2), expected, atol=1e-2)


def test_every_convolution_of_the_graph_has_a_name() -> None:
    assert len(module_names()) == 34 == len(set(module_names()))
    assert sum(p.numel() for p in NanoDet().parameters()) == 3_786_068


@pytest.mark.parametrize(('picture', 'channel', 'box'), [
    ('dog-bicycle', 16, (0.17, 0.38, 0.40, 0.94)), ('dog-bicycle', 1, (0.165, 0.235, 0.74, 0.735)), ('yellow-car', 2, (0.095, 0.22, 0.905, 0.79)),
    ('polar-bear', 21, (0.24, 0.33, 0.84, 0.755)), ('motorcycle', 3, (0.135, 0.17, 0.925, 0.905)),
])
def test_its_boxes_lie_on_the_things(detector: NanoDet, picture: str, channel: int, box: tuple[float, ...]) -> None:
    with torch.no_grad():
        levels = detector(photograph(picture, 320))
    best = max(levels, key=lambda level: float(level.scores[0, channel].max()))
    assert best.scores.shape[1] == CLASSES
    row, column = divmod(int(best.scores[0, channel].argmax()), best.scores.shape[3])
    x, y = (column + 0.5) * best.stride, (row + 0.5) * best.stride
    left, top, right, bottom = best.ltrb[0, :, row, column].tolist()
    assert overlap(((x - left) / 320, (y - top) / 320, (x + right) / 320, (y + bottom) / 320), box) > 0.6


def overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    inter = max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    return inter / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inter)
