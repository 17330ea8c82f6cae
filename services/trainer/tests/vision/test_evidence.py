import pytest
import torch

from photographs import photograph
from trainer.backbones.evidence import COCO_CHANNELS, EVIDENCE_CHANNELS, GRID, Evidence, EvidenceMaps, boxes_of, covering_cells, ltrb_of, noun_matrix
from trainer.data.coco_nouns import COCO_NOUNS
from trainer.data.imagenet_nouns import IMAGENET_NOUNS


@pytest.fixture(scope='module')
def evidence() -> Evidence:
    torch.set_num_threads(1)
    return Evidence.pretrained()


def heat(maps: EvidenceMaps, noun: str) -> torch.Tensor:
    return torch.einsum('k,bkhw->bhw', noun_matrix([noun])[0], torch.cat([maps.coco, maps.imagenet], 1))[0]  # (20, 20)


def test_boxes_and_distances_are_inverse() -> None:
    boxes = torch.rand(2, 4, GRID, GRID)
    assert torch.allclose(boxes_of(ltrb_of(boxes)), boxes, atol=1e-5)


@pytest.mark.parametrize('cells', [28, 14, 7, 40, 20, 10, 32, 8, 13])
def test_every_cell_of_the_detector_speaks_somewhere_on_the_grid(cells: int) -> None:
    index = covering_cells(cells)
    assert index.shape[1] == GRID * GRID
    assert set(index.flatten().tolist()) == set(range(cells * cells))
    corner = index[:, 0].tolist()
    assert min(corner) == 0 and max(corner) < 2 * cells + 2  # the top left cell looks at the top left


@pytest.mark.parametrize(('picture', 'noun', 'box'), [
    ('dog-bicycle', 'dog', (0.17, 0.38, 0.40, 0.94)), ('yellow-car', 'automobile', (0.095, 0.22, 0.905, 0.79)), ('brown-couch', 'sofa', (0.0, 0.225, 0.99, 0.75)),
    ('desk', 'phone', (0.02, 0.47, 0.205, 0.845)), ('polar-bear', 'bear', (0.24, 0.33, 0.84, 0.755)),
])
def test_a_noun_peaks_on_its_thing_and_the_box_there_is_its_box(evidence: Evidence, picture: str, noun: str, box: tuple[float, ...]) -> None:
    maps = evidence(photograph(picture, 224))
    found = heat(maps, noun)
    row, column = divmod(int(found.argmax()), GRID)
    x0, y0, x1, y1 = boxes_of(maps.ltrb)[0, :, row, column].tolist()
    inter = max(0.0, min(x1, box[2]) - max(x0, box[0])) * max(0.0, min(y1, box[3]) - max(y0, box[1]))
    assert inter / ((x1 - x0) * (y1 - y0) + (box[2] - box[0]) * (box[3] - box[1]) - inter) > 0.5
    assert float(found.max()) > 0.2


@pytest.mark.parametrize(('picture', 'noun', 'other'), [('koala', 'koala', 'panda'), ('panda', 'panda', 'koala'), ('macaw', 'parrot', 'penguin'), ('hammer-blue', 'hammer', 'screwdriver'), ('pan', 'frying pan', 'pretzel')])
def test_the_classifier_knows_nouns_beyond_the_detector(evidence: Evidence, picture: str, noun: str, other: str) -> None:
    maps = evidence(photograph(picture, 224))
    assert float(heat(maps, noun).max()) > 0.5 > 0.05 > float(heat(maps, other).max())


def test_noun_matrix_understands_names_plurals_and_synonyms() -> None:
    matrix = noun_matrix(['cell phone', 'phones', 'mobile', 'oven', 'penguin', 'snowman'])
    assert matrix.shape == (6, EVIDENCE_CHANNELS)
    assert torch.equal(matrix[0], matrix[1]) and torch.equal(matrix[0], matrix[2])
    assert torch.allclose(matrix.sum(1), torch.tensor([1.0, 1.0, 1.0, 1.0, 1.0, 0.0]))
    assert matrix[4, :COCO_CHANNELS].sum() == 0


def test_the_tables_are_complete_and_their_classes_exist() -> None:
    assert len(COCO_NOUNS) == 80 == len({noun.name for noun in COCO_NOUNS})
    beyond = {row.noun.name for row in IMAGENET_NOUNS} - {noun.name for noun in COCO_NOUNS}
    assert len(beyond) >= 60
    assert all(0 <= number < 1000 for row in IMAGENET_NOUNS for number in row.classes)


def test_a_batch_is_seen_picture_by_picture(evidence: Evidence) -> None:
    pair = torch.cat([photograph('horses', 224), photograph('panda', 224)])
    together, alone = evidence(pair), evidence(pair[1:])
    assert all(torch.allclose(a[1:], b, atol=1e-4) for a, b in zip(together, alone))
