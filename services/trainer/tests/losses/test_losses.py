import math

import torch

from trainer.heads.mask import Masks
from trainer.heads.moment import MomentFrames, MomentPairs
from trainer.heads.region import RegionMaps
from trainer.losses.boxes import box_loss, iou_matrix, paired_iou
from trainer.losses.focal import centre_focal, gaussian_heat
from trainer.losses.mask import dice_loss, mask_loss
from trainer.losses.matching import match_spans
from trainer.losses.moment import inside, moment_loss, span_iou
from trainer.losses.region import RegionTargets, region_loss


def test_iou_and_generalised_iou_by_hand():
    a, b = torch.tensor([0.0, 0.0, 2.0, 2.0]), torch.tensor([1.0, 1.0, 3.0, 3.0])
    iou, giou = paired_iou(a, b)
    assert math.isclose(float(iou), 1 / 7, rel_tol=1e-6)
    assert math.isclose(float(giou), 1 / 7 - 2 / 9, rel_tol=1e-5)  # the hull of 9 has 2 that no box covers
    apart = paired_iou(a, torch.tensor([4.0, 0.0, 6.0, 2.0]))
    assert float(apart[0]) == 0 and math.isclose(float(apart[1]), -4 / 12, rel_tol=1e-5)
    assert iou_matrix(torch.stack([a, b]), torch.stack([a, b])).diagonal().tolist() == [1, 1]


def test_box_loss_of_equal_boxes_is_zero_and_of_none_has_a_path():
    boxes = torch.tensor([[0.1, 0.1, 0.4, 0.5]], requires_grad=True)
    l1, giou = box_loss(boxes, boxes.detach())
    assert float(l1.detach()) == 0 and abs(float(giou.detach())) < 1e-6
    empty = torch.zeros(0, 4, requires_grad=True)
    box_loss(empty, torch.zeros(0, 4))[0].backward()


def test_gaussian_heat_is_one_at_the_centre_cell_only():
    heat = gaussian_heat(torch.tensor([[0.4, 0.2, 0.6, 0.3]]), torch.tensor([1]), 3, 20)
    assert heat[0].sum() == 0 and heat[2].sum() == 0
    assert (heat[1] == 1).nonzero().tolist() == [[5, 10]]  # y 0.25 · 20, x 0.5 · 20


def test_centre_focal_by_hand():
    """One cell, one positive at p = .5: −(1 − .5)² log .5."""
    assert math.isclose(float(centre_focal(torch.zeros(1, 1, 1), torch.ones(1, 1, 1))), 0.25 * math.log(2), rel_tol=1e-5)
    sure = centre_focal(torch.tensor([[[9.0, -9.0]]]), torch.tensor([[[1.0, 0.0]]]))
    assert float(sure) < 1e-5


def test_dice_by_hand():
    target = torch.tensor([[[1.0, 0.0]]])
    assert math.isclose(float(dice_loss(torch.tensor([[[0.0, 0.0]]]), target)), 1 - (2 * 0.5 + 1) / (1 + 1 + 1), rel_tol=1e-6)
    assert float(dice_loss(torch.tensor([[[30.0, -30.0]]]), target)) < 1e-6


def test_an_absent_thing_teaches_the_mask_head_absence():
    masks = Masks(torch.zeros(2, 4, 4, requires_grad=True), torch.zeros(2), torch.tensor([5.0, -5.0]))
    target = torch.zeros(2, 4, 4)
    target[0, :2] = 1
    right = mask_loss(masks, target)
    wrong = mask_loss(masks._replace(object=torch.tensor([-5.0, 5.0])), target)
    assert float(right['object']) < 0.01 < float(wrong['object'])


def test_span_iou_by_hand():
    assert math.isclose(float(span_iou(torch.tensor([0.0, 4.0]), torch.tensor([2.0, 6.0]))), 2 / 6, rel_tol=1e-6)


def test_matching_takes_the_cheapest_pairs():
    spans = torch.tensor([[0.0, 2.0], [8.0, 12.0], [3.0, 6.0]])
    chosen, of = match_spans(spans, torch.zeros(3), torch.tensor([[3.0, 6.0], [8.0, 11.0]]))
    assert dict(zip(of.tolist(), chosen.tolist())) == {0: 2, 1: 1}


