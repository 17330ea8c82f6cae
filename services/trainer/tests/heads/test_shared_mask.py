"""The shared mask head is pointed at things: by points, a box, a mask."""
from random import Random

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from trainer.backbones.pretrained.by_hand import BOX, MASK, POINTS, drawn, prompts
from trainer.data.clip import Clip, SpriteWorld
from trainer.data.config import WorldConfig
from trainer.heads.shared import drawn as drawings
from trainer.heads.shared.mask import SharedMaskHead
from trainer.losses.mask import mask_loss

GRID, CELL, STATE, WIDTH = 16, 4, 24, 32
STEPS = 120


def test_a_box_and_points_are_drawn_where_they_are() -> None:
    box = drawings.of_boxes(torch.tensor([[0.25, 0.5, 0.5, 0.625]]), 8)[0]
    assert box.sum() == 2 and box[4, 2:4].tolist() == [1, 1]
    points = drawings.of_points(torch.tensor([[[3.5 / 8, 1.5 / 8, 1.0], [6.5 / 8, 6.5 / 8, 0.0], [0.0, 0.0, -1.0]]]), 8)[0]
    assert points[1, 3] == pytest.approx(1, abs=1e-4) and points[6, 6] == pytest.approx(-1, abs=1e-4) and points[0, 0].abs() < 0.01


def test_a_drawing_is_kept_in_the_prompt_cell_by_cell() -> None:
    head = SharedMaskHead(8, STATE, WIDTH, 9)                       # 81 cells in tokens of 32
    box = torch.tensor([[0.1, 0.2, 0.7, 0.8]])
    prompt = head.prompt_boxes(box)
    assert prompt.shape == (1, head.prompt_tokens, WIDTH) and head.prompt_tokens == 2 + 3
    assert torch.equal(prompt[0, 2:].flatten()[:81].view(9, 9), drawings.of_boxes(box, 9)[0])
    assert not head.prompt_state(torch.randn(1, STATE))[:, 2:].any()


def test_a_drawing_counts_on_its_own_frame_only() -> None:
    torch.manual_seed(0)
    head, features = SharedMaskHead(8, STATE, WIDTH, 9), torch.randn(1, 8, 9, 9)
    points = head.prompt_points(torch.tensor([[[0.2, 0.2, 1.0]], [[0.8, 0.8, 1.0]]]))
    now, later = (head.decode(features, points, torch.full((2,), age), *head.nothing(2, 1)).mask for age in (0.0, 1.0))
    assert not torch.allclose(now[0], now[1], atol=1e-3) and torch.equal(later[0], later[1])


def seen(clip: Clip) -> tuple[Tensor, list[np.ndarray], list[np.ndarray]]:
    """The last frame's pixels as a map, the masks and boxes of what is clear in it."""
    pixels = torch.from_numpy(clip.frames[-1]).permute(2, 0, 1)[None].float() / 127.5 - 1
    things = [thing for thing in clip.things if thing.clear[-1]]
    return F.pixel_unshuffle(pixels, CELL), [thing.masks[-1] for thing in things], [thing.boxes[-1] for thing in things]


@pytest.fixture(scope='module')
def taught() -> tuple[SharedMaskHead, list[tuple[Tensor, list[np.ndarray], list[np.ndarray]]]]:
    """A head that has seen the same few pictures for some steps, every thing pointed out in every way."""
    torch.manual_seed(1)
    world = SpriteWorld(WorldConfig.load('spriteworld-v1', size=GRID * CELL))
    pictures = [seen(world.clip('train', number)) for number in range(3)]
    head, rng = SharedMaskHead(3 * CELL ** 2, STATE, WIDTH, GRID), Random(1)
    optimiser = torch.optim.AdamW(head.parameters(), 3e-3)
    for _ in range(STEPS):
        loss = torch.zeros(())
        for features, masks, boxes in pictures:
            target = outlines(masks)
            by_hand = [drawn(box, mask.astype(np.float32), rng) for mask, box in zip(masks, boxes)]
            for kind in (POINTS, BOX, MASK):
                prompt = prompts(head, by_hand, target, torch.full((len(masks),), kind))
                loss = loss + sum(mask_loss(head.decode(features, prompt, torch.zeros(len(masks)), *head.nothing(len(masks), 1)), target).values())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return head.eval(), pictures


def outlines(masks: list[np.ndarray]) -> Tensor:
    return F.interpolate(torch.from_numpy(np.stack(masks)).float()[None], size=(2 * GRID, 2 * GRID), mode='area')[0]


@torch.no_grad()
@pytest.mark.parametrize('kind', [POINTS, BOX, MASK])
def test_pointing_elsewhere_outlines_something_else(taught: tuple, kind: int) -> None:
    """Every thing is outlined best by the prompt that points at it."""
    head, pictures = taught
    for features, masks, boxes in pictures:
        target, rng = outlines(masks), Random(7)
        prompt = prompts(head, [drawn(box, mask.astype(np.float32), rng) for mask, box in zip(masks, boxes)], target, torch.full((len(masks),), kind))
        found = head.decode(features, prompt, torch.zeros(len(masks)), *head.nothing(len(masks), 1)).mask > 0
        overlap = torch.stack([torch.stack([((one & (true > 0.5)).sum() / (one | (true > 0.5)).sum().clamp(min=1)) for true in target]) for one in found])
        assert overlap.argmax(1).tolist() == list(range(len(masks)))
        assert overlap.diagonal().mean() > 0.5


def test_every_way_of_pointing_teaches_what_reads_a_drawing() -> None:
    torch.manual_seed(0)
    for kind in (POINTS, BOX, MASK):
        head, target = SharedMaskHead(8, STATE, WIDTH, GRID), torch.rand(2, 2 * GRID, 2 * GRID).round()
        by_hand = [drawn(np.array([0.1, 0.1, 0.6, 0.6], np.float32), share.numpy(), Random(1)) for share in target]
        masks = head.decode(torch.randn(1, 8, GRID, GRID), prompts(head, by_hand, target, torch.full((2,), kind)), torch.zeros(2), *head.nothing(2, 1))
        sum(mask_loss(masks, target).values()).backward()
        reached = {name for name, parameter in head.named_parameters() if parameter.grad is not None and bool(parameter.grad.abs().sum() > 0)}
        assert {'pointed', 'draw.weight', 'under.weight', 'adapter.project.weight'} <= reached
