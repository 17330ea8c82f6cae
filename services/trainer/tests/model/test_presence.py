"""How surely a noun is in the picture: asked of one noun or of all it is the same, and the frames before count."""
import torch
from torch.nn.functional import layer_norm, pixel_unshuffle

from trainer.alignment import Alignment
from trainer.config import TINY
from trainer.model import TpoModel
from trainer.objective import presence_loss


def sight(model: TpoModel, batch: int = 2, frames: int = TINY.frames) -> torch.Tensor:
    return torch.randn(batch, frames, TINY.coarse ** 2, sum(model.backbone.nouns.widths))


@torch.no_grad()
def test_some_nouns_asked_for_are_as_sure_as_among_all() -> None:
    torch.manual_seed(0)
    model = TpoModel(TINY)
    nouns, visual = model.backbone.nouns, sight(model)
    asked = torch.tensor([[3, 7, 40], [0, 7, 9]])
    some = nouns.presence(visual, nouns.unit()[asked], nouns.noun_channels[asked])
    assert torch.allclose(some, nouns.presence(visual).gather(1, asked), atol=1e-4)


@torch.no_grad()
def test_a_single_picture_is_a_short_past() -> None:
    torch.manual_seed(0)
    model = TpoModel(TINY)
    assert model.backbone.nouns.presence(sight(model, frames=1)).isfinite().all()


@torch.no_grad()
def test_what_the_frames_before_saw_counts() -> None:
    torch.manual_seed(0)
    model = TpoModel(TINY)
    visual = sight(model, 1)
    other = visual.clone()
    other[:, -4:-1] = torch.randn_like(other[:, -4:-1])
    assert not torch.allclose(model.backbone.nouns.presence(visual), model.backbone.nouns.presence(other), atol=1e-6)


def quarters(model: TpoModel, shows: dict[int, dict[int, float]]) -> torch.Tensor:
    """One frame that is empty but for quarters of cells (by number, row by row) with a centre, each showing a mix of nouns."""
    nouns, side = model.backbone.nouns, 2 * TINY.coarse
    tower = torch.zeros(1, TINY.match, side, side)
    centres = torch.zeros(1, 1, side, side)
    for at, mix in shows.items():
        tower[0, :, at // side, at % side] = sum(share * nouns.unit()[noun] for noun, share in mix.items())
        centres[0, 0, at // side, at % side] = 1.0
    visual = torch.zeros(1, 1, TINY.coarse ** 2, sum(nouns.widths))
    parts = nouns.split(visual)
    flat = lambda maps: pixel_unshuffle(maps, 2).flatten(2).transpose(1, 2)[:, None]
    parts.middle.copy_(flat(layer_norm(tower.movedim(1, -1), [TINY.match]).movedim(-1, 1)))
    parts.peaks.copy_(flat(centres))
    return visual


def of_a_centre(model: TpoModel, visual: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    nouns = model.backbone.nouns
    return nouns.of_a_centre(visual, nouns.middle_match(visual, nouns.unit()).flatten(2))


@torch.no_grad()
def test_what_another_noun_explains_better_does_not_count_for_this_one() -> None:
    torch.manual_seed(0)
    model = TpoModel(TINY)
    alone, beside = (of_a_centre(model, quarters(model, {37: mix})) for mix in ({5: 1.0, 9: 0.1}, {5: 1.0, 9: 0.9}))
    assert alone[0][0, 5] > 2 and alone[0][0].argmax() == beside[0][0].argmax() == 5
    assert beside[1][0, 9] > 2 and beside[0][0, 9] < -1  # by itself it would be surely there; beside the other it is not


@torch.no_grad()
def test_a_tally_counts_centres_whole_wherever_they_are() -> None:
    torch.manual_seed(0)
    model = TpoModel(TINY)
    nouns = model.backbone.nouns
    visual = quarters(model, {0: {5: 1.0}, 1: {5: 1.0}, 11: {7: 1.0}, 99: {5: 1.0}, 55: {5: 0.1, 7: 1.0}})  # 0, 1 and 11 lie in one cell
    assert nouns.tally(visual, nouns.unit()[None, [5, 7, 9]])[0, :, 0].tolist() == [3.0, 2.0, 0.0]


def test_where_the_pretrained_eyes_were_not_asked_presence_is_not_judged() -> None:
    torch.manual_seed(0)
    model = TpoModel(TINY)
    visual, nouns = sight(model), len(model.backbone.nouns.vectors)
    truth = Alignment(*(torch.zeros(0) for _ in range(5)), torch.zeros(2, nouns), torch.ones(2, nouns))
    loss = lambda heard: presence_loss(model, visual, truth, 1.0, torch.tensor(heard))['presence']
    assert loss([0.0, 0.0]) == 0 and loss([1.0, 1.0]) > 0
    assert torch.allclose(loss([1.0, 1.0]) * 2, loss([1.0, 0.0]) + loss([0.0, 1.0]))
