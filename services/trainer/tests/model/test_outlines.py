"""Outlines on 80×80 cells: how they are kept for training, and what the mask head draws."""
import numpy as np
import torch

from trainer.backbones.nano_eyes import map_widths, split_map
from trainer.backbones.nano_neck import FOLDED
from trainer.config import TINY
from trainer.feature_cache import CachedThing, small_masks
from trainer.heads.mask import Masks
from trainer.losses.mask import mask_loss
from trainer.model import TpoModel


def test_the_share_of_a_cell_is_the_mean_of_its_pixels() -> None:
    masks = np.random.default_rng(0).random((2, 160, 160)) < 0.4
    thing = CachedThing('dog', '', np.zeros((2, 4)), np.ones(2, bool), np.ones(2, bool), small_masks(masks), 'still', np.packbits(masks.reshape(2, -1), axis=1))
    assert np.allclose(thing.share(1, 80), masks[1].reshape(80, 2, 80, 2).mean((1, 3)))
    assert np.abs(thing.share(0, 40) - thing.masks[0] / 255).max() < 0.01


def test_pixels_around_a_thing_weigh_alike_on_any_grid() -> None:
    """A miss right beside a thing costs more than one far off, on 40 cells and on 80."""
    for side in (40, 80):
        target = torch.zeros(1, side, side)
        target[:, side // 4:side // 2, side // 4:side // 2] = 1
        near, far = (torch.full((1, side, side), -8.0) for _ in range(2))
        for drawn in (near, far):
            drawn[target > 0] = 8.0
        near[:, side // 4, side // 2] = far[:, -1, -1] = 8.0
        cost = [float(mask_loss(Masks(drawn, torch.zeros(1), torch.zeros(1)), target)['bce']) for drawn in (near, far)]
        assert cost[0] > 5 * cost[1]


def test_an_outline_has_four_cells_of_the_map_each_way() -> None:
    torch.manual_seed(0)
    model, g = TpoModel(TINY).eval(), TINY.grid
    s8 = torch.randn(1, sum(map_widths(TINY)), g, g)
    s4 = torch.randn(1, FOLDED + TINY.skip + 2, 2 * g, 2 * g)
    with torch.no_grad():
        found = model.mask.decode(split_map(s8, TINY), s4, model.mask.prompt_boxes(torch.tensor([[0.1, 0.1, 0.5, 0.5]])), torch.zeros(1), model.mask.no_memory(1))
        tokens = model.mask.memorise(split_map(s8, TINY), found.mask, found.object.sigmoid(), model.mask.no_memory(1))
    assert found.mask.shape == (1, 4 * g, 4 * g) and tokens.shape == (1, model.mask.memory_tokens, TINY.memory)
