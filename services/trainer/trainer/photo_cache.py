"""Adds photograph clips to a feature cache: shards of their own, beside SpriteWorld's, each with the evidence of its last frame.

    python -m trainer.photo_cache FOLDER 600
"""
from pathlib import Path
import sys

import numpy as np

from trainer.data.clip import WorldConfig
from trainer.data.photos import PhotoWorld
from trainer.feature_cache import write_shard
from trainer.frozen_runner import FrozenRunner

FIRST_SHARD = 90_000  # SpriteWorld's shards are numbered from 0


def add_photographs(folder: Path, clips: int, shard: int = 100) -> None:
    """The folder must already have its `ranges.npz`, so that all its shards are stored alike."""
    world, runner = PhotoWorld(WorldConfig.load('spriteworld-v1')), FrozenRunner()
    ranges = dict(np.load(folder / 'ranges.npz'))
    for start in range(0, clips, shard):
        place = folder / f'shard-{FIRST_SHARD + start // shard}'
        if not (place / 'done').exists():
            write_shard(place, [(world.clip('train', n), True) for n in range(start, min(start + shard, clips))], runner, ranges, FIRST_SHARD + start)


if __name__ == '__main__':
    add_photographs(Path(sys.argv[1]), int(sys.argv[2]))
