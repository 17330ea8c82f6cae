"""The mask adapter learns from pixels through the decoder and over frames of memory: on SpriteWorld, with a small EdgeTAM of random weights."""
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from trainer.cli import app
from trainer.data.clip import SpriteWorld, WorldConfig
from trainer.sam.adapter_file import AdapterError, load_adapter, save_adapter
from trainer.sam.adapter_lessons import Lesson, lessons
from trainer.sam.adapter_training import Follower, adapter_loss, present, train_adapter
from trainer.sam.eyes import Eyes
from trainer.sam.official import build
from trainer.sam.phrase_states import BundleStates, NounStates, Wanted
from trainer.sam.prompts import Boxes, MaskAdapter
from trainer.sam.reference import Prompt, follow, moving_shapes
from trainer.sam.runtime import NODE, REPOSITORY

STATE, FRAMES = 32, 3
BOX = (0.6, 0.2, 0.8, 0.4)


@pytest.fixture(scope='module')
def taught() -> list[Lesson]:
    """Three frames of three clips; a noun's vector stands in for what a language model would say of it."""
    world = SpriteWorld(WorldConfig.load('spriteworld-v1', size=128))
    return list(lessons(Eyes(build('edgetam-test', 128, seed=4)), world, NounStates(world.nouns, STATE), clips=3, frames=FRAMES))


@pytest.mark.parametrize('family', ['edgetam-test', 'sam2.1-test'])
def test_training_goes_through_frames_as_the_official_predictor_does(family: str) -> None:
    frames = moving_shapes(128, 16)  # shorter clips make the official predictor count the time of pointers in another way
    model = build(family, 128, seed=4)
    run = follow(model, frames, [Prompt(box=BOX), Prompt(box=BOX)], lambda run: len(run.frames) < 5)
    eyes, follower = Eyes(build(family, 128, seed=4)), Follower(build(family, 128, seed=4))
    with torch.no_grad():
        maps = [eyes(torch.from_numpy(frame)[None]) for frame in frames[:5]]
        # The predictor takes the single outline of a box, training the best of three; so the first frame is given as it found it.
        said = Boxes(model)(torch.tensor([BOX, BOX]))
        first = next(follower(said, maps, torch.ones(5, 2)))
        assert float((first[2] - run.frames[0].object).abs().max()) < 1e-4
        memory, pointers = [run.frames[0].memory], [run.frames[0].pointer]
        if memory[0].ndim == 4:
            memory = [memory[0].flatten(2).transpose(1, 2)]
        for t in range(1, 5):
            attended, prompt = follower.attended(maps[t][2], memory, pointers, t)
            assert float((attended - run.frames[t].attended).abs().max()) < 1e-3
            tokens = run.frames[t].memory
            memory.append(tokens.flatten(2).transpose(1, 2) if tokens.ndim == 4 else tokens)
            pointers.append(run.frames[t].pointer)


@pytest.mark.parametrize('thaw', [False, True], ids=['frozen decoder', 'decoder goes along'])
def test_the_loss_falls(taught: list[Lesson], thaw: bool) -> None:
    torch.manual_seed(0)
    parts = list(train_adapter(build('edgetam-test', 128, seed=4), MaskAdapter(STATE, 32), cycle(taught), 60, rate=3e-3, thaw=thaw))
    losses = [sum(each.values()) for each in parts]
    assert np.mean(losses[-9:]) < (0.6 if thaw else 0.94) * np.mean(losses[:3])


def test_gradients_reach_the_state_from_later_frames_and_stop_at_the_eyes(taught: list[Lesson]) -> None:
    model = build('edgetam-test', 128, seed=4)
    adapter = MaskAdapter(STATE, 32)
    model.sam_mask_decoder.requires_grad_(True)
    states = taught[0].states.clone().requires_grad_()
    outlines = [mask for mask, _, _ in Follower(model)(adapter(states), taught[0].maps, present(taught[0].targets))]
    (later,) = torch.autograd.grad(outlines[-1].clamp(-50, 50).mean(), states, retain_graph=True)
    assert later.abs().max() > 0, 'a later frame hangs on the phrase through memory alone'
    sum(adapter_loss(Follower(model), adapter, Lesson(taught[0].maps, states, taught[0].targets)).values()).backward()
    assert states.grad is not None and states.grad.abs().amax(1).min() > 0
    assert all(parameter.grad is not None and parameter.grad.abs().max() > 0 for parameter in adapter.parameters())
    reached = {name for name, parameter in model.named_parameters() if parameter.grad is not None and parameter.grad.abs().max() > 0}
    assert {'sam_mask_decoder.iou_token.weight', 'sam_mask_decoder.obj_score_token.weight', 'sam_mask_decoder.pred_obj_score_head.layers.0.weight'} <= reached
    assert not any(name.startswith(('image_encoder', 'memory_', 'sam_prompt_encoder')) for name in reached)


def test_a_lesson_asks_for_what_is_there_and_for_one_thing_that_is_not(taught: list[Lesson]) -> None:
    for lesson in taught:
        assert lesson.targets.shape[:2] == (FRAMES, len(lesson.states)) and len(lesson.states) >= 2
        assert float(lesson.targets[:, -1].max()) == 0 and float(lesson.targets[0, :-1].max()) > 0.3


def test_what_was_learnt_goes_into_a_file_and_back_strictly(tmp_path: Path) -> None:
    adapter, model = MaskAdapter(STATE, 32), build('edgetam-test', 128, seed=5)
    save_adapter(tmp_path / 'a', adapter, model, 'some-bundle 1')
    other, bare = MaskAdapter(STATE, 32), build('edgetam-test', 128, seed=6)
    assert load_adapter(tmp_path / 'a', other, bare) == 'some-bundle 1'
    assert all(torch.equal(value, other.state_dict()[name]) for name, value in adapter.state_dict().items())
    assert torch.equal(bare.sam_mask_decoder.iou_token.weight, model.sam_mask_decoder.iou_token.weight)
    with pytest.raises(AdapterError, match='--state-width'):
        load_adapter(tmp_path / 'a', MaskAdapter(STATE + 1, 32), bare)


def test_the_command_trains_and_the_export_takes_what_it_leaves(tmp_path: Path) -> None:
    run = CliRunner().invoke(app, ['train-adapter', 'edgetam-test', str(tmp_path / 'a.safetensors'), '--size', '128', '--steps', '3', '--clips', '2', '--frames', '2', '--thaw'])
    assert run.exit_code == 0, run.output
    run = CliRunner().invoke(app, ['export-sam', 'edgetam-test', str(tmp_path / 'part'), '--size', '128', '--adapter', str(tmp_path / 'a.safetensors')])
    assert run.exit_code == 0, run.output


@pytest.mark.skipif(not NODE.exists(), reason='the runtime needs the packages of the repository: npm ci')
def test_a_bundle_says_the_phrases_as_it_is_served() -> None:
    said = BundleStates(REPOSITORY / 'packages' / 'model-nano')
    clip = SpriteWorld(WorldConfig.load('spriteworld-v1', size=128)).clip('train', 0)
    first, again = said.of([Wanted(clip.frames, clip.times, 5, ['dog', 'car']), Wanted(clip.frames, clip.times, 5, ['car'])])
    assert first.shape == (2, said.width) and float(first.std()) > 0
    assert torch.equal(first[1], again[0]) and not torch.equal(first[0], first[1])
    assert said.window(Wanted(clip.frames, clip.times, 2, []))[-3:] == [0, 1, 2]
