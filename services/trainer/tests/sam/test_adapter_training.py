"""The mask adapter learns from pixels through the decoder: on SpriteWorld, with a small EdgeTAM of random weights."""
import numpy as np
import pytest
import torch
from torch import nn

from trainer.data.clip import SpriteWorld, WorldConfig
from trainer.sam.adapter_training import Lesson, adapter_loss, lesson, train_adapter
from trainer.sam.decode import Decode
from trainer.sam.eyes import Eyes
from trainer.sam.official import build
from trainer.sam.prompts import MaskAdapter

STATE = 32


@pytest.fixture(scope='module')
def lessons() -> list[Lesson]:
    """Three frames with their visible things; a noun's state stands in for what a language model would say of it."""
    model = build('edgetam-test', 128, seed=4)
    eyes, world = Eyes(model), SpriteWorld(WorldConfig.load('spriteworld-v1', size=128))
    words = nn.Embedding(len(world.nouns), STATE)
    nn.init.normal_(words.weight, generator=torch.Generator().manual_seed(0))
    made = []
    for number in range(3):
        clip = world.clip('train', number)
        things = [thing for thing in clip.things if thing.noun in world.nouns]
        states = words(torch.tensor([world.nouns.index(thing.noun) for thing in things])).detach()
        made.append(lesson(eyes, clip.frames[-1], states, np.stack([thing.masks[-1] for thing in things])))
    return made


@pytest.mark.parametrize('thaw', [False, True], ids=['frozen decoder', 'decoder goes along'])
def test_the_loss_falls(lessons: list[Lesson], thaw: bool) -> None:
    torch.manual_seed(0)
    losses = list(train_adapter(build('edgetam-test', 128, seed=4), MaskAdapter(STATE, 32), lessons, 90, rate=3e-3, thaw=thaw))
    assert np.mean(losses[-9:]) < (0.7 if thaw else 0.85) * np.mean(losses[:3])


def test_gradients_reach_the_state_and_the_adapter_and_stop_at_the_eyes(lessons: list[Lesson]) -> None:
    model = build('edgetam-test', 128, seed=4)
    adapter = MaskAdapter(STATE, 32)
    states = lessons[0].states.clone().requires_grad_()
    model.sam_mask_decoder.requires_grad_(True)
    sum(adapter_loss(Decode(model), adapter, Lesson(lessons[0].maps, states, lessons[0].targets)).values()).backward()
    assert states.grad is not None and states.grad.abs().amax(1).min() > 0
    assert all(parameter.grad is not None and parameter.grad.abs().max() > 0 for parameter in adapter.parameters())
    reached = {name for name, parameter in model.named_parameters() if parameter.grad is not None and parameter.grad.abs().max() > 0}
    assert {'sam_mask_decoder.iou_token.weight', 'sam_mask_decoder.obj_score_token.weight', 'sam_mask_decoder.pred_obj_score_head.layers.0.weight'} <= reached
    assert not any(name.startswith(('image_encoder', 'memory_', 'sam_prompt_encoder')) for name in reached)
