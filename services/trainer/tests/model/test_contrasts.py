"""What is asked by contrast is true of the one thing it means, or of none."""
import random

import numpy as np

from trainer.contrasts import contrasts, plain_way
from trainer.feature_cache import CachedClip, CachedThing
from trainer.said import MOTIONS, motion_of, words_of
from trainer.data.appearance import COLOURS

FRAMES = 16
SEEN = np.arange(FRAMES)


def thing(colour: str, motion: str, start: float, end: float, until: int = FRAMES) -> CachedThing:
    """A dog that goes from `start` to `end` along x by frame `until` and stays there."""
    along = start + (end - start) * np.clip(np.arange(FRAMES) / (until - 1), 0, 1)
    boxes = np.stack([along, np.full(FRAMES, 0.4), along + 0.1, np.full(FRAMES, 0.5)], 1)
    seen = np.ones(FRAMES, bool)
    return CachedThing('dog', colour, boxes, seen, seen, np.zeros((2, 40, 40), np.uint8), motion, np.zeros((2, 3200), np.uint8))


def clip(*things: CachedThing) -> CachedClip:
    return CachedClip(np.array([0, FRAMES - 1]), list(things), [], -1, np.arange(FRAMES) * 250.0)


def asked(world: CachedClip) -> list:
    groups = {'dog': list(range(len(world.things)))}
    return [contrast for seed in range(60) for contrast in contrasts(world, SEEN, FRAMES - 1, groups, lambda noun: noun, 1.0, random.Random(seed))]


def test_every_phrase_is_true_of_just_what_it_means() -> None:
    world = clip(thing('red', 'left', 0.8, 0.1), thing('blue', 'right', 0.1, 0.8), thing('blue', 'still', 0.4, 0.4))
    found = asked(world)
    for contrast in found:
        first, motion = words_of(contrast.phrase)[0], motion_of(contrast.phrase)
        true = [i for i, thing in enumerate(world.things) if (thing.colour == first if first in COLOURS else thing.motion == MOTIONS[motion])]
        assert true == contrast.things, contrast
    assert {bool(contrast.things) for contrast in found} == {True, False}
    assert any(motion_of(contrast.phrase) < len(MOTIONS) for contrast in found) and any(words_of(contrast.phrase)[0] in COLOURS for contrast in found)


def test_a_way_that_can_be_disputed_is_not_asked_about() -> None:
    stopped = thing('red', 'left', 0.8, 0.1, until=5)
    assert plain_way(stopped, SEEN, FRAMES - 1) == '' and plain_way(thing('red', 'left', 0.8, 0.1), SEEN, FRAMES - 1) == 'left'
    assert all(motion_of(contrast.phrase) == len(MOTIONS) for contrast in asked(clip(stopped)))


def test_a_colour_that_nobody_named_is_not_asked_about() -> None:
    assert all(words_of(contrast.phrase)[0] not in COLOURS for contrast in asked(clip(thing('', 'left', 0.8, 0.1))))
