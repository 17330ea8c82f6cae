import json

import numpy as np
import pytest

from trainer.data.clip import WorldConfig
from trainer.data.photo_exam import ABSENT_COCO, ABSENT_IMAGENET, FOLDER, asks_of, notice, pictures
from trainer.data.photos import PhotoWorld
from trainer.data.coco_nouns import COCO_NOUNS
from trainer.data.imagenet_nouns import IMAGENET_NOUNS

WORLD = PhotoWorld(WorldConfig(size=64))


def test_the_exam_is_large_enough_and_its_files_are_there() -> None:
    exam = pictures('exam')
    coco = {noun.name for noun in COCO_NOUNS}
    boxes = [(noun in coco, box) for picture in exam for noun, found in picture.regions.items() for box in found]
    assert sum(known for known, _ in boxes) >= 40
    assert sum(not known for known, _ in boxes) >= 15
    assert all(0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1 for _, (x0, y0, x1, y1) in boxes)
    assert all((FOLDER / picture.file).exists() and picture.licence and picture.author for split in ('exam', 'training') for picture in pictures(split))


def test_no_exam_picture_is_trained_on() -> None:
    sources = {picture.source for picture in pictures('exam')}
    assert not sources & {picture.source for picture in pictures('training')}
    assert not any('exam/' in WORLD.clip('train', n).background for n in range(30))


def test_absent_nouns_are_neither_shown_nor_arguable() -> None:
    names = {noun.name for noun in COCO_NOUNS} | {row.noun.name for row in IMAGENET_NOUNS}
    assert {*ABSENT_COCO, *ABSENT_IMAGENET} <= names
    for picture in pictures('exam'):
        absent = [ask['noun'] for ask in asks_of(picture) if ask['row'] == 'photo-absent']
        assert len(absent) == 5 and not set(absent) & set(picture.regions)


def test_the_committed_folder_is_what_the_script_writes() -> None:
    lines = [json.loads(line) for line in (FOLDER / 'exam' / 'clips.jsonl').read_text().splitlines()]
    assert [line['asks'] for line in lines] == [asks_of(picture) for picture in pictures('exam')]
    assert (FOLDER / 'NOTICE.md').read_text() == notice()


@pytest.mark.parametrize('number', range(6))
def test_a_photograph_clip_has_the_shape_of_a_sprite_clip_and_true_boxes(number: int) -> None:
    clip = WORLD.clip('train', number)
    assert clip.frames.shape == (16, 64, 64, 3) and clip.frames.dtype == np.uint8
    assert any(target.things for ask in clip.asks for target in ask.targets) or number % 3 != 1
    assert number % 3 != 2 or not clip.things
    for thing in clip.things:
        assert thing.boxes.shape == (16, 4) and thing.masks.shape == (16, 64, 64)
        inside = np.argwhere(thing.masks[-1])
        if thing.visible[-1] and len(inside):
            y, x = (inside.mean(0) + 0.5) / 64
            x0, y0, x1, y1 = thing.boxes[-1]
            assert x0 <= x <= x1 and y0 <= y <= y1


def test_the_same_number_gives_the_same_clip() -> None:
    first, second = PhotoWorld(WorldConfig(size=64)).clip('train', 2), WORLD.clip('train', 2)
    assert np.array_equal(first.frames, second.frames) and [ask.text for ask in first.asks] == [ask.text for ask in second.asks]
