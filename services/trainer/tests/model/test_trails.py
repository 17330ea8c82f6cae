"""Things of one noun are followed back through the frames, each on its own way."""
import torch
from torch import Tensor

from trainer.backbones.nano_trails import LAGS, facts_of, follow

SIDE, FRAMES = 10, 16
GRID = torch.stack([((torch.arange(5) + 0.5) / 5).repeat(5), ((torch.arange(5) + 0.5) / 5).repeat_interleave(5)], -1)


def film(*ways: tuple[float, float, float, float], since: int = 0) -> Tensor:
    """Blobs of two cells that go from (x0, y0) to (x1, y1) in cells; nothing before frame `since`. → (1, T, SIDE, SIDE)."""
    chance = torch.zeros(1, FRAMES, SIDE, SIDE)
    here = torch.arange(SIDE) + 0.5
    for x0, y0, x1, y1 in ways:
        for frame in range(since, FRAMES):
            share = frame / (FRAMES - 1)
            x, y = x0 + (x1 - x0) * share, y0 + (y1 - y0) * share
            chance[0, frame] += torch.exp(-(((here - x) / 1.2) ** 2)[None, :] - (((here - y) / 1.2) ** 2)[:, None])
    return chance.clamp(max=1)


def cell_at(x: float, y: float) -> int:
    return int(y / 2) * 5 + int(x / 2)


def test_a_thing_is_found_again_where_it_came_from() -> None:
    trails = follow(film((2, 5, 8, 5)), GRID)
    start = trails.place[0, cell_at(8, 5), 0]
    assert torch.allclose(start, torch.tensor([0.2, 0.5]), atol=0.06)
    assert trails.mass[0, cell_at(8, 5)].min() > 0.8


def test_two_things_of_one_noun_keep_their_own_ways() -> None:
    facts = facts_of(follow(film((2, 2, 8, 2), (8, 8, 2, 8)), GRID))[0]
    longest = 2 * (len(LAGS) - 1)
    right, left = facts[cell_at(8, 2)], facts[cell_at(2, 8)]
    assert right[longest] > 2 and left[longest] < -2          # fifths of the picture, in the longest lag
    assert right[longest + 1].abs() < 0.4 and left[longest + 1].abs() < 0.4


def test_an_empty_cell_tells_nothing() -> None:
    facts = facts_of(follow(film((2, 2, 2, 2)), GRID))[0]
    assert facts[cell_at(9, 9)].abs().max() < 0.05


def test_what_came_late_is_young() -> None:
    age = lambda since: facts_of(follow(film((5, 5, 5, 5), since=since), GRID))[0, cell_at(5, 5), -1]
    assert age(0) > 0.9 and abs(float(age(12)) - 4 / FRAMES) < 0.05
