"""Evaluation folders: what is written is read back, and every fault is named with its file and line."""
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from trainer.data.check import check_folder
from trainer.data.cli import app
from trainer.data.clip import SpriteWorld, WorldConfig
from trainer.data.folder import read_folder, write_folder, write_shapes
from trainer.metrics.rle import decode


@pytest.fixture(scope='module')
def world() -> SpriteWorld:
    return SpriteWorld(WorldConfig.load('spriteworld-v1', size=64))


@pytest.fixture
def folder(tmp_path: Path, world: SpriteWorld) -> Path:
    write_folder(tmp_path / 'set', world, 'test', 'seen', 3)
    return tmp_path / 'set'


def edit(folder: Path, line: int, change) -> None:
    lines = (folder / 'clips.jsonl').read_text().splitlines()
    clip = json.loads(lines[line - 1])
    change(clip)
    lines[line - 1] = json.dumps(clip)
    (folder / 'clips.jsonl').write_text('\n'.join(lines) + '\n')


def test_a_written_folder_reads_back_and_is_sound(folder: Path, world: SpriteWorld) -> None:
    assert check_folder(folder) == []
    for index, clip in enumerate(read_folder(folder)):
        truth = world.clip('test', index)
        assert np.abs(clip.pictures().astype(int) - truth.frames).mean() < 9, 'JPEG at most'
        by_text = {ask.get('text'): ask for ask in clip.asks}
        for ask in truth.asks:
            if ask.kind == 'region' and ask.targets[0].things:
                boxes = by_text[ask.text]['expect']['regions']
                assert np.allclose(boxes, [truth.things[i].boxes[15] for i in ask.targets[0].things], atol=1e-4)
            if ask.kind == 'mask' and ask.targets[0].things:
                assert np.array_equal(decode(by_text[ask.text]['expect']['mask']), truth.things[ask.targets[0].things[0]].masks[15])
            if ask.kind == 'moment':
                assert by_text[ask.text]['expect']['spans'] == [[a * 250, b * 250] for a, b in ask.targets[0].spans]


def test_point_prompts_lie_on_their_thing(folder: Path) -> None:
    prompts = [ask for clip in read_folder(folder) for ask in clip.asks if ask['row'] == 'track-point']
    assert prompts
    for ask in prompts:
        mask = decode(ask['expect']['track'][0]['mask'])
        x, y, label = ask['prompt']['points'][0]
        assert label == 1 and mask[int(y * 64), int(x * 64)]


def test_standing_folders_have_phrases_seen_later_and_never(tmp_path: Path) -> None:
    write_folder(tmp_path, SpriteWorld(WorldConfig.load('spriteworld-v1', size=64, after=8)), 'dev', 'seen', 25)
    assert check_folder(tmp_path) == []
    rows = [ask['row'] for clip in read_folder(tmp_path) for ask in clip.asks]
    assert rows.count('standing-seen') > 20 and rows.count('standing-later') > 5 and rows.count('standing-never') == 50
    for clip in read_folder(tmp_path):
        for ask in clip.asks:
            found = [frame['frame'] for frame in ask['expect']['frames'] if frame['regions']]
            assert not (ask['row'] == 'standing-never' and found) and not (ask['row'] == 'standing-later' and 15 in found)


def test_a_scene_in_two_shapes_has_the_same_questions_about_the_same_things(tmp_path: Path) -> None:
    write_shapes(tmp_path, SpriteWorld(WorldConfig.load('spriteworld-v1', size=64), rounds=2), 'dev', 'seen', 6)
    assert check_folder(tmp_path) == []
    clips = list(read_folder(tmp_path))
    assert sum(len(clip.asks) for clip in clips) > 20
    squeezed = []
    for square, wide in zip(clips[::2], clips[1::2]):
        assert (square.extra['aspect'], wide.extra['aspect']) == (1.0, 1.7778) and square.extra['scene'] == wide.extra['scene']
        for a, b in zip(square.asks, wide.asks, strict=True):
            assert a['text'] == b['text'] and a['row'] == b['row'] == 'region-shape'
            (x0, y0, x1, y1), (u0, v0, u1, v1) = a['expect']['regions'][0], b['expect']['regions'][0]
            squeezed.append((x1 - x0) / (u1 - u0) * (v1 - v0) / (y1 - y0))
    assert np.median(squeezed) == pytest.approx(16 / 9, rel=0.1)