def test_frames_inside_spans():
    assert inside([torch.tensor([[1.0, 3.0]]), torch.zeros(0, 2)], 5).tolist() == [[0, 1, 1, 1, 0], [0, 0, 0, 0, 0]]


def test_a_perfect_moment_costs_nothing_and_a_negative_query_wants_silence():
    frames = 8
    spans = torch.zeros(1, frames, 2) + torch.tensor([2.0, 5.0])
    scores = torch.full((1, frames), -20.0)
    scores[0, 3] = 20
    within = inside([torch.tensor([[2.0, 5.0]])], frames)
    perfect = moment_loss(MomentFrames(spans, scores, (within - 0.5) * 60, torch.tensor([20.0])), [torch.tensor([[2.0, 5.0]])])
    assert sum(float(value) for value in perfect.values()) < 1e-3
    negative = moment_loss(MomentFrames(spans, scores, (within - 0.5) * 60, torch.tensor([20.0])), [torch.zeros(0, 2)])
    assert float(negative['object']) > 5 and float(negative['score']) > 1


def pairs_of(chosen: list[tuple[float, float]], frames: int = 8) -> MomentPairs:
    """A head that is sure of these spans, to equal parts."""
    spans = torch.tensor([(float(start), float(end)) for start in range(frames) for end in range(start + 1, frames)])
    scores = torch.full((1, len(spans)), -20.0)
    for span in chosen:
        scores[0, (spans == torch.tensor(span)).all(1)] = 20.0
    return MomentPairs(spans[None], scores.requires_grad_(), torch.zeros(1, frames), torch.tensor([20.0]))


def test_a_moment_head_that_weighs_spans_loses_least_on_the_true_one_and_less_the_closer_it_is():
    truth = [torch.tensor([[2.0, 6.0]])]
    total = lambda span: sum(float(value.detach()) for name, value in moment_loss(pairs_of([span]), truth).items() if name in ('chance', 'expected'))
    right, close, far = (total(span) for span in ((2.0, 6.0), (2.0, 5.0), (5.0, 7.0)))
    assert right < close < far
    assert float(moment_loss(pairs_of([(2.0, 6.0)]), truth)['expected'].detach()) < 1e-6
    assert math.isclose(float(moment_loss(pairs_of([(2.0, 5.0)]), truth)['expected'].detach()), 2 * (1 - 3 / 4), rel_tol=1e-5)


def test_of_two_true_spans_either_is_right_and_the_chance_is_wanted_for_both():
    truth = [torch.tensor([[0.0, 2.0], [4.0, 7.0]])]
    both, one = moment_loss(pairs_of([(0.0, 2.0), (4.0, 7.0)]), truth), moment_loss(pairs_of([(0.0, 2.0)]), truth)
    assert float(both['expected'].detach()) < 1e-6 and float(one['expected'].detach()) < 1e-6
    assert float(both['chance'].detach()) < float(one['chance'].detach())


def test_what_never_happens_asks_nothing_of_the_spans_but_has_a_path():
    found = pairs_of([(2.0, 5.0)])
    parts = moment_loss(found, [torch.zeros(0, 2)])
    assert float(parts['chance'].detach()) == 0 and float(parts['expected'].detach()) == 0 and float(parts['object']) > 5
    torch.stack(list(parts.values())).sum().backward()
    assert found.scores.grad is not None and not found.scores.grad.any()


def test_region_loss_of_a_right_answer_is_small():
    grid = 20
    box = torch.tensor([[0.3, 0.3, 0.55, 0.5]])
    heat = torch.full((2, 1, grid, grid), -9.0)
    heat[0, 0, 8, 8] = 9
    maps = RegionMaps(heat, box.view(1, 4, 1, 1).expand(2, 4, grid, grid), torch.tensor([9.0, -9.0]))
    parts = region_loss(maps, RegionTargets(box, torch.tensor([0])))
    assert sum(float(value) for value in parts.values()) < 0.01
