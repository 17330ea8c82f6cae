"""Questions that words alone answer: is there, how many, which way, what all; and the caption of a clip."""
from random import Random

from . import refer
from .ask import Ask
from .nouns import BY_NAME
from .view import View

NUMBERS = ('zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight')


def settled(view: View, noun: str) -> bool:
    """Whether its number at the last frame is beyond dispute: every one of them is either clear or not to be seen at all."""
    return all(view.clear[i, view.last] or view.drawing.seen[i, view.last] == 0 for i in range(view.count) if view.noun(i) == noun)


def exist(view: View, rng: Random, nouns: tuple[str, ...]) -> Ask | None:
    present = [noun for noun in view.nouns_at(view.last) if settled(view, noun)]
    if rng.random() < 0.5 and present:
        noun, answer = rng.choice(sorted(present)), 'yes'
    else:
        noun, answer = refer.absent_noun(view, rng, nouns).noun, 'no'
    if BY_NAME[noun].plural == noun or rng.random() < 0.25:
        text = rng.choice(('are there any {} ?', 'are there {} ?', 'do you see any {} ?')).format(refer.word(rng, noun, plural=True))
    else:
        text = rng.choice(('is there {} ?', 'do you see {} ?', 'can you see {} ?')).format(refer.article(refer.word(rng, noun)))
    return Ask('exist', text, answer, view.last)


def count(view: View, rng: Random, nouns: tuple[str, ...]) -> Ask | None:
    groups = {noun: things for noun, things in view.nouns_at(view.last).items() if settled(view, noun)}
    if rng.random() < 0.12 or not groups:
        noun, number = refer.absent_noun(view, rng, nouns).noun, 0
    else:
        several = [noun for noun, things in groups.items() if len(things) > 1]
        noun = rng.choice(sorted(several if several and rng.random() < 0.7 else groups))
        number = len(groups[noun])
    name = refer.word(rng, noun, plural=True)
    text = rng.choice(('how many {} are there ?', 'how many {} do you see ?', 'count the {}')).format(name)
    return Ask('count', text, NUMBERS[number], view.last)


def motion(view: View, rng: Random) -> Ask | None:
    ways: dict[str, list[int]] = {}
    for i in range(view.count):
        way = refer.way_of(view, i)
        if way and view.visible[i, :view.last + 1].sum() >= 5:
            ways.setdefault(way, []).append(i)
    if not ways:
        return None
    going = sorted(way for way in ways if way != 'still')
    way = 'still' if not going or ('still' in ways and rng.random() < 0.22) else rng.choice(going)
    i = rng.choice(ways[way])
    options = [p for p in refer.phrases(view, i, rng, timeless=True) if p.by in ('name', 'colour')]
    if not options:
        return None
    text = rng.choice(('which way does {} move ?', 'where does {} go ?', 'how does {} move ?')).format(rng.choice(options).text)
    return Ask('motion', text, 'it does not move' if way == 'still' else way, view.last)


def listing(view: View, rng: Random) -> Ask | None:
    groups = view.nouns_at(view.last)
    if not groups or not all(settled(view, view.noun(i)) for i in range(view.count)):
        return None
    text = rng.choice(('what do you see ?', 'what is in the picture ?', 'list what you see', 'name all things'))
    return Ask('list', text, ' , '.join(sorted(groups)), view.last)


def caption(view: View, rng: Random) -> Ask | None:
    """`a red car moving left , two dogs`: one part a noun, alphabetical."""
    parts = []
    for noun, things in sorted(view.nouns_at(view.last).items()):
        if len(things) > 1:
            parts.append(f'{NUMBERS[len(things)]} {BY_NAME[noun].plural}')
            continue
        actor, way = view.scene.actors[things[0]], refer.way_of(view, things[0])
        words = f'{actor.colour} {noun}'.strip()
        words = words if BY_NAME[noun].plural == noun else refer.article(words)
        parts.append(f'{words} moving {way}' if way not in ('', 'still') else words)
    if not parts:
        return None
    return Ask('caption', rng.choice(('describe the video', 'what happens ?', 'describe this')), ' , '.join(parts), view.last)
