import base64
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from trainer.data.readers import DataError
from trainer.metrics.rle import encode
from trainer.preference.clip_of import clip_of, noun_in
from trainer.preference.correction import read_corrections


def line(folder: Path, **changes: object) -> dict[str, object]:
    cv2.imwrite(str(folder / 'f0.jpg'), np.zeros((90, 160, 3), np.uint8))
    context = {'ask': 'where is the dog?', 'phrase': 'the dog', 'frames': ['f0.jpg', 'f0.jpg'], 'times': [0, 250]}
    return {'id': 'e1', 'chosen': {'regions': [[0.25, 0.5, 0.5, 0.75]]}, 'rejected': {'regions': [[0.5, 0.2, 0.9, 0.6]]}, 'context': context} | changes


def written(folder: Path, *lines: dict[str, object]) -> Path:
    path = folder / 'preferences.jsonl'
    path.write_text('\n'.join(json.dumps(entry) for entry in lines) + '\n')
    return path


def test_a_corrected_box_becomes_a_thing_of_the_last_frame(tmp_path: Path):
    correction, = read_corrections(written(tmp_path, line(tmp_path)))
    clip = clip_of(correction)
    assert clip.frames.shape == (16, 160, 160, 3) and clip.times.tolist() == [0.0] * 15 + [250.0]
    thing, = clip.things
    assert thing.noun == 'dog' and thing.visible.tolist() == [False] * 15 + [True] and not thing.clear.any()
    assert np.allclose(thing.boxes[-1], [0.25, 0.5, 0.5, 0.75]) and thing.masks[-1].sum() == 40 * 40
    assert clip.asks[0].answer == '<p> the dog <region>' and clip.asks[0].text == 'where is the dog?'


def test_nothing_chosen_is_an_absence(tmp_path: Path):
    correction, = read_corrections(written(tmp_path, line(tmp_path, chosen={'regions': []})))
    clip = clip_of(correction)
    assert clip.things == [] and clip.asks[0].answer == 'there is no dog'


def test_masks_and_spans_are_read_too(tmp_path: Path):
    outline = np.zeros((90, 160), bool)
    outline[45:90, :80] = True
    picture = base64.b64encode((tmp_path / 'f0.jpg').read_bytes() if (tmp_path / 'f0.jpg').exists() else cv2.imencode('.jpg', np.zeros((90, 160, 3), np.uint8))[1].tobytes()).decode()
    context = {'phrase': 'the dog leaves', 'frames': [f'data:image/jpeg;base64,{picture}'] * 3, 'times': [0, 500, 1000]}
    masks, spans = read_corrections(written(tmp_path, line(tmp_path, chosen={'mask': encode(outline)}, rejected={'mask': None}),
                                            line(tmp_path, chosen={'spans': [[500, 1000]]}, rejected={'spans': []}, context=context)))
    assert clip_of(masks).things[0].boxes[-1].tolist() == [0.0, 0.5, 0.5, 1.0]
    assert clip_of(spans).asks[0].targets[0].spans == [(14.0, 15.0)]
    assert clip_of(spans).asks[0].text == 'the dog leaves'


@pytest.mark.parametrize(('changes', 'says'), [
    ({'chosen': {'regions': [[0.5, 0.5, 0.25, 0.75]]}}, 'no box inside the picture'),
    ({'chosen': {'regions': [[0.5, 0.2, 0.9, 0.6]]}}, 'nothing to learn'),
    ({'chosen': {'spans': [[0, 250]]}}, 'both must be of one task'),
    ({'chosen': {'spans': [[0, 900]]}, 'rejected': {'spans': []}}, 'not within the frames, 0–250 ms'),
    ({'chosen': {'mask': {'size': [9, 9], 'counts': '!'}}, 'rejected': {'mask': None}}, 'do not decode'),
    ({'chosen': {}}, 'exactly one of regions, mask, spans'),
    ({'context': {'phrase': 'the dog', 'frames': ['gone.jpg'], 'times': [0]}}, 'gone.jpg is not there'),
    ({'context': {'phrase': 'the dog', 'frames': ['f0.jpg'], 'times': [0, 5]}}, 'expected 1 rising times'),
    ({'context': {'phrase': ' ', 'frames': ['f0.jpg'], 'times': [0]}}, 'context.phrase'),
])
def test_every_fault_names_file_and_line(tmp_path: Path, changes: dict[str, object], says: str):
    path = written(tmp_path, line(tmp_path), line(tmp_path, **changes))
    with pytest.raises(DataError, match=r'preferences\.jsonl:2: ') as caught:
        read_corrections(path)
    assert says in str(caught.value)


def test_the_noun_of_a_phrase_is_its_longest_form():
    assert noun_in('the red cell phone') == 'cell phone' and noun_in('the second thingamajig') == ''
