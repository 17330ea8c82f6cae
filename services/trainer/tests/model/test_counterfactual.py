"""What the trained model must and must not depend on, on development clips through the real eyes. Needs the committed weights; about a minute."""
from pathlib import Path

import numpy as np
import pytest
import torch

from trainer.checkpoint import load_weights
from trainer.config import NANO
from trainer.data.clip import Clip, SpriteWorld
from trainer.data.config import WorldConfig
from trainer.evaluation.nano import Served, served
from trainer.losses.boxes import paired_iou
from trainer.losses.moment import span_iou
from trainer.model import TpoModel
from trainer.speak import Scene

WEIGHTS = Path(__file__).parents[4] / 'packages' / 'model-nano' / 'training' / 'weights.safetensors'
CLIPS = 16

pytestmark = pytest.mark.skipif(not WEIGHTS.exists(), reason='needs packages/model-nano/training/weights.safetensors')


@pytest.fixture(scope='module')
def model() -> Served:
    nano = TpoModel(NANO)
    load_weights(WEIGHTS, nano)
    return served(nano)


@pytest.fixture(scope='module')
def scenes(model: Served) -> list[tuple[Clip, Scene]]:
    world = SpriteWorld(WorldConfig.load('spriteworld-v1'))
    clips = [world.clip('dev', number) for number in range(200, 200 + CLIPS)]
    return [(clip, model.see(clip.frames, clip.times - clip.times[-1])) for clip in clips]


def named(scenes: list[tuple[Clip, Scene]]) -> list[tuple[Scene, str, np.ndarray]]:
    """Things asked for by a name that only they have, clear in the last frame: scene, phrase, box."""
    found = []
    for clip, scene in scenes:
        nouns = [thing.noun for thing in clip.things]
        found += [(scene, f'the {thing.noun}', thing.boxes[-1]) for thing in clip.things if nouns.count(thing.noun) == 1 and thing.clear[-1]]
    return found


def box_for(model: Served, scene: Scene, state: torch.Tensor) -> torch.Tensor:
    return model.speaker.regions(scene, state).boxes[0, 0]


def hit(box: torch.Tensor, truth: np.ndarray) -> bool:
    return float(paired_iou(box, torch.from_numpy(truth))[0]) >= 0.5


def test_two_phrases_on_one_frame_give_two_boxes(model: Served, scenes: list[tuple[Clip, Scene]]):
    by_scene: dict[int, list[torch.Tensor]] = {}
    for scene, phrase, _ in named(scenes):
        by_scene.setdefault(id(scene), []).append(box_for(model, scene, model.speaker.force(scene, phrase, 'region').state))
    pairs = [(a, b) for boxes in by_scene.values() for i, a in enumerate(boxes) for b in boxes[i + 1:]]
    different = [float(paired_iou(a, b)[0]) < 0.5 for a, b in pairs]
    assert len(pairs) >= 10 and np.mean(different) > 0.6


def test_exchanged_embeddings_exchange_the_boxes(model: Served, scenes: list[tuple[Clip, Scene]]):
    """The other thing's embedding finds the other thing: the box belongs to the embedding, not to the frame."""
    own, crossed = [], []
    things = named(scenes)
    for (scene, phrase, truth), (other_scene, other_phrase, other_truth) in zip(things, things[1:]):
        if scene is other_scene:
            first, second = (model.speaker.force(scene, words, 'region').state for words in (phrase, other_phrase))
            own += [hit(box_for(model, scene, first), truth), hit(box_for(model, scene, second), other_truth)]
            crossed += [hit(box_for(model, scene, first), other_truth), hit(box_for(model, scene, second), truth)]
    assert len(own) >= 10 and np.mean(own) > np.mean(crossed) + 0.3


def test_the_mean_embedding_finds_nothing_in_particular(model: Served, scenes: list[tuple[Clip, Scene]]):
    things = named(scenes)
    states = torch.cat([model.speaker.force(scene, phrase, 'region').state for scene, phrase, _ in things])
    mean = states.mean(0, keepdim=True)
    blind = np.mean([hit(box_for(model, scene, mean), truth) for scene, _, truth in things])
    told = np.mean([hit(box_for(model, scene, state[None]), truth) for (scene, _, truth), state in zip(things, states)])
    assert blind < 0.5 and told > blind + 0.15


def test_shuffled_frames_spoil_moments(model: Served, scenes: list[tuple[Clip, Scene]]):
    order = torch.tensor(np.random.default_rng(0).permutation(NANO.frames))
    straight, shuffled = [], []
    for clip, scene in scenes:
        for ask in clip.asks:
            if ask.kind == 'moment' and ask.targets[0].spans:
                target = ask.targets[0]
                true = torch.tensor([(a, min(b, NANO.frames - 1)) for a, b in target.spans])
                for frames, scores in ((torch.arange(NANO.frames), straight), (order, shuffled)):
                    mixed = Scene(scene.visual[:, frames], scene.times, scene.s8, scene.s4)
                    found = model.speaker.moments(mixed, model.speaker.force(mixed, target.phrase, 'moment').state)
                    scores.append(float(span_iou(found.spans[0, 0] * (NANO.frames - 1), true).max()))
    assert len(straight) >= 5 and np.mean(shuffled) < np.mean(straight) - 0.1
