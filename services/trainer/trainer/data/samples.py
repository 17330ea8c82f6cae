"""Short clips to try the product on, as animated WebP at their own aspect, with questions and their true answers."""
import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from .clip import Clip, SpriteWorld, WorldConfig
from .folder import expectation

SIDE = 256              # pixels: the square root of the picture's area
MOST_BYTES = 300 * 1024
EVERYDAY = ('airplane', 'apple', 'balloon', 'banana', 'bicycle', 'bird', 'boat', 'book', 'bus', 'butterfly', 'car', 'cat', 'cup', 'dog', 'duck', 'elephant', 'fish', 'fox',
            'frog', 'giraffe', 'guitar', 'helicopter', 'horse', 'house', 'monkey', 'motorcycle', 'penguin', 'person', 'rabbit', 'robot', 'rocket', 'scooter', 'sheep',
            'snowman', 'sports ball', 'strawberry', 'teddy bear', 'tiger', 'train', 'tree', 'truck', 'turtle', 'umbrella')
SAMPLES = (('lookalikes', 'dev', 'seen'), ('behind-a-wall', 'dev', 'seen'), ('comings-and-goings', 'dev', 'seen'), ('a-crowd', 'dev', 'seen'), ('another-hand', 'test', 'held-out'))


@dataclass(frozen=True)
class Wish:
    """What a sample should show."""
    kinds: frozenset[str]
    programs: frozenset[str] = frozenset()
    fewest: int = 4
    most: int = 5


WISHES = {
    'lookalikes': Wish(frozenset({'region', 'count', 'motion'}), frozenset({'move'})),
    'behind-a-wall': Wish(frozenset({'track', 'moment', 'region'}), frozenset({'hide'})),
    'comings-and-goings': Wish(frozenset({'moment', 'region', 'exist'}), frozenset({'enter', 'leave'})),
    'a-crowd': Wish(frozenset({'region', 'list', 'mask'}), frozenset({'move', 'still'}), 5, 6),
    'another-hand': Wish(frozenset({'region', 'mask', 'count'}), frozenset({'move'})),
}


def fits(clip: Clip, wish: Wish) -> bool:
    there = [ask.kind for ask in clip.asks if not ask.targets or all(t.present for t in ask.targets)]
    alike = any(t.lookalike and t.things for ask in clip.asks for t in ask.targets)
    nouns = {t.noun for t in clip.things}
    return (len(nouns) >= 3 and wish.kinds <= set(there) and wish.programs <= {t.program for t in clip.things} and wish.fewest <= len(clip.things) <= wish.most and alike
            and not clip.background.startswith(('pattern', 'clutter', 'photo')))


def find(world: SpriteWorld, wish: Wish, split: str, style: str) -> Clip:
    """The first clip, from a part of the split that no evaluation uses, that shows all that is wished for."""
    for index in range(100_000, 101_500):
        clip = world.clip('test' if split == 'test' else 'dev', index, 'held-out' if style == 'held-out' else 'seen')
        if fits(clip, wish):
            return clip
    raise LookupError(f'No clip of {split} has {sorted(wish.kinds)} and {sorted(wish.programs)}.')


def write_webp(path: Path, clip: Clip, step_ms: int) -> None:
    width, height = round(SIDE * clip.aspect**0.5), round(SIDE * clip.aspect**-0.5)
    frames = [Image.fromarray(cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA if width < SIDE else cv2.INTER_CUBIC)) for frame in clip.frames]
    for quality in (88, 78, 66, 54, 42):
        frames[0].save(path, save_all=True, append_images=frames[1:], duration=step_ms, loop=0, quality=quality, method=4)
        if path.stat().st_size <= MOST_BYTES:
            return
    raise ValueError(f'{path.name} is {path.stat().st_size} bytes at the lowest quality; at most {MOST_BYTES}.')


def questions(clip: Clip) -> list[dict]:
    found = []
    for ask in clip.asks:
        if ask.kind == 'caption':
            continue
        expect = expectation(clip, ask)
        whole = ask.kind in ('track', 'moment')
        found.append({'text': ask.text.replace(' ?', '?'), **({} if whole else {'at': {'frame': ask.frame}}), 'expect': expect if ask.kind != 'track' else {'track': thinned(expect['track'])}})
    return found


def thinned(track: list[dict]) -> list[dict]:
    """Every fourth frame without its mask: enough to see whether the right thing is followed."""
    return [{key: value for key, value in entry.items() if key != 'mask'} for entry in track[::4]]


def write_samples(folder: Path) -> list[dict]:
    """The clips and their entries for `samples.json`; entries of other files there are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    world = SpriteWorld(WorldConfig.load('spriteworld-v1', frames=32, step_ms=125, size=SIDE, natural_colours=0.75))
    world.nouns = EVERYDAY
    entries = []
    for name, split, style in SAMPLES:
        clip = find(world, WISHES[name], split, style)
        write_webp(folder / f'{name}.webp', clip, world.config.step_ms)
        entries.append({'file': f'{name}.webp', 'frames': len(clip.frames), 'fps': 1000 / world.config.step_ms,
                        'shows': sorted({t.noun for t in clip.things}), 'questions': questions(clip)})
    path = folder / 'samples.json'
    others = [entry for entry in (json.loads(path.read_text()) if path.exists() else []) if entry['file'] not in {e['file'] for e in entries}]
    path.write_text(json.dumps(entries + others, indent=1) + '\n')
    return entries
