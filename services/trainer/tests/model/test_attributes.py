"""Words of motion, age, colour and place carry the cells of which they are true, of the noun they stand beside."""
import torch

from trainer.backbones.nano_attributes import ATTRIBUTES, attribute_of_token, bind, cells_like
from trainer.backbones.nano_trails import FACTS, Course, own_facts
from trainer.config import TINY
from trainer.model import TpoModel
from trainer.vocabulary import COLOURS, vocabulary
from tests.model.test_plain import N

WAYS = 5


def grid() -> torch.Tensor:
    return TpoModel(TINY).backbone.words.grid


def like(word: str, course: Course, colour: torch.Tensor) -> torch.Tensor:
    return cells_like(course, colour, torch.zeros(1, N), grid())[0, ATTRIBUTES.index(word), :N]


def bound(*words: str) -> dict[str, str]:
    """Attribute → the noun it is bound to, of one text."""
    known = vocabulary()
    ids = torch.tensor([[known.id(word) for word in words]])
    found = bind(ids, torch.tensor(known.noun_of_token())[ids], torch.tensor(attribute_of_token(known))[ids], known.id('<bos>'), known.id('<answer>'))
    return {word: words[int(place)] if place >= 0 else '' for word, attribute, place in zip(words, found.attribute[0], found.noun[0]) if attribute >= 0}


def scene() -> tuple[Course, torch.Tensor]:
    """Cell 3: something that goes left, is old and red. Cell 7: something still, new and blue. Nothing elsewhere, though the sky is blue."""
    facts, ways, colour = torch.zeros(1, N, FACTS), torch.zeros(1, N, WAYS), torch.zeros(1, N, len(COLOURS) + 1)
    facts[0, [3, 7], -2] = 1.0
    facts[0, 3, -1], facts[0, 7, -1] = 0.9, 0.2
    ways[0, 3, 0], ways[0, 7, 4] = 1.0, 1.0
    colour[0, :, COLOURS.index('blue')] = 1.0
    colour[0, 3] = torch.eye(len(COLOURS) + 1)[COLOURS.index('red')]
    return Course(facts, ways), colour


def test_each_word_lights_the_cells_of_which_it_is_true() -> None:
    course, colour = scene()
    colour = colour * course.there  # of what is there
    lit = {word: like(word, course, colour).argmax().item() for word in ('left', 'moving', 'still', 'first', 'last', 'red', 'blue')}
    assert lit == {'left': 3, 'moving': 3, 'still': 7, 'first': 3, 'last': 7, 'red': 3, 'blue': 7}
    assert like('right', course, colour).max() == 0


def test_of_several_things_the_outermost_is_lit() -> None:
    course, colour = scene()
    number = torch.zeros(1, N)
    number[0, [1, 8, 22]] = 1.0        # top, right, bottom; 5 cells a side
    cells = cells_like(course, colour, number, grid())[0, :, N:2 * N]
    assert {side: cells[ATTRIBUTES.index(side)].argmax().item() for side in ('top', 'right', 'bottom')} == {'top': 1, 'right': 8, 'bottom': 22}
    assert cells[ATTRIBUTES.index('up')].max() == 0  # a way is no place


def test_which_way_those_go_of_which_it_is_true() -> None:
    course, colour = scene()
    ways = cells_like(course, colour * course.there, torch.zeros(1, N), grid())[0, :, 2 * N:]
    assert ways[ATTRIBUTES.index('red')].argmax() == 0 and ways[ATTRIBUTES.index('blue')].argmax() == 4 and ways[ATTRIBUTES.index('green')].max() == 0


def test_an_attribute_speaks_of_the_noun_after_it_or_else_before_it() -> None:
    assert bound('<bos>', 'find', 'the', 'red', 'dog', 'next', 'to', 'the', 'car', 'moving', 'left', '<answer>') == {'red': 'dog', 'moving': 'car', 'left': 'car'}
    assert bound('<bos>', 'the', 'moving', 'dog', 'and', 'the', 'cat', 'that', 'came', 'first', '<answer>') == {'moving': 'dog', 'first': 'cat'}


def test_words_of_an_answer_speak_of_no_noun() -> None:
    assert bound('<bos>', 'the', 'red', 'dog', '<answer>', '<p>', 'the', 'blue', 'dog') == {'red': 'dog', 'blue': ''}
    assert bound('the', 'green', 'dog') == {'green': ''}                                             # the next word of an answer comes alone
    assert bound('<bos>', 'the', 'dog', '<answer>', '<eos>', '<bos>', 'left', '<answer>') == {'left': ''}  # another question's noun


def test_every_attribute_is_a_word_of_the_vocabulary() -> None:
    known = attribute_of_token(vocabulary())
    assert sorted(place for place in known if place >= 0) == list(range(len(ATTRIBUTES)))


def test_what_each_cell_shows_is_followed_from_that_cell() -> None:
    """One thing crosses from cell to cell; another, of another noun, stands where the first began."""
    torch.manual_seed(0)
    words = TpoModel(TINY).backbone.words
    nouns, g = words.nouns, TINY.coarse
    with torch.no_grad():
        nouns.fine_scale.copy_(torch.tensor([40.0, -20.0]))
    unit = nouns.unit().detach()
    visual = torch.zeros(1, TINY.frames, N, sum(words.nouns.widths))
    parts = nouns.split(visual)
    for frame in range(TINY.frames):
        for noun, cell in ((0, 2 * g + (frame * g // TINY.frames)), (1, 0)):
            parts.middle[0, frame, cell] = unit[noun].repeat_interleave(4)
            parts.best[0, frame, cell] = unit[noun]
    facts = own_facts(nouns, visual, words.grid)[0]
    longest = 2 * 4
    walker, stander = facts[2 * g + g - 1], facts[0]
    assert walker[longest] > 2 and walker[-2] > 0.8
    assert stander[longest:longest + 2].abs().max() < 0.3 and stander[-1] > 0.9
