"""What answers are read off is in a noun's embedding as plain numbers."""
import torch

from trainer.backbones.nano_embed import EVENTS, HATS, STORY, WAYS, NanoEmbed, events, hats, story
from trainer.backbones.nano_nouns import NounEvidence
from trainer.backbones.nano_trails import Course
from trainer.config import TINY
from trainer.model import TpoModel
from trainer.vocabulary import COLOURS, vocabulary

N = TINY.coarse ** 2
AFTER = STORY + 2 * EVENTS + HATS  # numbers that follow the places
LEFT, RIGHT = 0, 1


def words() -> NanoEmbed:
    torch.manual_seed(0)
    return TpoModel(TINY).backbone.words


def evidence(number: float) -> NounEvidence:
    empty = torch.zeros(1, 1, 0)
    return NounEvidence(empty, empty, empty, empty, torch.full((1, 1, N + 1), number), torch.full((1, 1, 1), number), torch.zeros(1, 1, len(COLOURS) + 1), empty)


def plain(embed: NanoEmbed, number: float = 1.0, score: float = 0.0, ways: torch.Tensor | None = None, age: torch.Tensor | None = None) -> torch.Tensor:
    ways = torch.zeros(1, 1, N, WAYS) if ways is None else ways
    there, age = ways.sum(-1, keepdim=True), torch.zeros(1, 1, N, 1) if age is None else age
    return embed.plainly(evidence(number), torch.tensor([[[score]]]), Course(torch.cat([there, age], -1), ways), torch.zeros(1, 1, TINY.frames))[0, 0]


def test_a_number_is_said_as_how_near_it_is_to_each_whole_one() -> None:
    assert hats(torch.tensor([[2.25]])).tolist() == [[0, 0, 0.75, 0.25, 0, 0, 0]]


def test_how_many_there_are_is_one_of_the_hats() -> None:
    embed = words()
    with torch.no_grad():
        embed.count.fill_(1.0)
        assert plain(embed, number=3.0)[4:4 + HATS].argmax() == 3 == plain(embed, number=3.0)[-HATS:].argmax()


def test_there_or_not_is_a_number_that_rises_with_the_score() -> None:
    embed = words()
    assert plain(embed, score=2.0)[0] > 0.9 and plain(embed, score=-2.0)[0] < -0.9


def test_where_those_are_that_go_each_way() -> None:
    ways = torch.zeros(1, 1, N, WAYS)
    ways[0, 0, 0, LEFT] = 1            # top left cell
    ways[0, 0, N - 1, RIGHT] = 1       # bottom right cell
    places = plain(words(), ways=ways)[-2 * (WAYS + 2) - AFTER:-AFTER].unflatten(0, (WAYS + 2, 2))
    assert torch.allclose(places[LEFT], torch.tensor([-0.8, -0.8]), atol=0.02)
    assert torch.allclose(places[RIGHT], torch.tensor([0.8, 0.8]), atol=0.02)


def test_where_the_eldest_and_the_youngest_are() -> None:
    ways, age = torch.zeros(1, 1, N, WAYS), torch.zeros(1, 1, N, 1)
    ways[0, 0, [0, N - 1], LEFT] = 1
    age[0, 0, 0], age[0, 0, N - 1] = 1.0, 0.2
    eldest, youngest = plain(words(), ways=ways, age=age)[-4 - AFTER:-AFTER].unflatten(0, (2, 2))
    assert eldest.max() < -0.7 and youngest.min() > 0.7


def test_when_it_was_to_be_seen_is_told_as_a_story() -> None:
    shown = torch.tensor([0.0, 0.0, 0.0, 1.0, 1.0, 0.5, 0.5, 0.5])   # it enters, and is half hidden
    first, last, most, least, rose, fell, early, late, on_the_whole = story(shown).tolist()
    assert (first, last, most, least, rose, fell, early, late) == (0.0, 0.5, 1.0, 0.0, 1.0, 0.5, 0.0, 0.5) and abs(on_the_whole - 0.4375) < 1e-6


def test_whether_it_came_left_or_was_hidden_is_told() -> None:
    came, left = torch.tensor([0.0, 0.0, 0.0, 1.0, 1.0, 0.8]), torch.tensor([1.0, 1.0, 1.0, 0.9, 0.0, 0.0])
    hidden, blinked, stayed, never = torch.tensor([1.0, 0.9, 0.0, 0.0, 1.0, 1.0]), torch.tensor([1.0, 1.0, 0.2, 1.0, 1.0, 1.0]), torch.ones(6), torch.zeros(6)
    yes_or_no = lambda shown: (events(shown)[EVENTS:] > 0.5).tolist()
    assert [yes_or_no(shown) for shown in (came, left, hidden, blinked, stayed, never)] == [
        [True, True, False, False, False, False], [False, False, True, True, False, False], [False, False, False, False, True, True],
        [False, False, False, False, True, False], [False] * 6, [False] * 6]


def test_what_training_looks_up_once_a_noun_is_what_serving_looks_up_a_word() -> None:
    model = TpoModel(TINY).eval()
    embed, generator = model.backbone.words, torch.Generator().manual_seed(1)
    visual = torch.randn(2, TINY.frames, N, sum(embed.nouns.widths), generator=generator)
    words_of = lambda *text: [vocabulary().id(word) for word in text]
    ids = torch.tensor([words_of('is', 'the', 'dog', 'left', 'of', 'the', 'cat', '?'), words_of('where', 'is', 'the', 'car', '?', 'the', 'car', 'car')])
    with torch.no_grad():
        served, taught = embed(ids, visual, torch.zeros(2, TINY.frames)), embed.table()[ids] + embed.seen(ids, visual).embedding
    assert torch.allclose(served, taught, atol=1e-5)
    assert (served - embed.table()[ids]).abs().amax(-1).gt(1e-3).tolist() == [[False, False, True, True, False, False, True, False], [False, False, False, True, False, False, True, True]]
