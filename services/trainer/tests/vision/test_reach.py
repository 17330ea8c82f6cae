"""A thing that was here a moment ago is not followed to its look-alike on the other side."""
import torch

from trainer.heads.reach import GONE, LEAP, STEP, middle, moved, out_of_reach, rivals_of, taken

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


def cells(*places: tuple[int, int]) -> torch.Tensor:
    return spot(*places, value=1.0, elsewhere=0.0)


def claimed(rivals: torch.Tensor, since: float, last: torch.Tensor | None = None, way: tuple[float, float] = (0.0, 0.0)) -> torch.Tensor:
    return taken(rivals, cells((10, 10)) if last is None else last, torch.tensor([since]), torch.tensor([way]))[0, 0]


def test_between_a_thing_and_its_rival_each_keeps_its_side() -> None:
    barred = claimed(cells((10, 13)), since=1.0)
    assert barred[10, 10] == barred[10, 11] == 0 and barred[10, 12] == barred[10, 13] == barred[10, 15] == 1


def test_a_thing_in_motion_is_expected_farther_on() -> None:
    standing, going = (claimed(cells((10, 14)), since=1.0, way=way) for way in ((0.0, 0.0), (2.0, 0.0)))
    assert standing[10, 13] == 1 and going[10, 13] == 0


def test_while_the_thing_is_hidden_all_around_its_rival_is_the_rivals() -> None:
    assert claimed(cells((10, 12)), since=3.0)[10, 10] == 1


def test_what_looks_alike_apart_from_the_thing_is_a_rival_and_stays_one_where_it_goes() -> None:
    alike, thing, none, sure = cells((5, 5), (10, 10), (10, 11)), cells((10, 10)), torch.zeros(1, 1, G, G), torch.ones(1, 1, 1, 1)
    found = rivals_of(alike, thing, sure, none, none)
    assert found[0, 0].nonzero().tolist() == [[5, 5]]
    gone_on = rivals_of(cells((6, 7), (10, 10)), none, torch.zeros(1, 1, 1, 1), found, none)
    assert gone_on[0, 0].nonzero().tolist() == [[6, 7]]


def test_cells_move_as_a_thing_does() -> None:
    assert moved(cells((3, 4)), torch.tensor([[2.4, -1.0]]))[0, 0].nonzero().tolist() == [[2, 6]]
    assert middle(cells((3, 4), (3, 6))).tolist() == [[5.0, 3.0]]
