"""Questions that a head answers with a place: region, mask, track, and two heads in one answer."""
from random import Random

from . import refer
from .ask import Ask, Target
from .refer import Phrase
from .view import View

TEMPLATES: dict[str, tuple[str, ...]] = {
    'region': ('where is {} ?', 'find {}', 'point at {}', 'show me {}', 'locate {}', 'box {}', 'which one is {} ?', 'detect {}'),
    'regions': ('where are {} ?', 'find {}', 'point at {}', 'show me {}', 'locate {}', 'box {}', 'detect {}'),
    'mask': ('segment {}', 'outline {}', 'cut out {}', 'mask {}', 'show the mask of {}'),
    'track': ('follow {}', 'track {}', 'keep an eye on {}', 'watch {}'),
}
TRIGGER = {'region': '<region>', 'mask': '<mask>', 'track': '<mask>', 'moment': '<moment>'}


def said(phrase: Phrase, task: str) -> str:
    return f'<p> {phrase.text} {TRIGGER[task]}'


def denied(phrase: Phrase) -> str:
    return f'there is no {phrase.text.removeprefix("the ")}'


def target(phrase: Phrase, task: str) -> Target:
    return Target(task, phrase.text, list(phrase.things), phrase.noun, lookalike=phrase.lookalike, by=phrase.by)


def ask_about(view: View, rng: Random, kind: str, phrase: Phrase) -> Ask:
    many = phrase.text.startswith('all ') or len(phrase.things) > 1
    template = rng.choice(TEMPLATES['regions' if kind == 'region' and many else kind])
    return Ask(kind, template.format(phrase.text), said(phrase, kind) if phrase.things else denied(phrase), view.last, [target(phrase, kind)])


def choose(view: View, rng: Random, things: list[int], timeless: bool, prefer_alike: bool) -> Phrase | None:
    """A phrase for one of the things. The way of telling apart is drawn first, so that the common ones do not crowd out the rare."""
    options = [phrase for i in things for phrase in refer.phrases(view, i, rng, timeless)]
    alike = [phrase for phrase in options if phrase.lookalike]
    pool = alike if alike and prefer_alike else options
    if not pool:
        return None
    by = rng.choice(sorted({phrase.by for phrase in pool}))
    return rng.choice([phrase for phrase in pool if phrase.by == by])


def one(view: View, rng: Random, kind: str, prefer_alike: bool = False) -> Ask | None:
    """One thing that is there. Tracks begin at the first frame, so their thing is clear then."""
    timeless = kind == 'track'
    at = 0 if timeless else view.last
    things = [i for i in range(view.count) if view.clear[i, at]]
    if kind == 'track':
        hidden = [i for i in things if longest_gap(view, i) >= 3]
        things = hidden if hidden and rng.random() < 0.8 else things
    phrase = choose(view, rng, things, timeless, prefer_alike)
    return ask_about(view, rng, kind, phrase) if phrase else None


def longest_gap(view: View, i: int) -> int:
    """For how many frames at a stretch a thing is hidden between two times that it is seen."""
    shown = [t for t in range(view.last + 1) if view.visible[i, t]]
    return max((b - a - 1 for a, b in zip(shown, shown[1:])), default=0)


def by_name(view: View, rng: Random) -> Ask | None:
    options = [p for i in range(view.count) if view.clear[i, view.last] for p in refer.phrases(view, i, rng) if p.by == 'name']
    return ask_about(view, rng, 'region', rng.choice(options)) if options else None


def several(view: View, rng: Random) -> Ask | None:
    """All of a noun, two or more if there are such."""
    groups = [(noun, things) for noun, things in view.nouns_at(view.last).items() if len(things) > 1 and all(view.clear[i, view.last] for i in things)]
    if not groups:
        return None
    noun, things = rng.choice(groups)
    text = rng.choice(('the {}', 'all {}', 'the {}')).format(refer.word(rng, noun, plural=True))
    return ask_about(view, rng, 'region', Phrase(text, noun, 'name', False, tuple(things)))


def absent(view: View, rng: Random, kind: str, nouns: tuple[str, ...]) -> Ask:
    wrong = refer.wrong_attribute(view, rng) if kind != 'track' and rng.random() < 0.35 else None
    return ask_about(view, rng, kind, wrong or refer.absent_noun(view, rng, nouns))


def two(view: View, rng: Random, nouns: tuple[str, ...], absent_share: float) -> Ask | None:
    """Two things in one question, by two heads or twice by one."""
    things = [i for i in range(view.count) if view.clear[i, view.last]]
    rng.shuffle(things)
    picked: list[Phrase] = []
    for i in things:
        phrase = choose(view, rng, [i], False, False)
        if phrase and phrase.noun not in [p.noun for p in picked]:
            picked.append(phrase)
        if len(picked) == 2:
            break
    if not picked:
        return None
    if len(picked) == 1 or rng.random() < absent_share:
        picked = [picked[0], refer.absent_noun(view, rng, nouns)]
        if rng.random() < 0.5:
            picked.reverse()
    tasks = rng.choice((('region', 'region'), ('region', 'mask'), ('mask', 'region'), ('region', 'mask')))
    first, second = picked
    if tasks == ('region', 'region'):
        text = rng.choice(('find {} and {}', 'where are {} and {} ?', 'show me {} and {}')).format(first.text, second.text)
    else:
        verbs = {'region': ('find', 'point at', 'locate'), 'mask': ('segment', 'outline', 'cut out')}
        text = f'{rng.choice(verbs[tasks[0]])} {first.text} and {rng.choice(verbs[tasks[1]])} {second.text}'
    parts = [said(p, task) if p.things else denied(p) for p, task in zip(picked, tasks)]
    return Ask('multi', text, ' and '.join(parts), view.last, [target(p, task) for p, task in zip(picked, tasks)])