def first(clip: dict, key: str) -> dict:
    return next(ask for ask in clip['asks'] if key in ask['expect'])


@pytest.mark.parametrize('change, words', [
    (lambda c: c['frames'].__setitem__(2, 'gone.jpg'), 'the picture gone.jpg is not in the folder'),
    (lambda c: first(c, 'regions')['expect'].update(regions=[[0.5, 0.1, 1.2, 0.4]]), 'outside the picture'),
    (lambda c: first(c, 'regions')['expect'].update(regions=[[0.5, 0.1, 0.4, 0.4]]), 'outside the picture or empty'),
    (lambda c: first(c, 'track')['expect']['track'].append({'frame': 99, 'absent': True}), 'names frame 99; the clip has frames 0 to 15'),
    (lambda c: first(c, 'regions').update(expect={'mask': {'size': [64, 64], 'counts': 'nonsense~'}}), 'broken mask'),
    (lambda c: first(c, 'regions').update(expect={'mask': {'size': [64, 64], 'counts': '22'}}), 'cover 4 pixels'),
    (lambda c: first(c, 'regions').update(expect={'mask': {'size': [2, 2], 'counts': '22'}}), 'the mask is 2 × 2, the picture 64 × 64'),
    (lambda c: first(c, 'regions').update(expect={'spans': [[1000, 9000]]}), 'ends beyond the clip, which ends at 4000 ms'),
    (lambda c: first(c, 'regions').update(expect={'spans': [[1000, 500]]}), 'start before end'),
    (lambda c: first(c, 'regions').update(expect={'depth': 3}), 'unknown task: "expect" has depth'),
    (lambda c: first(c, 'regions')['phrases'][0].update(task='depth'), 'unknown task "depth"'),
    (lambda c: first(c, 'regions').update(at={'frame': 16}), '"at" names frame 16'),
    (lambda c: first(c, 'regions').update(expect={'answer': 'yes'}), 'expected a list of the answers'),
    (lambda c: c.update(times=[0.0] * 16), 'increasing'),
    (lambda c: c.update(clip='c0000'), 'is on line 1 already'),
])
def test_a_fault_is_named_with_file_and_line(folder: Path, change, words: str) -> None:
    edit(folder, 2, change)
    findings = [str(f) for f in check_folder(folder)]
    assert findings and all(f.startswith('clips.jsonl:2: ') for f in findings) and words in findings[0], findings


def test_a_line_that_is_no_json_and_a_missing_file(folder: Path) -> None:
    with open(folder / 'clips.jsonl', 'a') as file:
        file.write('{"clip": \n')
    assert str(check_folder(folder)[0]).startswith('clips.jsonl:4: is no JSON')
    (folder / 'dataset.json').unlink()
    assert str(check_folder(folder)[0]).startswith('dataset.json: is missing')
    (folder / 'clips.jsonl').unlink()
    assert [str(f).split('.')[0] + str(f)[str(f).index(':'):][:12] for f in check_folder(folder)] == ['dataset: is missing', 'clips: is missing']


def test_a_picture_that_is_none(folder: Path) -> None:
    (folder / 'c0001' / '000.jpg').write_text('no picture')
    assert 'cannot be read as a picture' in str(check_folder(folder)[0])


def test_the_commands(tmp_path: Path) -> None:
    run = CliRunner()
    built = run.invoke(app, ['build', str(tmp_path / 'set'), '--count', '2', '--size', '64', '--split', 'dev'])
    assert built.exit_code == 0 and '2 clips' in built.output
    assert run.invoke(app, ['check', str(tmp_path / 'set')]).exit_code == 0
    (tmp_path / 'set' / 'c0000' / '003.jpg').unlink()
    assert run.invoke(app, ['check', str(tmp_path / 'set')]).exit_code == 1
    assert run.invoke(app, ['render', str(tmp_path / 'sheet.png'), '--count', '1']).exit_code == 0
    assert (tmp_path / 'sheet.png').stat().st_size > 10_000
    assert run.invoke(app, ['build', str(tmp_path / 'x'), '--split', 'nowhere']).exit_code == 2
    assert 'ms a clip of 16 frames at 64 pixels' in run.invoke(app, ['bench', '--count', '2', '--size', '64']).output
