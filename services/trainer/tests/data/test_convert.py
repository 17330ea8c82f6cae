"""Public sets become evaluation folders that are sound."""
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from trainer.data.check import check_folder
from trainer.data.cli import app
from trainer.data.convert import convert
from trainer.data.folder import read_folder
from trainer.data.readers import DataError, Media, Sample, Seen
from trainer.metrics.rle import decode, encode


@pytest.fixture
def pictures(tmp_path: Path) -> tuple[Path, ...]:
    paths = tuple(tmp_path / 'set' / f'{n:03d}.jpg' for n in range(6))
    paths[0].parent.mkdir()
    for n, path in enumerate(paths):
        cv2.imwrite(str(path), np.full((300, 600, 3), 40 * n, np.uint8))
    return paths


def half(left: bool) -> np.ndarray:
    mask = np.zeros((300, 600), bool)
    mask[:, :300] = left
    mask[:, 300:] = not left
    return mask


def test_every_task_becomes_a_sound_ask(tmp_path: Path, pictures: tuple[Path, ...]) -> None:
    one, many = Media(pictures=pictures[:1]), Media(pictures=pictures, fps=2.0)
    track = tuple(Seen(t, mask=encode(half(t < 3)) if t != 4 else None) for t in range(6))
    samples = [
        Sample('a', '1', one, 'region', 'the dog', boxes=((0.1, 0.2, 0.3, 0.4),)),
        Sample('a', '2', one, 'mask', 'the dog', mask=encode(half(True))),
        Sample('a', '3', many, 'track', 'the dog', track=track),
        Sample('a', '4', many, 'track', '', track=track),
        Sample('a', '5', many, 'moment', 'a dog barks', spans=((500.0, 1500.0),)),
        Sample('a', '6', many, 'text', 'What is it?', answers=('dog',), choices=('cat', 'dog')),
        Sample('a', '7', Media(), 'text', 'Hello', answers=('Hi',)),
    ]
    out = tmp_path / 'out'
    assert convert(samples, out, 'a', 'CC0', most_frames=3) == 6, 'words without a picture are left out'
    assert check_folder(out) == []
    region, mask, words, prompted, moment, text = (clip.asks[0] for clip in read_folder(out))
    assert region['text'] == 'where is the dog?' and region['row'] == 'region-name'
    assert decode(mask['expect']['mask']).shape == (240, 480) and decode(mask['expect']['mask']).mean() == 0.5
    assert [entry['frame'] for entry in words['expect']['track']] == [0, 1, 2] and words['expect']['track'][0]['box'] == [0, 0, 0.5, 1]
    assert 'text' not in prompted and prompted['prompt'] == {'frame': 0, 'box': [0, 0, 0.5, 1]} and prompted['row'] == 'track-box'
    assert moment['expect']['spans'] == [[500, 1500]] and text['text'] == 'What is it? (A) cat (B) dog'
    assert next(clip for clip in read_folder(out) if len(clip.frames) == 3).times == [0, 1000, 2500]


def test_a_video_file_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / 'a.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 10.0, (64, 48))
    for n in range(40):
        writer.write(np.full((48, 64, 3), 6 * n, np.uint8))
    writer.release()
    sample = Sample('a', '1', Media(video=path, part=(1000.0, 3000.0)), 'moment', 'it brightens', spans=((0.0, 500.0),))
    assert convert([sample], tmp_path / 'out', 'a', 'CC0', most_frames=4) == 1
    clip = next(read_folder(tmp_path / 'out'))
    assert clip.times == [0, 600, 1300, 1900]
    assert np.abs(clip.pictures().mean((1, 2, 3)) - [60, 96, 138, 174]).max() < 8
    with pytest.raises(DataError, match='gone.avi:0: is missing; a 1 is about it'):
        convert([Sample('a', '1', Media(video=tmp_path / 'gone.avi'), 'text', 'x')], tmp_path / 'out', 'a', 'CC0')


def test_the_command(tmp_path: Path, pictures: tuple[Path, ...]) -> None:
    root = tmp_path / 'vg'
    root.mkdir()
    (root / 'VG_100K').mkdir()
    pictures[1].rename(root / 'VG_100K' / '1.jpg')
    (root / 'image_data.json').write_text(json.dumps([{'image_id': 1, 'width': 600, 'height': 300}]))
    (root / 'region_descriptions.json').write_text(json.dumps([{'id': 1, 'regions': [{'region_id': 1, 'phrase': 'a dog', 'x': 0, 'y': 0, 'width': 60, 'height': 30}]}]))
    run = CliRunner()
    done = run.invoke(app, ['convert', 'visual-genome', str(root), str(tmp_path / 'out')])
    assert done.exit_code == 0 and '1 clips' in done.output and check_folder(tmp_path / 'out') == []
    assert run.invoke(app, ['convert', 'nothing', str(root), str(tmp_path / 'out')]).exit_code == 2
    (root / 'image_data.json').unlink()
    broken = run.invoke(app, ['convert', 'visual-genome', str(root), str(tmp_path / 'out')])
    assert broken.exit_code == 1 and 'image_data.json:0: is missing' in broken.output
