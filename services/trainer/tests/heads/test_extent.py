import torch

from trainer.heads.extent import BETWEEN, SIZES, between, extent_of, sizes_of


def block(left: int, top: int, right: int, bottom: int) -> torch.Tensor:
    """One frame that is sure of these cells: (1, 1, 10, 10)."""
    chance = torch.zeros(1, 1, 10, 10)
    chance[..., top:bottom, left:right] = 1
    return chance


def test_half_a_thing_has_half_the_mass_and_a_sliver_lies_on_the_border():
    frames = extent_of(torch.cat([block(0, 3, 1, 7), block(0, 3, 2, 7), block(3, 3, 7, 7)], 1))
    assert frames.mass[0, :, 0].tolist() == [4, 8, 16]
    assert frames.border[0, :, 0].tolist() == [4, 4, 0]
    sizes = sizes_of(frames)
    assert sizes.shape == (1, 3, SIZES) and sizes[0, 0, 2] < sizes[0, 1, 2] < sizes[0, 2, 2]


def test_a_thing_is_as_wide_as_it_is_drawn():
    wide = extent_of(block(1, 4, 9, 6))
    assert torch.allclose(wide.place, torch.tensor([0.5, 0.5]), atol=2e-3)
    assert torch.allclose(wide.spread[0, 0], torch.tensor([8.0, 2.0]) / 10 / 12 ** 0.5, atol=6e-3)  # cells are points: a little less


def test_what_overlaps_covers_and_what_is_apart_does_not_and_where_one_is_missing_nothing_is_said():
    there = torch.ones(1, 1, 1)
    one = extent_of(block(1, 1, 5, 5))
    covered = [float(between(one, extent_of(block(*other)), there)[0, 0, 6]) for other in ((1, 1, 5, 5), (4, 1, 8, 5), (6, 6, 9, 9))]
    assert covered[0] > 0.8 and 0.1 < covered[1] < 0.5 and covered[2] == 0
    assert between(one, one, there * 0).abs().sum() == 0 and between(one, one, there).shape == (1, 1, BETWEEN)
