"""The region head hears the pretrained eyes where they speak of the noun."""
import pytest
import torch
from torch import Tensor

from trainer.backbones.evidence import EVIDENCE_CHANNELS, GRID, ltrb_of
from trainer.backbones.nano_eyes import HeadMap
from trainer.config import TINY
from trainer.heads.conditioning import Named
from trainer.heads.region import RegionHead
from trainer.model import TpoModel
from trainer.said import EVENTS, MOTIONS, SIDES
from trainer.vocabulary import COLOURS, vocabulary

BOX = torch.tensor([0.2, 0.3, 0.6, 0.9])


@pytest.fixture
def head(monkeypatch: pytest.MonkeyPatch) -> RegionHead:
    """An untrained head whose state names the noun `oven`."""
    torch.manual_seed(0)
    noun = torch.zeros(1, len(vocabulary().nouns))
    noun[0, vocabulary().place_of('oven')] = 30
    model = TpoModel(TINY).eval()
    monkeypatch.setattr(type(model.reader), 'forward', lambda self, state: Named(noun, *(torch.zeros(1, classes) for classes in (len(COLOURS) + 1, len(SIDES) + 1, len(MOTIONS) + 1, len(EVENTS) + 1, noun.shape[1] + 1, TINY.coarse ** 2))))
    return model.region


def picture(evidence: float, elsewhere: float = 0.0, photograph: float = -50.0) -> HeadMap:
    """Nothing to see, and evidence of an oven in the middle of BOX; and of another at the right."""
    torch.manual_seed(1)
    known = torch.zeros(1, EVIDENCE_CHANNELS, GRID, GRID)
    known[0, 69, 12, 8] = evidence  # COCO's 70th noun is the oven
    known[0, 69, 4, 17] = elsewhere
    boxes = BOX.view(1, 4, 1, 1).expand(1, 4, GRID, GRID)
    return HeadMap(torch.randn(1, TINY.features, GRID, GRID), torch.randn(1, TINY.match, GRID, GRID), torch.zeros(1, len(COLOURS) + 1, GRID, GRID),
                   torch.zeros(1, 1, GRID, GRID), torch.zeros(1, 4, GRID, GRID), torch.zeros(1, 1, GRID, GRID), known, ltrb_of(boxes), torch.full((1, 1, GRID, GRID), photograph))


def answered(head: RegionHead, evidence: float, elsewhere: float = 0.0, photograph: float = -50.0) -> tuple[Tensor, Tensor, Tensor]:
    with torch.no_grad():
        found = head(picture(evidence, elsewhere, photograph), torch.zeros(1, TINY.width))
    return found.boxes[0], found.scores[0], found.object[0]


def test_where_they_speak_their_box_is_taken(head: RegionHead) -> None:
    boxes, _, _ = answered(head, 0.8)
    assert torch.allclose(boxes[0], BOX, atol=0.02)


def test_where_they_are_silent_the_box_is_the_head_s_own(head: RegionHead) -> None:
    boxes, _, _ = answered(head, 0.0)
    assert (boxes[0] - BOX).abs().max() > 0.05


def heat_at(head: RegionHead, x: int, y: int, evidence: float, elsewhere: float, photograph: float = -50.0) -> float:
    with torch.no_grad():
        return float(head.maps(picture(evidence, elsewhere, photograph), torch.zeros(1, TINY.width)).heat[0, 0, y, x])


@pytest.mark.parametrize('photograph', (-50.0, 50.0))
def test_a_place_known_much_less_well_than_the_surest_is_not_heard(head: RegionHead, photograph: float) -> None:
    little, much = (heat_at(head, 17, 4, 0.8, elsewhere, photograph) for elsewhere in (0.35, 0.75))
    assert little < 0 < much and much > little + 5


def test_on_a_photograph_a_noun_is_where_it_is_known_and_there_if_known_well_enough(head: RegionHead) -> None:
    with torch.no_grad():
        head.outputs.bias[0] += 20.0  # drawn things say it is everywhere
        try:
            drawn, photo = (head.maps(picture(0.8, photograph=which), torch.zeros(1, TINY.width)).heat.flatten() for which in (-50.0, 50.0))
        finally:
            head.outputs.bias[0] -= 20.0
    assert (drawn > 0).float().mean() > 0.9 and (photo > 0).sum() == 1
    assert [answered(head, known, photograph=50.0)[2] > 0.5 for known in (0.2, 0.4)] == [False, True]  # the detector alone counts three quarters


def test_evidence_raises_presence_and_score(head: RegionHead) -> None:
    _, scores, present = answered(head, 0.8)
    _, low_scores, low_present = answered(head, 0.05)
    assert present > low_present and scores[0] > low_scores[0]


def test_in_training_nothing_is_heard(head: RegionHead) -> None:
    """Drawn things would teach it to work against what it hears."""
    boxes, _, served = answered(head, 0.8)
    learning, _, present = answered(head.train(), 0.8)
    assert served > 0.99 > present + 0.2
    assert torch.allclose(boxes[0], BOX, atol=0.02) and not torch.allclose(learning[0], BOX, atol=0.02)
