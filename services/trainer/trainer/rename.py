"""Nouns without a sprite are learnt by renaming one: a drawn thing is called "oven" for a lesson, and the evidence of an oven is put over it.

So the language model copies every noun of its vocabulary, and the heads learn to believe the pretrained eyes about things that were never drawn
(docs/design/model.md, the real world). What is put there looks like what the detector and the classifier give on photographs: a bump on the box, of any
sureness, with a rough box.
"""
from dataclasses import dataclass, replace
from functools import cache
import random

import numpy as np

from trainer.backbones.evidence import COCO_CHANNELS, EVIDENCE_CHANNELS, noun_matrix
from trainer.data.ask import Ask
from trainer.feature_cache import CachedClip
from trainer.vocabulary import vocabulary

GRID = 20


@dataclass(frozen=True)
class Renaming:
    thing: int
    old: str
    noun: str
    sureness: float
    coco: bool
    imagenet: bool


def renaming_for(clip: CachedClip, frame: int, rng: random.Random) -> Renaming | None:
    """A thing that is the only one of its noun becomes something the pretrained eyes know."""
    nouns = [thing.noun for thing in clip.things]
    single = [i for i, noun in enumerate(nouns) if nouns.count(noun) == 1]
    if not single:
        return None
    thing = rng.choice(single)
    return naming_of(thing, nouns[thing], rng.choice([noun for noun in known_nouns() if noun not in nouns]), rng)


def naming_of(thing: int, old: str, noun: str, rng: random.Random) -> Renaming:
    """How surely, and by which of the pretrained eyes, the noun is found in its place."""
    channels = channels_of(noun)
    coco, imagenet = min(channels) < COCO_CHANNELS, max(channels) >= COCO_CHANNELS
    if coco and imagenet and rng.random() < 0.6:
        coco, imagenet = rng.choice(((True, False), (False, True)))
    return Renaming(thing, old, noun, 0.1 + 0.8 * rng.betavariate(1.8, 2.6), coco, imagenet)  # as measured on photographs


@cache
def known_nouns() -> tuple[str, ...]:
    return tuple(noun for noun in vocabulary().nouns if channels_of(noun))


@cache
def channels_of(noun: str) -> tuple[int, ...]:
    """The evidence channels that speak of a noun."""
    return tuple(noun_matrix([noun])[0].nonzero()[:, 0].tolist())


def renamed(ask: Ask, renaming: Renaming) -> Ask | None:
    """The same question with the new noun; None where the old noun comes in a way that one replacement cannot serve."""
    if ask.kind in ('list', 'caption'):
        return None
    forms = vocabulary().forms_of(renaming.old)
    fresh = {plural: next((form for form, many in vocabulary().forms_of(renaming.noun).items() if many == plural), renaming.noun) for plural in (False, True)}

    def swap(text: str) -> str:
        for form in sorted(forms, key=len, reverse=True):
            text = f' {text} '.replace(f' {form} ', f' {fresh[forms[form]]} ').strip()
        return text

    absent_new = [target for target in ask.targets if target.noun == renaming.noun and not target.things]
    if absent_new or mentions(ask, renaming.noun):
        return None  # it was asked as absent, and is there now
    targets = [replace(target, phrase=swap(target.phrase), noun=renaming.noun if target.noun == renaming.old else target.noun) for target in ask.targets]
    return replace(ask, text=swap(ask.text), answer=swap(ask.answer), targets=targets)


def mentions(ask: Ask, noun: str) -> bool:
    return any(f' {form} ' in f' {ask.text} {ask.answer} ' for form in vocabulary().forms_of(noun))


def put_evidence(maps: np.ndarray, ltrb: np.ndarray, noun: str, box: np.ndarray, renaming: Renaming, rng: random.Random) -> None:
    """Writes a plausible finding of `noun` at `box` into one frame's evidence (E, G, G) and boxes (4, G, G), in place."""
    if rng.random() < 0.08:
        return  # even good eyes miss
    sure = min(1.0, max(0.05, renaming.sureness + rng.gauss(0, 0.1)))
    rough = 0.2 if rng.random() < 0.12 else 0.06  # on photographs nine boxes of ten lie well, one does not
    jitter = np.array([rng.gauss(0, rough) for _ in range(4)]) * np.tile(box[2:] - box[:2], 2)
    recognised = min(1.0, 2.2 * sure) if rng.random() < 0.7 else 0.3 * sure  # the classifier is either sure or silent
    found = np.clip(box + jitter, 0, 1)
    centre = (np.arange(GRID) + 0.5) / GRID
    middle, half = (found[:2] + found[2:]) / 2, np.maximum((found[2:] - found[:2]) / 2, 0.02)
    dx, dy = np.abs(centre - middle[0]) / half[0], np.abs(centre - middle[1]) / half[1]
    for channel in channels_of(noun):
        coco = channel < COCO_CHANNELS
        if not (renaming.coco if coco else renaming.imagenet):
            continue
        if coco:
            bump = np.exp(-(dy[:, None] ** 2 + dx[None] ** 2) * rng.uniform(1.0, 3.2)) * (dy[:, None] < 1.1) * (dx[None] < 1.1)
        else:
            spread = rng.uniform(1.2, 2.0)  # class activation maps are coarse
            wide = np.maximum(half, 0.08) * spread
            bump = np.exp(-((centre - middle[1]) / wide[1])[:, None] ** 2 - ((centre - middle[0]) / wide[0])[None] ** 2)
        maps[channel] = np.maximum(maps[channel], (bump * (sure if coco else recognised)).astype(np.float32))
    if renaming.coco:
        near = (dy[:, None] < 1) & (dx[None] < 1)
        for side, value in enumerate((centre[None] - found[0], centre[:, None] - found[1], found[2] - centre[None], found[3] - centre[:, None])):
            spread = np.broadcast_to(value * GRID, (GRID, GRID))
            ltrb[side][near] = spread[near]


def false_alarms(maps: np.ndarray, rng: random.Random, count: int = 12) -> None:
    """Weak findings of random channels at random places, as pretrained eyes have them on anything."""
    for _ in range(rng.randint(0, count)):
        channel = rng.randrange(EVIDENCE_CHANNELS)
        y, x, size, sure = rng.randrange(GRID), rng.randrange(GRID), rng.randint(1, 4), rng.uniform(0.02, 0.3) ** 1.3
        patch = maps[channel, max(0, y - size):y + size, max(0, x - size):x + size]
        np.maximum(patch, sure, out=patch)


