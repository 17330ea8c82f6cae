"""Clips for training: what is known of each, and what the frozen encoder has found in its frames – kept in a cache, or looked at when first wanted."""
from pathlib import Path
from random import Random
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from trainer.backbones.lite0 import Lite0
from trainer.backbones.small.packed_taps import SIZES, looked_at
from trainer.data.clip import SpriteWorld
from trainer.feature_cache import CachedClip, FeatureCache, condense, kept_frames


IMAGENET = 'imagenet'


class Seen(NamedTuple):
    clip: CachedClip
    packed: Tensor    # (T, COUNT); stride 8 of frames that are not kept is zero


class Clips(Protocol):
    def __len__(self) -> int: ...

    def __getitem__(self, number: int) -> Seen: ...


class OtherEyesError(Exception):
    code = 'other-eyes'


class CachedClips:
    def __init__(self, folder: Path) -> None:
        self.cache, encoder = FeatureCache(folder), encoder_of(folder)
        if encoder != IMAGENET:
            raise OtherEyesError(f'{folder} holds features of the encoder {encoder}; `small` looks with EfficientNet-Lite0 as ImageNet made it. Make a cache of its own: `fovea-train data cache --out FOLDER`.')

    def __len__(self) -> int:
        return len(self.cache)

    def __getitem__(self, number: int) -> Seen:
        shard, row = self.cache[number]
        clip, parts = shard.clips[row], []
        for name in SIZES:
            found = self.cache.features(name, shard.arrays[name][row])
            if name == 's8':
                whole = np.zeros((len(clip.times), *found.shape[1:]), np.float32)
                whole[clip.kept] = found
                found = whole
            parts.append(found.reshape(len(found), -1))
        return Seen(clip, torch.from_numpy(np.concatenate(parts, 1)))


def encoder_of(folder: Path) -> str:
    """Whose features a cache holds; one that does not say is older than encoders of one's own."""
    ranges = np.load(folder / 'ranges.npz')
    return str(ranges['encoder']) if 'encoder' in ranges else IMAGENET


class LiveClips:
    """A few clips without a cache."""

    def __init__(self, world: SpriteWorld, eyes: Lite0, count: int) -> None:
        self.world, self.eyes, self.count = world, eyes, count
        self.known: dict[int, Seen] = {}

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> Seen:
        if number not in self.known:
            clip = self.world.clip('train', number)
            kept = kept_frames(Random(number), len(clip.frames))
            packed = looked_at(self.eyes, torch.from_numpy(clip.frames).to(self.eyes.mean.device)).cpu()
            self.known[number] = Seen(condense(clip, kept, -1, -1), packed)
        return self.known[number]
