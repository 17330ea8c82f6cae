from pathlib import Path
import random

import numpy as np
import pytest
import torch

from trainer.batch import Batch, Batcher
from trainer.data.clip import SpriteWorld
from trainer.data.config import WorldConfig
from trainer.feature_cache import FeatureCache, measure_ranges, write_shard
from trainer.lesson import Teacher
from trainer.stages import mix

from .random_eyes import RandomEyes

torch.set_num_threads(1)


@pytest.fixture(scope='session')
def cache_folder_small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve clips as a finished feature cache."""
    folder = tmp_path_factory.mktemp('features')
    world, eyes = SpriteWorld(WorldConfig.load('spriteworld-v1')), RandomEyes()
    measure_ranges(world, eyes, folder, clips=3)
    write_shard(folder / 'shard-00000', [(world.clip('train', n), n % 3 == 0) for n in range(12)], eyes, dict(np.load(folder / 'ranges.npz')), 0)
    return folder


@pytest.fixture
def batch(cache_folder_small: Path) -> Batch:
    return Batcher(FeatureCache(cache_folder_small), Teacher(random.Random(3), mix())).draw(6)
