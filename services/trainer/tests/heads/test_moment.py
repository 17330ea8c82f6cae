from dataclasses import replace
from pathlib import Path

import torch

from trainer.config import TINY
from trainer.export.graphs import GraphSpec, Moment
from trainer.export.onnx_file import TOLERANCE, export_graph, parity
from trainer.heads.moment import answers, overlaps
from trainer.model import TpoModel

TIMES = torch.linspace(-3750, 0, TINY.frames)[None]


def spans_of(frames: int) -> torch.Tensor:
    return torch.tensor([(float(start), float(end)) for start in range(frames) for end in range(start + 1, frames)])


def place_of(spans: torch.Tensor, span: tuple[float, float]) -> int:
    return int((spans == torch.tensor(span)).all(1).nonzero()[0, 0])


def sight(model: TpoModel, queries: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(1, TINY.frames, TINY.coarse ** 2, sum(model.backbone.nouns.widths)), torch.randn(queries, TINY.width)


def test_between_two_likely_spans_the_answer_is_the_one_that_fits_both():
    """(0, 4) at .4, (2, 6) and (1, 5) at .3 each: the middle one overlaps all, though it is not the likeliest."""
    spans = spans_of(8)
    chance = torch.zeros(1, len(spans))
    for span, share in (((0.0, 4.0), 0.4), ((2.0, 6.0), 0.3), ((1.0, 5.0), 0.3)):
        chance[0, place_of(spans, span)] = share
    worth, which = answers(chance, overlaps(spans), 3)
    assert spans[which[0, 0]].tolist() == [1.0, 5.0]
    assert torch.isclose(worth[0, 0], torch.tensor(0.4 * 0.6 + 0.3 * 0.6 + 0.3))
    assert float(worth[0, 1:].max()) == 0  # what overlaps the answer speaks of the same


def test_of_two_sure_answers_each_is_worth_all_and_what_meets_neither_is_worth_nothing():
    spans = spans_of(8)
    chance = torch.zeros(1, len(spans))
    chance[0, [place_of(spans, (0.0, 2.0)), place_of(spans, (5.0, 7.0))]] = 0.5
    worth, which = answers(chance, overlaps(spans), 3)
    assert worth[0].tolist() == [1, 1, 0] and sorted(spans[which[0, :2]].tolist()) == [[0.0, 2.0], [5.0, 7.0]]


def test_one_picture_for_all_queries_is_the_same_as_one_each():
    torch.manual_seed(0)
    model = TpoModel(TINY).eval()
    visual, state = sight(model, 3)
    with torch.no_grad():
        together, apart = model.moment.frames(visual, state), model.moment.frames(visual.expand(3, -1, -1, -1), state)
    for one, other in zip(together, apart):
        assert torch.allclose(one, other, atol=1e-4)


def test_an_answer_is_ten_spans_in_the_order_of_their_scores_within_the_window():
    torch.manual_seed(0)
    model = TpoModel(TINY).eval()
    visual, state = sight(model, 2)
    with torch.no_grad():
        found = model.moment(visual, TIMES, state)
    assert found.spans.shape == (2, TINY.spans, 2) and bool((found.spans[..., 0] < found.spans[..., 1]).all())
    assert float(found.spans.min()) >= 0 and float(found.spans.max()) <= TINY.frames / (TINY.frames - 1) + 1e-5
    assert bool((found.scores[:, :-1] >= found.scores[:, 1:]).all()) and float(found.scores.max()) <= float(found.object.max())


def test_where_frames_are_not_evenly_apart_spans_are_told_by_their_times():
    model = TpoModel(TINY)
    times = TIMES.clone()
    times[:, : 6] = times[:, 6: 7]  # a young stream: the first frame stands for those before it
    fractions = model.moment.as_fractions(torch.tensor([[0, 6], [6, 15], [3, 15], [6, 16]]), times)
    assert torch.allclose(fractions, torch.tensor([[0.0, 0.0], [0.0, 1.0], [0.0, 1.0], [0.0, 10 / 9]]))
    count = len(model.moment.pairs)
    worth, _ = answers(torch.full((1, count), 1 / count), overlaps(model.moment.as_fractions(model.moment.pairs, times)), TINY.spans)
    assert bool(worth.isfinite().all()) and bool((worth[:, :-1] >= worth[:, 1:]).all())


def test_the_graph_says_what_the_head_says_for_any_number_of_queries(tmp_path: Path):
    torch.manual_seed(0)
    model = TpoModel(TINY).eval()
    visual, state = sight(model, 3)
    spec = GraphSpec('moment.main', 'moment.onnx', Moment(model), {'visual': 'visual', 'times': 'times', 'state': 'state'},
                     {'spans': 'spans', 'scores': 'scores', 'saliency': 'saliency', 'object': 'object'}, (visual, TIMES, state), {'visual': {}, 'times': {}, 'state': {0: 'Q'}})
    path = export_graph(spec, tmp_path)
    for queries in (1, 3):
        assert parity(path, replace(spec, example=(visual, TIMES, state[:queries]))) < TOLERANCE
