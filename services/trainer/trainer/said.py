"""What a phrase says beside its noun, as classes that a task state must name: the colour, the side, the motion, the event, the other thing."""
from trainer.vocabulary import COLOURS, vocabulary

SIDES = ('left', 'right', 'top', 'bottom')   # a further class: no side said
MOTIONS = ('left', 'right', 'up', 'down', 'still', 'moving', 'first', 'last')  # which way it goes, or when it came; a further class: none said
EVENTS = ('visible', 'enters', 'leaves', 'moves', 'hidden', 'passes')
MIRRORED = {0: 1, 1: 0}  # left and right, of SIDES and of MOTIONS


def words_of(phrase: str) -> list[str]:
    return phrase.removeprefix('the ').removeprefix('all ').split()


def colour_of(phrase: str) -> int:
    """Index in COLOURS; their number where none is said."""
    words = words_of(phrase)
    return COLOURS.index(words[0]) if len(words) > 1 and words[0] in COLOURS else len(COLOURS)


def side_of(phrase: str) -> int:
    """`the left dog`, `the dog on the left` → index in SIDES; their number where none is said. `the dog left of the car` says none: it speaks of the car."""
    words = words_of(phrase)
    if len(words) > 1 and words[0] in SIDES:
        return SIDES.index(words[0])
    if len(words) > 3 and words[-1] in SIDES and words[-2] == 'the' and words[-3] in ('on', 'at'):
        return SIDES.index(words[-1])
    return len(SIDES)


def motion_of(phrase: str) -> int:
    """`the dog moving left`, `the moving dog`, `the dog that came first` → index in MOTIONS; their number where none is said."""
    words = words_of(phrase)
    if len(words) > 2 and words[-1] in MOTIONS and words[-2] in ('moving', 'going', 'came', 'stands'):
        return MOTIONS.index(words[-1])
    if words[-3:] == ['does', 'not', 'move'] or (len(words) > 1 and words[0] == 'still'):
        return MOTIONS.index('still')
    return MOTIONS.index('moving') if len(words) > 1 and words[0] == 'moving' else len(MOTIONS)


def event_of(phrase: str) -> int:
    """Of a moment's clause, `the dog enters` → index in EVENTS; their number for any other phrase."""
    return next((index for index, event in enumerate(EVENTS) if event in phrase.split()), len(EVENTS))


def partner_of(phrase: str) -> int:
    """`the dog passes the red car` → the car, by number among the vocabulary's nouns; their number where there is no other."""
    known = vocabulary().noun_of_token()
    _, _, other = phrase.partition(' passes ')
    found = [known[vocabulary().id(word)] for word in other.split()]
    return next((noun for noun in found if noun >= 0), len(vocabulary().nouns))
