"""The right noun in the wrong colour, or going the wrong way: phrases beside what is in view, some true of one thing, some of none.

A clip's own questions deny such a phrase now and then, and a noun in view is then easily taken for the thing that was asked for.
"""
from collections.abc import Callable
from dataclasses import dataclass
import random

import numpy as np

from trainer.data.appearance import COLOURS
from trainer.data.refer import GOING
from trainer.feature_cache import CachedClip, CachedThing

TRUE_SHARE, AMONG_ALIKE = 0.4, 0.65  # true of one thing; where there are several of the noun
FAR, STEADY = 0.18, 0.06  # of the picture: over all frames seen, and in each half of them


@dataclass
class Contrast:
    phrase: str
    noun: str
    things: list[int]  # the one that is meant, or none


def contrasts(clip: CachedClip, seen: np.ndarray, frame: int, groups: dict[str, list[int]], name_of: Callable[[str], str], share: float, rng: random.Random) -> list[Contrast]:
    """groups: noun → its things, of nouns whose things are all either clear or out of view in `frame`, the last of those seen. One of each sort in `share` of lessons."""
    found = []
    coloured = [noun for noun, things in groups.items() if all(clip.things[i].colour for i in things)]
    if coloured and rng.random() < share:
        noun = rng.choice(coloured)
        found.append(by_colour(clip, noun, groups[noun], name_of(noun), rng))
    going = {noun: ways for noun, things in groups.items() if all(ways := [plain_way(clip.things[i], seen, frame) for i in things])}
    if going and rng.random() < share:
        noun = rng.choice(sorted(going))
        found.append(by_motion(noun, groups[noun], going[noun], name_of(noun), rng))
    return [contrast for contrast in found if contrast is not None]


def by_colour(clip: CachedClip, noun: str, things: list[int], name: str, rng: random.Random) -> Contrast | None:
    worn = [clip.things[i].colour for i in things]
    only = [i for i, colour in zip(things, worn) if worn.count(colour) == 1]
    if only and rng.random() < (AMONG_ALIKE if len(things) > 1 else TRUE_SHARE):
        mine = rng.choice(only)
        return Contrast(f'the {clip.things[mine].colour} {name}', noun, [mine])
    return Contrast(f'the {rng.choice([colour for colour in COLOURS if colour not in worn])} {name}', noun, [])


def by_motion(noun: str, things: list[int], ways: list[str], name: str, rng: random.Random) -> Contrast | None:
    only = [i for i, way in zip(things, ways) if ways.count(way) == 1 and way != 'still']
    if only and rng.random() < (AMONG_ALIKE if len(things) > 1 else TRUE_SHARE):
        mine = rng.choice(only)
        return Contrast(f'the {name} {rng.choice(GOING[ways[things.index(mine)]])}', noun, [mine])
    others = [way for way in GOING if way not in ways]
    return Contrast(f'the {name} {rng.choice(GOING[rng.choice(others)])}', noun, []) if others else None


def plain_way(thing: CachedThing, seen: np.ndarray, frame: int) -> str:
    """'left', 'right', 'up', 'down' or 'still' where that is beyond dispute, else ''."""
    frames = np.unique(seen)
    shown = frames[thing.visible[frames]]
    if not thing.clear[frame] or len(shown) < 5 or thing.motion not in (*GOING, 'still'):
        return ''
    middles = (thing.boxes[shown][:, :2] + thing.boxes[shown][:, 2:]) / 2
    half = len(shown) // 2
    far, first, then = (float(np.abs(b - a).max()) for a, b in ((middles[0], middles[-1]), (middles[0], middles[half]), (middles[half], middles[-1])))
    if thing.motion == 'still':
        return 'still' if far < STEADY else ''
    return thing.motion if far > FAR and min(first, then) > STEADY else ''
