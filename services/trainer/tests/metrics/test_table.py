"""The table: perfect answers get full marks, useless ones none, and every row counts what it says."""
import json
from pathlib import Path

import pytest

from trainer.data.clip import SpriteWorld, WorldConfig
from trainer.data.folder import clip_line
from trainer.metrics.interval import bootstrap
from trainer.metrics.record import Head, Prediction, Record
from trainer.metrics.table import as_markdown, metrics
from trainer.metrics.text import answer_and_grounding, exact, intersection_over_prediction


def perfect(ask: dict) -> Prediction:
    """What a model that knows everything would answer."""
    expect = ask['expect']
    if 'answer' in expect:
        return {'text': expect['answer'][0], 'heads': []}
    if 'frames' in expect:
        frames = [{'frame': f['frame'], 'regions': [{'box': box, 'score': 0.9} for box in f['regions']]} for f in expect['frames']]
        return {'text': '', 'heads': [], 'frames': frames}
    parts = expect.get('parts', [expect])
    phrases = ask.get('phrases', [{'task': 'track', 'phrase': '', 'present': True}])
    return {'text': '', 'heads': [head(part, phrase) for part, phrase in zip(parts, phrases) if phrase['present']]}


def head(part: dict, phrase: dict) -> Head:
    made: Head = {'task': 'mask' if phrase['task'] == 'track' else phrase['task'], 'phrase': phrase['phrase']}
    if 'regions' in part:
        made['regions'] = [{'box': box, 'score': 0.9} for box in part['regions']]
    if 'mask' in part:
        made['mask'] = part['mask']
    if 'track' in part:
        made['track'] = part['track']
    if 'spans' in part:
        made['spans'] = [{'span': span, 'score': 0.9} for span in part['spans']]
    return made


@pytest.fixture(scope='module')
def asked() -> list[tuple[str, float, dict]]:
    found = []
    for after in (0, 8):
        world = SpriteWorld(WorldConfig.load('spriteworld-v1', size=64, after=after))
        for i in range(16):
            line = json.loads(json.dumps(clip_line(f'{after}-{i}', world.clip('test', i), after)))
            found += [(line['clip'], line['aspect'], ask) for ask in line['asks']]
    return found


def records(asked: list[tuple[str, float, dict]], answer) -> list[Record]:
    return [{'clip': clip, 'aspect': aspect, 'row': ask['row'], 'expect': ask['expect'], 'prediction': answer(ask), **({'phrases': ask['phrases']} if 'phrases' in ask else {})}
            for clip, aspect, ask in asked]


def test_perfect_answers_get_full_marks(asked: list) -> None:
    table = {m.name: m for m in metrics(records(asked, perfect), samples=20)}
    for name in ('trigger', 'absence', 'region-name.acc75', 'region-lookalike.acc50', 'region-several.precision', 'region-several.recall', 'mask.giou', 'mask.ciou',
                 'track-phrase.jf', 'track-box.jf', 'track-point.ao', 'two-heads', 'moment.miou', 'exist', 'count', 'list', 'standing.acc50', 'standing-later.recall'):
        assert table[name].value == pytest.approx(1), name
        assert table[name].low == pytest.approx(1) and table[name].count > 0
    assert table['id-switches'].value == 0 == table['standing-later.false'].value == table['region-wide-square'].value
    assert table['moment.miou'].constant is not None and table['moment.miou'].constant < 0.8
    assert 'trigger' in as_markdown(list(table.values()))


def test_saying_nothing_gets_nothing_but_absence(asked: list) -> None:
    table = {m.name: m for m in metrics(records(asked, lambda ask: {'text': '', 'heads': []}), samples=20)}
    assert table['absence'].value == 1
    for name in ('region-name.acc50', 'region-lookalike.acc50', 'region-several.recall', 'mask.giou', 'two-heads', 'moment.miou', 'exist', 'standing.acc50', 'track-box.success'):
        assert table[name].value < 0.35, name  # a two-headed ask with nothing there, a track that is mostly hidden
    assert table['region-name.acc50'].value == 0 == table['mask.giou'].value


def test_pointing_at_everything_costs_absence_and_trigger(asked: list) -> None:
    everywhere: Head = {'task': 'region', 'phrase': 'the thing', 'regions': [{'box': [0.0, 0.0, 1.0, 1.0], 'score': 0.9}]}
    table = {m.name: m for m in metrics(records(asked, lambda ask: {'text': '', 'heads': [everywhere]}), samples=20)}
    assert table['absence'].value == 0 == table['trigger'].value


