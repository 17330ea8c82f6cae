"""Clips turned once into what the eyes see, so that a training step costs no encoder pass.

A cache is a folder of shards; a shard is a folder of memory-mapped arrays and `clips.pickle`. Features are stored as 8-bit numbers with a range per
channel; the maps of 8 of the 16 frames are kept (the first and the last always). Shards are complete once `done` is there, so a cache may grow
while it is read.
"""
from dataclasses import dataclass, field
from pathlib import Path
import pickle
import random
from typing import Protocol

import cv2
import numpy as np

from trainer.backbones.nano_encoder import NanoEncoder, name_of
from trainer.data.ask import Ask
from trainer.data.clip import Clip
from trainer.data.splits import Split
from trainer.frozen_runner import FrozenRunner

KEPT = 8
TAPS = {'s4': 24, 's8': 40, 's16': 112, 's32': 320}
SIDES = {'s4': 40, 's8': 20, 's16': 10, 's32': 5}


@dataclass
class CachedThing:
    noun: str
    colour: str
    boxes: np.ndarray    # (T, 4)
    visible: np.ndarray  # (T,)
    clear: np.ndarray    # (T,)
    masks: np.ndarray    # (KEPT, 40, 40) uint8, share of the cell × 255
    motion: str
    pixels: np.ndarray   # (KEPT, 3200) uint8, the mask of 160×160, eight pixels a byte

    def share(self, slot: int, side: int) -> np.ndarray:
        """Of each cell of side × side how much the thing covers, 0–1."""
        size = round((self.pixels.shape[1] * 8) ** 0.5)
        bits = np.unpackbits(self.pixels[slot]).reshape(side, size // side, side, size // side)
        return bits.mean((1, 3), dtype=np.float32)


@dataclass
class CachedClip:
    kept: np.ndarray          # (KEPT,) frame numbers, ascending
    things: list[CachedThing]
    asks: list[Ask]
    evidence: int             # its row in evidence.npy, or −1; evidence is of the last frame
    times: np.ndarray         # (T,) ms
    photo: bool = False       # a photograph shows more than was boxed: only its own questions are asked, and what the pretrained eyes see
    evidence_first: int = -1  # the row of the first frame's evidence, for photographs
    more: list[list[Ask]] = field(default_factory=list)  # further rounds of questions


class World(Protocol):
    """SpriteWorld, or photographs in the same shape."""

    def clip(self, split: Split, index: int) -> Clip: ...


class Eyes(Protocol):
    """Eyes that learn no more, however they are run."""

    name: str  # whose encoder it is

    def look(self, frames: np.ndarray) -> list[np.ndarray]: ...

    def find(self, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]: ...


class Shard:
    def __init__(self, folder: Path) -> None:
        self.arrays = {name: np.load(folder / f'{name}.npy', mmap_mode='r') for name in (*TAPS, 'rgb', 'evidence', 'ltrb')}
        with open(folder / 'clips.pickle', 'rb') as file:
            self.clips: list[CachedClip] = pickle.load(file)

    def __len__(self) -> int:
        return len(self.clips)


class FeatureCache:
    """Reads every finished shard; `refresh` picks up new ones."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ranges = np.load(folder / 'ranges.npz')
        self.encoder = str(ranges['encoder']) if 'encoder' in ranges else 'imagenet'  # whose features these are
        self.low = {name: ranges[f'{name}_low'].astype(np.float32) for name in TAPS}
        self.step = {name: ranges[f'{name}_step'].astype(np.float32) for name in TAPS}
        self.shards: list[Shard] = []
        self.known: set[str] = set()
        self.refresh()

    def refresh(self) -> None:
        for path in sorted(self.folder.glob('shard-*')):
            if path.name not in self.known and (path / 'done').exists():
                self.known.add(path.name)
                self.shards.append(Shard(path))

    def __len__(self) -> int:
        return sum(len(shard) for shard in self.shards)

    def __getitem__(self, index: int) -> tuple[Shard, int]:
        for shard in self.shards:
            if index < len(shard):
                return shard, index
            index -= len(shard)
        raise IndexError(index)

    def features(self, name: str, stored: np.ndarray) -> np.ndarray:
        """uint8 (..., C, h, w) → float32."""
        return stored.astype(np.float32) * self.step[name][:, None, None] + self.low[name][:, None, None]


def kept_frames(rng: random.Random, frames: int) -> np.ndarray:
    """First and last, and six between: a stretch of neighbours, or spread out."""
    if frames <= KEPT:
        return np.arange(frames)
    if rng.random() < 0.5:
        start = rng.randint(1, frames - KEPT + 1)
        middle = list(range(start, start + KEPT - 2))
    else:
        middle = [round(1 + (frames - 3) * i / (KEPT - 3)) for i in range(KEPT - 2)]
    return np.array([0, *middle, frames - 1])


def as_served(frames: np.ndarray, rng: random.Random) -> np.ndarray:
    """What a picture may go through before the encoder sees it: enlarged and reduced again, JPEG."""
    kind = rng.random()
    if kind < 0.35:
        return frames
    quality = rng.randint(60, 95)
    served = []
    for frame in frames:
        size = frame.shape[0]
        if kind < 0.85:
            frame = cv2.resize(cv2.resize(frame, (2 * size, 2 * size), interpolation=cv2.INTER_LINEAR), (size, size), interpolation=cv2.INTER_AREA)
        if kind > 0.6:
            frame = cv2.imdecode(cv2.imencode('.jpg', frame, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)
        served.append(frame)
    return np.stack(served)


def small_masks(masks: np.ndarray) -> np.ndarray:
    """(K, 160, 160) bool → (K, 40, 40) uint8 share × 255."""
    k, size, _ = masks.shape
    side = size // 40
    return (masks.reshape(k, 40, side, 40, side).mean((2, 4)) * 255).astype(np.uint8)


def condense(clip: Clip, kept: np.ndarray, evidence: int, evidence_first: int) -> CachedClip:
    things = [CachedThing(t.noun, t.colour, t.boxes.astype(np.float32), t.visible, t.clear, small_masks(t.masks[kept]), t.motion, np.packbits(t.masks[kept].reshape(len(kept), -1), axis=1)) for t in clip.things]
    return CachedClip(kept, things, clip.asks, evidence, clip.times, as_taken(clip), evidence_first, clip.more)


def as_taken(clip: Clip) -> bool:
    """Whether nothing is drawn on it: a photograph."""
    return all(thing.style == 'photograph' for thing in clip.things)


def measure_ranges(world: World, runner: Eyes, folder: Path, clips: int = 40) -> None:
    """The 8-bit range of every channel, from clips that are not trained on."""
    values: dict[str, list[np.ndarray]] = {name: [] for name in TAPS}
    for index in range(clips):
        for name, tap in zip(TAPS, runner.look(world.clip('dev', 10_000 + index).frames[::5])):
            values[name].append(tap.transpose(1, 0, 2, 3).reshape(tap.shape[1], -1))
    ranges: dict[str, np.ndarray] = {}
    for name, parts in values.items():
        flat = np.concatenate(parts, 1)
        low, high = np.percentile(flat, 0.02, axis=1), np.percentile(flat, 99.98, axis=1)
        ranges[f'{name}_low'], ranges[f'{name}_step'] = low, np.maximum(high - low, 1e-3) / 255
    np.savez(folder / 'ranges.npz', encoder=np.array(runner.name), **ranges)


def write_shard(folder: Path, clips: list[tuple[Clip, bool]], runner: Eyes, ranges: dict[str, np.ndarray], seed: int) -> None:
    """clips: each with whether its evidence is computed (it costs as much as the rest together)."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(seed)
    arrays: dict[str, list[np.ndarray]] = {name: [] for name in (*TAPS, 'rgb', 'evidence', 'ltrb')}
    cached: list[CachedClip] = []
    for clip, wanted in clips:
        kept = kept_frames(rng, len(clip.frames))
        frames = as_served(clip.frames, rng)
        taps = dict(zip((*TAPS, 'rgb'), runner.look(frames)))
        for name in TAPS:
            stored = np.rint((taps[name] - ranges[f'{name}_low'][:, None, None]) / ranges[f'{name}_step'][:, None, None]).clip(0, 255).astype(np.uint8)
            arrays[name].append(stored[kept] if name in ('s4', 's8') else stored)
        arrays['rgb'].append(np.rint(taps['rgb'][kept]).astype(np.uint8))
        rows = {-1: -1, 0: -1}
        for frame in ((-1, 0) if as_taken(clip) else (-1,)) if wanted else ():
            rows[frame] = len(arrays['evidence'])
            large = cv2.resize(frames[frame], (320, 320), interpolation=cv2.INTER_LINEAR)[None]
            evidence, ltrb = runner.find(large)
            arrays['evidence'].append(np.rint(evidence[0] * 255).astype(np.uint8))
            arrays['ltrb'].append(ltrb[0].astype(np.float16))
        cached.append(condense(clip, kept, rows[-1], rows[0]))
    for name, parts in arrays.items():
        np.save(folder / f'{name}.npy', np.stack(parts) if parts else np.zeros((0,), np.uint8))
    with open(folder / 'clips.pickle', 'wb') as file:
        pickle.dump(cached, file)
    (folder / 'done').touch()


class OtherEyes(Exception):
    code = 'other-eyes'


def refuse_other_eyes(cache: FeatureCache, own: NanoEncoder | None) -> None:
    if cache.encoder != name_of(own):
        raise OtherEyes(f'{cache.folder} holds features of the encoder {cache.encoder}; this model\'s is {name_of(own)}. '
                        'Make a cache with its own: `fovea-train data cache --eyes WEIGHTS`, into another folder or an empty one.')


def build_cache(folder: Path, world: World, split: Split, clips: int, shard: int = 100, evidence_share: float = 0.3, first: int = 0, own: NanoEncoder | None = None) -> None:
    """Adds shards until there are `clips`; finished shards are kept, so it can be stopped and gone on with. own: the encoder of a trained model."""
    runner = FrozenRunner(own)
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / 'ranges.npz').exists():
        measure_ranges(world, runner, folder)
    refuse_other_eyes(FeatureCache(folder), own)
    ranges = dict(np.load(folder / 'ranges.npz'))
    for start in range(0, clips, shard):
        place = folder / f'shard-{start // shard:05d}'
        if (place / 'done').exists():
            continue
        rng = random.Random(start)
        numbers = range(first + start, first + min(start + shard, clips))
        write_shard(place, [(world.clip(split, n), rng.random() < evidence_share) for n in numbers], runner, ranges, start)
