"""A thing that was here a moment ago is not followed to its look-alike on the other side."""
import torch

from trainer.heads.mask import GONE, LEAP, STEP, out_of_reach

G = 20


def spot(*cells: tuple[int, int], value: float = 5.0, elsewhere: float = -5.0) -> torch.Tensor:
    picture = torch.full((1, 1, G, G), elsewhere)
    for y, x in cells:
        picture[0, 0, y, x] = value
    return picture


def barred(rough: torch.Tensor, since: float = 1.0, last: torch.Tensor | None = None) -> torch.Tensor:
    return out_of_reach(rough, spot((10, 10), value=1.0, elsewhere=0.0) if last is None else last, torch.tensor([since]))[0, 0]


def test_something_sure_nearby_rules_out_all_that_lies_farther_off() -> None:
    far = barred(spot((10, 10 + STEP), (10, 10 + STEP + 1)))
    assert far[10, 10 + STEP] == 0 and far[10, 10 + STEP + 1] > 0.95


def test_where_nothing_is_nearby_it_may_have_leapt() -> None:
    far = barred(spot((10, 10 + LEAP)))
    assert far[10, 10 + LEAP] < 0.05 and far[10, 10 + LEAP + 1] == 1


def test_after_a_while_it_may_be_anywhere() -> None:
    assert barred(spot((0, 0)), since=GONE + 1)[0, 0] < 0.05


def test_what_was_never_seen_is_looked_for_everywhere() -> None:
    assert barred(spot((3, 3)), last=torch.zeros(1, 1, G, G)).max() == 0