def one(row: str, expect: dict, heads: list, phrases: list | None = None) -> float:
    record: Record = {'clip': 'a', 'row': row, 'expect': expect, 'prediction': {'text': '', 'heads': heads}, **({'phrases': phrases} if phrases else {})}
    return next(m.value for m in metrics([record], samples=2) if m.name == ('trigger' if phrases and row != 'two-heads' else row))


def phrase(task: str, words: str, present: bool = True) -> dict:
    return {'task': task, 'phrase': words, 'noun': words.split()[-1], 'by': 'name', 'lookalike': False, 'present': present}


def test_a_trigger_is_right_with_its_own_words_only() -> None:
    box = [{'box': [0, 0, 1, 1], 'score': 1}]
    expect, phrases = {'regions': [[0, 0, 1, 1]]}, [phrase('region', 'the dog')]
    assert one('region-name', expect, [{'task': 'region', 'phrase': 'The dog', 'regions': box}], phrases) == 1
    assert one('region-name', expect, [{'task': 'region', 'phrase': 'the cat', 'regions': box}], phrases) == 0
    assert one('region-name', expect, [{'task': 'mask', 'phrase': 'the dog'}], phrases) == 0
    assert one('track-phrase', {'track': [{'frame': 0, 'box': [0, 0, 1, 1], 'mask': {'size': [2, 2], 'counts': '04'}}]}, [{'task': 'mask', 'phrase': 'the dog'}],
               [phrase('track', 'the dog')]) == 1, 'a track is prompted by the mask token'


def test_two_heads_must_both_be_right_and_in_order() -> None:
    expect = {'parts': [{'regions': [[0, 0, 0.5, 0.5]]}, {'mask': {'size': [2, 2], 'counts': '04'}}]}
    phrases = [phrase('region', 'the dog'), phrase('mask', 'the ball')]
    region = {'task': 'region', 'phrase': 'the dog', 'regions': [{'box': [0, 0, 0.5, 0.5], 'score': 1}]}
    mask = {'task': 'mask', 'phrase': 'the ball', 'mask': {'size': [2, 2], 'counts': '04'}}
    assert one('two-heads', expect, [region, mask], phrases) == 1
    assert one('two-heads', expect, [mask, region], phrases) == 0
    assert one('two-heads', expect, [region], phrases) == 0
    assert one('two-heads', expect, [region, {**mask, 'mask': {'size': [2, 2], 'counts': '13'}}], phrases) == 1, 'IoU .75'
    assert one('two-heads', expect, [region, {**mask, 'mask': {'size': [2, 2], 'counts': '31'}}], phrases) == 0, 'IoU .25'
    absent = [phrase('region', 'the dog'), phrase('mask', 'the ball', present=False)]
    missing = {'parts': [{'regions': [[0, 0, 0.5, 0.5]]}, {'mask': None}]}
    assert one('two-heads', missing, [region], absent) == 1
    assert one('two-heads', missing, [region, mask], absent) == 0


def test_a_list_of_a_photograph_counts_names() -> None:
    record: Record = {'clip': 'a', 'row': 'photo-list', 'expect': {'answer': ['cup, dog, hot dog']}, 'prediction': {'text': 'Hot dog , cup, llama.', 'heads': []}}
    table = {m.name: m.value for m in metrics([record], samples=5)}
    assert table == {'photo-list.precision': pytest.approx(2 / 3), 'photo-list.recall': pytest.approx(2 / 3)}
    record['prediction']['text'] = ''
    assert all(m.value == 0 for m in metrics([record], samples=5))


def test_answers_are_compared_without_case_and_punctuation() -> None:
    assert exact('A bird , a  car.', ['a bird a car']) and not exact('bird', ['birds'])
    assert intersection_over_prediction((0, 4), (2, 8)) == 0.5 and answer_and_grounding([True, True, False], [0.5, 0.4, 1]) == pytest.approx(1 / 3)


def test_the_interval_draws_whole_clips() -> None:
    values = [[0.0] * 10, [1.0] * 10]
    low, high = bootstrap(values, lambda items: sum(items) / len(items))
    assert (low, high) == (0, 1), 'two clips that disagree leave it open'
    assert bootstrap([[1.0]] * 50, lambda items: sum(items) / len(items)) == (1, 1)


def test_the_documented_format_names_every_metric() -> None:
    text = (Path(__file__).parents[4] / 'docs' / 'design' / 'evaluation.md').read_text()
    for row in ('trigger', 'absence', 'region-name', 'region-lookalike', 'region-several', 'mask', 'track-', 'id-switches', 'two-heads', 'moment', 'standing-later', 'photo-absent', 'photo-list'):
        assert row in text
