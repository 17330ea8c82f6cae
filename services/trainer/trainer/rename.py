"""Nouns without a sprite are learnt by renaming one: a drawn thing is called "oven" for a lesson, and the evidence of an oven is put over it.

So the language model copies every noun of its vocabulary, and the heads learn to believe the pretrained eyes about things that were never drawn
(docs/design/model.md, the real world). What is put there looks like what the detector and the classifier give on photographs: a bump on the box, of any
sureness, with a rough box.
"""
from dataclasses import dataclass, replace
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
    noun = rng.choice([noun for noun in known_nouns() if noun not in nouns])
    row = noun_matrix([noun])[0]
    coco, imagenet = bool(row[:COCO_CHANNELS].any()), bool(row[COCO_CHANNELS:].any())
    if coco and imagenet and rng.random() < 0.6:
        coco, imagenet = rng.choice(((True, False), (False, True)))
    return Renaming(thing, nouns[thing], noun, rng.uniform(0.3, 0.95), coco, imagenet)


def known_nouns() -> list[str]:
    global _known
    if _known is None:
        nouns = vocabulary().nouns
        _known = [noun for noun, row in zip(nouns, noun_matrix(list(nouns))) if row.any()]
    return _known


_known: list[str] | None = None


def renamed(ask: Ask, renaming: Renaming) -> Ask | None:
    """The same question with the new noun; None where the old noun comes in a way that one replacement cannot serve."""
    if ask.kind in ('list', 'caption'):
        return None
    forms = {form: entry for form, entry in vocabulary().forms.items() if entry.noun == renaming.old}
    fresh = {plural: next((form for form, entry in vocabulary().forms.items() if entry.noun == renaming.noun and entry.plural == plural), renaming.noun) for plural in (False, True)}

    def swap(text: str) -> str:
        for form in sorted(forms, key=len, reverse=True):
            text = f' {text} '.replace(f' {form} ', f' {fresh[forms[form].plural]} ').strip()
        return text

    absent_new = [target for target in ask.targets if target.noun == renaming.noun and not target.things]
    if absent_new or mentions(ask, renaming.noun):
        return None  # it was asked as absent, and is there now
    targets = [replace(target, phrase=swap(target.phrase), noun=renaming.noun if target.noun == renaming.old else target.noun) for target in ask.targets]
    return replace(ask, text=swap(ask.text), answer=swap(ask.answer), targets=targets)


def mentions(ask: Ask, noun: str) -> bool:
    forms = [form for form, entry in vocabulary().forms.items() if entry.noun == noun]
    return any(f' {form} ' in f' {ask.text} {ask.answer} ' for form in forms)


def put_evidence(maps: np.ndarray, ltrb: np.ndarray, noun: str, box: np.ndarray, renaming: Renaming, rng: random.Random) -> None:
    """Writes a plausible finding of `noun` at `box` into one frame's evidence (E, G, G) and boxes (4, G, G), in place."""
    if rng.random() < 0.08:
        return  # even good eyes miss
    row = noun_matrix([noun])[0].numpy() > 0
    sure = min(1.0, max(0.05, renaming.sureness + rng.gauss(0, 0.1)))
    jitter = np.array([rng.gauss(0, 0.06) for _ in range(4)]) * np.tile(box[2:] - box[:2], 2)
    found = np.clip(box + jitter, 0, 1)
    centre = (np.arange(GRID) + 0.5) / GRID
    middle, half = (found[:2] + found[2:]) / 2, np.maximum((found[2:] - found[:2]) / 2, 0.02)
    dx, dy = np.abs(centre - middle[0]) / half[0], np.abs(centre - middle[1]) / half[1]
    for channel in np.flatnonzero(row):
        coco = channel < COCO_CHANNELS
        if not (renaming.coco if coco else renaming.imagenet):
            continue
        if coco:
            bump = np.exp(-(dy[:, None] ** 2 + dx[None] ** 2) * rng.uniform(0.8, 2.0)) * (dy[:, None] < 1.1) * (dx[None] < 1.1)
        else:
            spread = rng.uniform(1.2, 2.0)  # class activation maps are coarse
            wide = np.maximum(half, 0.08) * spread
            bump = np.exp(-((centre - middle[1]) / wide[1])[:, None] ** 2 - ((centre - middle[0]) / wide[0])[None] ** 2)
        maps[channel] = np.maximum(maps[channel], (bump * sure).astype(np.float32))
    if renaming.coco:
        near = (dy[:, None] < 1) & (dx[None] < 1)
        for side, value in enumerate((centre[None] - found[0], centre[:, None] - found[1], found[2] - centre[None], found[3] - centre[:, None])):
            spread = np.broadcast_to(value * GRID, (GRID, GRID))
            ltrb[side][near] = spread[near]


def false_alarms(maps: np.ndarray, rng: random.Random, count: int = 6) -> None:
    """Weak findings of random channels at random places, as pretrained eyes have them on anything."""
    for _ in range(rng.randint(0, count)):
        channel = rng.randrange(EVIDENCE_CHANNELS)
        y, x, size, sure = rng.randrange(GRID), rng.randrange(GRID), rng.randint(1, 4), rng.uniform(0.02, 0.3) ** 1.3
        patch = maps[channel, max(0, y - size):y + size, max(0, x - size):x + size]
        np.maximum(patch, sure, out=patch)


