import math

import torch

from trainer.config import TINY
from trainer.heads.region_mlp import MlpBoxes, RegionMlp
from trainer.losses.region import RegionTargets
from trainer.losses.region_mlp import largest, region_mlp_loss


def test_the_loss_is_the_published_one_by_hand():
    found = MlpBoxes(torch.tensor([[0.0, 0.0, 0.5, 0.5], [0.6, 0.6, 0.4, 0.9]]), torch.tensor([0.0, 0.0]))
    truth = RegionTargets(torch.tensor([[0.0, 0.0, 0.5, 0.25], [0.4, 0.6, 0.6, 0.9]]), torch.tensor([0, 1]))
    parts = region_mlp_loss(found, truth)
    assert math.isclose(float(parts['l1']), 2 * (0.25 + 0.2 + 0.2) / 8, rel_tol=1e-5)
    assert math.isclose(float(parts['giou']), 0.5 / 5, rel_tol=1e-4)  # the second box is the wrong way round: not counted
    assert math.isclose(float(parts['object']), math.log(2), rel_tol=1e-5)


def test_no_upright_box_costs_the_constant_two():
    found = MlpBoxes(torch.tensor([[0.6, 0.6, 0.4, 0.4]]), torch.tensor([0.0]))
    assert math.isclose(float(region_mlp_loss(found, RegionTargets(torch.tensor([[0.1, 0.1, 0.2, 0.2]]), torch.tensor([0])))['giou']), 0.4, rel_tol=1e-6)


def test_of_several_things_the_largest_is_meant_and_an_absence_has_no_box():
    rows, boxes = largest(RegionTargets(torch.tensor([[0.0, 0.0, 0.1, 0.1], [0.5, 0.5, 0.9, 0.9], [0.2, 0.2, 0.3, 0.3]]), torch.tensor([0, 0, 2])))
    assert rows.tolist() == [0, 2]
    assert torch.equal(boxes, torch.tensor([[0.5, 0.5, 0.9, 0.9], [0.2, 0.2, 0.3, 0.3]]))


def test_it_learns_a_box_from_a_state():
    torch.manual_seed(0)
    head, states = RegionMlp(TINY), torch.randn(6, TINY.width)
    truth = torch.tensor([[0.1, 0.2, 0.3, 0.5], [0.4, 0.4, 0.8, 0.9], [0.0, 0.0, 0.3, 0.3], [0.5, 0.1, 0.7, 0.6]])
    optimiser = torch.optim.Adam(head.parameters(), 1e-2)
    for _ in range(150):
        optimiser.zero_grad()
        torch.stack(list(region_mlp_loss(head(states), RegionTargets(truth, torch.arange(4))).values())).sum().backward()
        optimiser.step()
    found = head(states)
    assert float((found.boxes[:4] - truth).abs().max().detach()) < 0.05
    assert (found.object > 0).tolist() == [True] * 4 + [False] * 2
