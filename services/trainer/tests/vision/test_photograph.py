"""Photographs are told from drawings by their texture, also those that the unit was not fitted on."""
import cv2
import numpy as np
import pytest
import torch

from trainer.data.clip import SpriteWorld, WorldConfig
from trainer.data.photo_exam import pictures
from trainer.data.photos import photograph
from trainer.config import NANO
from trainer.model import TpoModel
from trainer.photograph import fit_texture, statistics_of
from trainer.frozen_runner import FrozenRunner


@pytest.fixture(scope='module')
def model() -> TpoModel:
    torch.manual_seed(0)
    model = TpoModel(NANO)
    fit_texture(model, parts=1, clips=60)
    return model


def test_pictures_of_the_exam_are_photographs_and_clips_are_drawn(model: TpoModel) -> None:
    runner = FrozenRunner(model.backbone.encoder)
    world = SpriteWorld(WorldConfig.load('spriteworld-v1', size=160))
    weigh = model.backbone.texture.weigh
    with torch.no_grad():
        shown = weigh(statistics_of(runner, iter([photograph(picture.file) for picture in pictures('exam')]))) > 0
        drawn = weigh(statistics_of(runner, (world.clip('dev', number).frames[-1] for number in range(40)))) > 0
    assert shown.float().mean() > 0.7 and drawn.float().mean() < 0.1


def test_it_says_the_same_in_the_graph_of_the_eyes(model: TpoModel) -> None:
    from trainer.backbones.nano_eyes import FrozenEyes
    frame = cv2.resize(photograph(pictures('exam')[0].file), (NANO.picture, NANO.picture), interpolation=cv2.INTER_AREA)
    with torch.no_grad():
        seen = model.backbone.encode(torch.from_numpy(np.repeat(frame[None, None], NANO.frames, 1)), FrozenEyes(NANO))
        told = model.backbone.nouns.split(seen.visual).photograph
        small = cv2.resize(frame, (160, 160), interpolation=cv2.INTER_LINEAR)
        apart = model.backbone.texture.weigh(statistics_of(FrozenRunner(model.backbone.encoder), iter([small])))
    assert told.std() < 1e-4 and abs(float(told[0, 0, 0, 0]) - float(apart)) < 0.5
