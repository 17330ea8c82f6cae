"""Referring expressions: words that fit one thing of a clip and no other."""
from dataclasses import dataclass
from random import Random
from typing import Literal

import numpy as np

from .appearance import COLOURS
from .nouns import BY_NAME
from .view import View

By = Literal['name', 'colour', 'place', 'relation', 'motion', 'order']
APART = 0.13  # how much further to one side a thing must be to be `the left one`
GOING = {'left': ('moving left', 'going left'), 'right': ('moving right', 'going right'), 'up': ('moving up', 'going up'), 'down': ('moving down', 'going down')}


@dataclass(frozen=True)
class Phrase:
    text: str               # with its article: `the red car`
    noun: str
    by: By
    lookalike: bool         # another of the noun is (or was) there, so the noun alone does not do
    things: tuple[int, ...]


def word(rng: Random, noun: str, plural: bool = False) -> str:
    """The noun or, four times in ten, another name of it."""
    entry = BY_NAME[noun]
    forms = rng.choice(entry.synonyms) if entry.synonyms and rng.random() < 0.4 else (entry.name, entry.plural)
    return forms[1 if plural else 0]


def article(words: str) -> str:
    return ('an ' if words[0] in 'aeiou' else 'a ') + words


def phrases(view: View, i: int, rng: Random, timeless: bool = False) -> list[Phrase]:
    """Every expression that singles the thing out. `timeless` leaves out what holds at the last frame only (place, relation)."""
    noun, last = view.noun(i), view.last
    alike = view.alike(i)
    others = alike if timeless else [j for j in alike if view.visible[j, last]]
    marked = bool(alike)
    name = word(rng, noun)
    found: list[Phrase] = []

    def add(text: str, by: By) -> None:
        found.append(Phrase(f'the {text}', noun, by, marked, (i,)))

    if not alike:
        add(name, 'name')
    colour = view.scene.actors[i].colour
    if colour and all(view.scene.actors[j].colour not in ('', colour) for j in alike):
        add(f'{colour} {name}', 'colour')
    for text in by_motion(view, i, alike, name, rng):
        add(text, 'motion')
    if alike:
        for text in by_order(view, i, alike, name):
            add(text, 'order')
    if not timeless and alike and len(others) == len(alike):
        for text in by_place(view, i, others, name, rng):
            add(text, 'place')
    if not timeless and len(others) == len(alike):
        for text in by_relation(view, i, others, name, rng):
            add(text, 'relation')
    return found


def by_motion(view: View, i: int, alike: list[int], name: str, rng: Random) -> list[str]:
    ways = {j: way_of(view, j) for j in [i, *alike]}
    if '' in ways.values():
        return []
    mine, rest = ways[i], [ways[j] for j in alike]
    if mine == 'still':
        return [rng.choice((f'{name} that stands still', f'{name} that does not move', f'still {name}'))] if alike and 'still' not in rest else []
    found = []
    if mine not in rest:
        found.append(f'{name} {rng.choice(GOING[mine])}')
    if alike and all(way == 'still' for way in rest):
        found.append(f'moving {name}')
    return found


def way_of(view: View, i: int) -> str:
    """Where a thing goes in the frames seen, 'still', or '' when a single word would not be fair."""
    path = view.scene.actors[i].path
    assert path is not None
    if path.program in ('stop', 'start'):
        return ''
    shown = np.flatnonzero(view.visible[i, :view.last + 1])
    if len(shown) < 4:
        return ''
    if path.motion == 'still':
        return 'still'
    step = path.points[shown[-1]] - path.points[shown[0]]
    return path.motion if np.abs(step).max() > 0.18 else ''


def by_order(view: View, i: int, alike: list[int], name: str) -> list[str]:
    mine, rest = view.first_seen(i), [view.first_seen(j) for j in alike]
    if all(mine <= other - 3 for other in rest):
        return [f'{name} that came first']
    if all(mine >= other + 3 for other in rest):
        return [f'{name} that came last']
    return []


def by_place(view: View, i: int, others: list[int], name: str, rng: Random) -> list[str]:
    mine = view.centre(i, view.last)
    rest = np.array([view.centre(j, view.last) for j in others])
    found = []
    for axis, (low, high) in enumerate((('left', 'right'), ('top', 'bottom'))):
        preposition = 'on' if axis == 0 else 'at'
        for place, outermost in ((low, mine[axis] < rest[:, axis].min() - APART), (high, mine[axis] > rest[:, axis].max() + APART)):
            if outermost:
                found.append(rng.choice((f'{place} {name}', f'{name} {preposition} the {place}')))
    return found


def by_relation(view: View, i: int, others: list[int], name: str, rng: Random) -> list[str]:
    last = view.last
    found = []
    for noun, things in view.nouns_at(last).items():
        if noun == view.noun(i) or len(things) != 1 or not view.clear[things[0], last] or view.alike(things[0]):
            continue
        anchor, words = view.centre(things[0], last), f'the {word(rng, noun)}'
        delta = view.centre(i, last) - anchor
        rest = [view.centre(j, last) - anchor for j in others]
        near = np.abs(delta).max()
        if others and near < 0.36 and all(np.abs(other).max() > near + 0.18 for other in rest):
            found.append(f'{name} next to {words}')
        for axis, (low, high) in enumerate((('left of', 'right of'), ('above', 'below'))):
            sign = -1 if delta[axis] < 0 else 1
            if abs(delta[axis]) > 0.16 and abs(delta[1 - axis]) < 0.8 * abs(delta[axis]) and all(sign * other[axis] < 0.02 for other in rest):
                found.append(f'{name} {low if sign < 0 else high} {words}')
    return found


def absent_noun(view: View, rng: Random, nouns: tuple[str, ...]) -> Phrase:
    """A noun that is never in the clip."""
    while True:
        noun = rng.choice(nouns)
        if not view.ever(noun):
            break
    colour = f'{rng.choice(COLOURS)} ' if rng.random() < 0.15 else ''
    return Phrase(f'the {colour}{word(rng, noun)}', noun, 'colour' if colour else 'name', False, ())


def wrong_attribute(view: View, rng: Random) -> Phrase | None:
    """A noun that is there, with a colour or a motion that none of them has."""
    present = [i for i in range(view.count) if view.clear[i, view.last]]
    if not present:
        return None
    i = rng.choice(present)
    family = [i, *view.alike(i)]
    name = word(rng, view.noun(i))
    colours = [view.scene.actors[j].colour for j in family]
    if '' not in colours and rng.random() < 0.7:
        free = [c for c in COLOURS if not any(confusable(c, used) for used in colours)]
        if free:  # a crowd may wear every colour
            return Phrase(f'the {rng.choice(free)} {name}', view.noun(i), 'colour', True, ())
    ways = [way_of(view, j) for j in family]
    if '' not in ways:
        free = [w for w in GOING if w not in ways]
        if free:
            return Phrase(f'the {name} {rng.choice(GOING[rng.choice(free)])}', view.noun(i), 'motion', True, ())
    return None


def confusable(a: str, b: str) -> bool:
    """Colours that two people may name differently under odd light."""
    return a == b or {a, b} in ({'purple', 'pink'}, {'purple', 'blue'}, {'red', 'pink'}, {'white', 'pink'}, {'white', 'yellow'})
