"""A corrected box moves the prediction, and what was known before is not forgotten."""
from dataclasses import replace
from pathlib import Path
import random

import cv2
import numpy as np
import pytest
import torch

from trainer.batch import Batcher
from trainer.config import TINY
from trainer.data.readers.sample import Box
from trainer.feature_cache import FeatureCache, write_shard
from trainer.lesson import Teacher
from trainer.loop import Run, train
from trainer.losses.boxes import paired_iou
from trainer.model import TpoModel
from trainer.objective import look_and_read, objective
from trainer.preference.batcher import correction_lesson
from trainer.preference.clip_of import clip_of
from trainer.preference.correction import Correction, Verdict
from trainer.stages import PREFERENCE, STAGES

from ..model.random_eyes import RandomEyes

CHOSEN: Box = (0.1, 0.1, 0.45, 0.5)


@pytest.fixture
def corrections(cache_folder_small: Path, tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    picture = rng.integers(60, 90, (160, 160, 3)).astype(np.uint8)
    picture[16:80, 16:72] = (200, 40, 40)
    cv2.imwrite(str(tmp_path / 'f.png'), picture)
    correction = Correction('e1', Verdict('region', regions=(CHOSEN,)), Verdict('region', regions=((0.5, 0.5, 0.9, 0.9),)), 'the dog', 'where is the dog?', ('f.png',), (0.0,), tmp_path)
    folder = tmp_path / 'corrections'
    write_shard(folder / 'shard-00000', [(clip_of(correction), False)], RandomEyes(), dict(np.load(cache_folder_small / 'ranges.npz')), 0)
    (folder / 'ranges.npz').write_bytes((cache_folder_small / 'ranges.npz').read_bytes())
    return folder


def test_a_correction_moves_the_box_and_the_replay_is_kept(cache_folder_small: Path, corrections: Path, tmp_path: Path):
    torch.manual_seed(0)
    model = TpoModel(TINY)
    train(model, [replace(STAGES['heads'], trains=PREFERENCE.trains)], Run(tmp_path / 'first', cache_folder_small, 25, batch=4))
    known = replay_loss(model, cache_folder_small)
    before = overlap(model, corrections, cache_folder_small)
    frozen = {name: value.clone() for name, value in model.state_dict().items() if name.startswith(('backbone.neck', 'backbone.nouns'))}
    stage = replace(PREFERENCE, rate=2e-3)  # a tiny model, a few steps
    train(model, [stage], Run(tmp_path / 'second', cache_folder_small, 40, batch=4, corrections=corrections))
    after = overlap(model, corrections, cache_folder_small)
    assert before < 0.3 and after > before + 0.3, (before, after)
    assert replay_loss(model, cache_folder_small) < known * 1.05
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in frozen.items())


@torch.no_grad()
def overlap(model: TpoModel, corrections: Path, cache: Path) -> float:
    """IoU of the box at the hottest cell with the chosen one."""
    shard, row = FeatureCache(corrections)[0]
    lesson = replace(correction_lesson(shard.clips[row], random.Random(0)), flip=False)
    batcher = Batcher(FeatureCache(cache), Teacher(random.Random(0), PREFERENCE.mix), noise=0.0)
    batch = batcher.collate([(lesson, shard, row)])
    done = look_and_read(model, batch)
    maps = model.region.maps(done.head_map, done.states[batch.region.query[:1]], batch.region.frame[:1])
    cell = int(maps.heat.flatten().argmax())
    return float(paired_iou(maps.boxes.flatten(2)[0, :, cell], torch.tensor(CHOSEN))[0])


@torch.no_grad()
def replay_loss(model: TpoModel, cache: Path) -> float:
    torch.manual_seed(0)
    batcher = Batcher(FeatureCache(cache), Teacher(random.Random(7), STAGES['heads'].mix), noise=0.0)
    losses = [objective(model, batcher.draw(4), PREFERENCE.weights) for _ in range(3)]
    return float(sum(sum(parts.values()) for parts in losses))
