"""How surely a noun is in the picture: asked of one noun or of all it is the same, and the frames before count."""
import torch

from trainer.config import TINY
from trainer.model import TpoModel
from trainer.vocabulary import COLOURS

CHANNELS = TINY.width + 5 * TINY.match + TINY.fine + 2 + len(COLOURS) + 1


def sight(model: TpoModel, batch: int = 2, frames: int = TINY.frames) -> torch.Tensor:
    return torch.randn(batch, frames, TINY.coarse ** 2, CHANNELS + model.backbone.nouns.noun_channels.shape[1])


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
