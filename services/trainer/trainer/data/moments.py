"""Questions about time: when is it visible, when does it enter, leave, move, hide, pass another."""
from dataclasses import dataclass
from random import Random

import numpy as np

from . import refer
from .ask import Ask, Target
from .refer import Phrase
from .view import View, runs

SHORTEST = 2


@dataclass(frozen=True)
class Event:
    clause: str                     # '{} enters': the phrase that the trigger grounds
    questions: tuple[str, ...]


EVENTS: dict[str, Event] = {
    'visible': Event('{} is visible', ('when is {} visible ?', 'when is {} in the picture ?', 'when can you see {} ?')),
    'enter': Event('{} enters', ('when does {} enter ?', 'when does {} come in ?')),
    'leave': Event('{} leaves', ('when does {} leave ?', 'when does {} go away ?')),
    'move': Event('{} moves', ('when does {} move ?', 'when is {} moving ?')),
    'hide': Event('{} is hidden', ('when is {} hidden ?', 'when does {} disappear ?')),
    'pass': Event('{} passes {}', ('when does {} pass {} ?', 'when is {} in front of {} ?')),
}


def spans_of(view: View, i: int, event: str, other: int | None = None) -> list[tuple[int, int]] | None:
    """When it happens in the frames seen, [] when it does not, None when it cannot fairly be asked."""
    n = view.last + 1
    shown, whole = view.visible[i, :n], view.whole[i, :n]
    path = view.scene.actors[i].path
    assert path is not None
    if not shown.any():
        return None
    if event == 'visible':
        return runs(shown)
    if event == 'hide':
        first, last = int(shown.argmax()), n - 1 - int(shown[::-1].argmax())
        return [run for run in runs(~shown) if first < run[0] and run[1] <= last]
    if event == 'enter':
        first = int(shown.argmax())
        if first == 0:
            return [] if whole[0] else None
        return [(first, min(n, first + 1 + int(whole[first:].argmax())))] if whole[first:].any() and path.program != 'hide' else None
    if event == 'leave':
        last = n - 1 - int(shown[::-1].argmax())
        if last == n - 1:
            return [] if whole[-1] else None
        kept = np.flatnonzero(whole[:last + 1])
        return [(int(kept[-1]), last + 1)] if len(kept) and path.program in ('leave', 'cross') else None
    if event == 'move':
        moving = path.moving[:n] & shown
        if path.program in ('stop', 'start'):
            return runs(moving)
        return [] if path.motion == 'still' else None
    assert other is not None
    a, b = view.drawing.full[i, :n], view.drawing.full[other, :n]
    overlap = np.clip(np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2]), 0, None).prod(1)
    smaller = np.minimum((a[:, 2:] - a[:, :2]).prod(1), (b[:, 2:] - b[:, :2]).prod(1))
    return runs(overlap > 0.1 * smaller)


def askable(spans: list[tuple[int, int]], n: int) -> bool:
    """One or two stretches, none too short to point at, none that is the whole clip."""
    return 1 <= len(spans) <= 2 and all(end - start >= SHORTEST for start, end in spans) and spans != [(0, n)]


def moment(view: View, rng: Random, nouns: tuple[str, ...], absent_share: float) -> Ask | None:
    if rng.random() < absent_share * 0.5:
        return answer(view, rng, rng.choice([e for e in EVENTS if e != 'pass']), refer.absent_noun(view, rng, nouns), [], '')
    happening: list[tuple[int, str, list[tuple[int, int]], int | None]] = []
    missing: list[tuple[int, str]] = []
    for i in range(view.count):
        path = view.scene.actors[i].path
        assert path is not None
        for event in EVENTS:
            others: list[int | None] = [None]
            if event == 'pass':
                others = [j for j in range(view.count) if j != i and view.scene.actors[i].in_front and view.noun(j) != view.noun(i)]
            for other in others:
                spans = spans_of(view, i, event, other)
                if spans and askable(spans, view.last + 1):
                    happening.append((i, event, spans, other))
                elif spans == [] and event in ('enter', 'leave', 'move', 'hide') and view.clear[i, :view.last + 1].mean() > 0.6:
                    missing.append((i, event))
    if missing and (not happening or rng.random() < absent_share * 0.5):
        i, event = rng.choice(missing)
        phrase = described(view, rng, i)
        return answer(view, rng, event, phrase, [], '') if phrase else None
    if not happening:
        return None
    event = rng.choice(sorted({h[1] for h in happening}))
    i, event, spans, other = rng.choice([h for h in happening if h[1] == event])
    phrase = described(view, rng, i)
    if phrase is None:
        return None
    partner = ''
    if other is not None:
        second = described(view, rng, other)
        if second is None:
            return None
        partner = second.text
    return answer(view, rng, event, phrase, spans, partner)


def described(view: View, rng: Random, i: int) -> Phrase | None:
    """By name or colour: an event is told apart by whose it is, not by itself."""
    options = [p for p in refer.phrases(view, i, rng, timeless=True) if p.by in ('name', 'colour')]
    return rng.choice(options) if options else None


def answer(view: View, rng: Random, event: str, phrase: Phrase, spans: list[tuple[int, int]], partner: str) -> Ask:
    names = (phrase.text, partner) if partner else (phrase.text,)
    clause = EVENTS[event].clause.format(*names)
    text = rng.choice(EVENTS[event].questions).format(*names)
    found = Target('moment', clause, list(phrase.things), phrase.noun, [(float(a), float(b)) for a, b in spans], phrase.lookalike, phrase.by)
    if spans:
        words = f'<p> {clause} <moment>'
    elif phrase.things:
        words = 'that does not happen'
    else:
        words = f'there is no {phrase.text.removeprefix("the ")}'
    return Ask('moment', text, words, view.last, [found])
