"""Which way the things of a noun go, cell by cell: what the embedding of the noun must know of the pictures."""
import numpy as np

from trainer.lesson import Lesson
from trainer.rows import flipped
from trainer.vocabulary import vocabulary

GOING = ('left', 'right', 'up', 'down', 'still')
FAR = 0.12  # of the picture: less is not seen on a grid of five


def going_of(lesson: Lesson, ids: np.ndarray) -> np.ndarray:
    """ids (S) of a lesson's text → (S, 25) index in GOING where a thing of the word's noun is in the last frame seen, else −1."""
    nouns = np.array([*vocabulary().noun_of_token(), -1])[np.minimum(ids, len(vocabulary().tokens))]  # words of a larger vocabulary mean no noun
    found = np.full((len(ids), 25), -1, np.int64)
    for number, thing in enumerate(lesson.clip.things):
        if lesson.renaming is not None and number == lesson.renaming.thing:
            continue
        place, way = way_of(lesson, number)
        if way >= 0:
            found[nouns == vocabulary().place_of(thing.noun), place] = way
    return found


def way_of(lesson: Lesson, number: int) -> tuple[int, int]:
    """→ its cell in the last frame seen and its way, −1 where it cannot be told."""
    thing, last = lesson.clip.things[number], int(lesson.clip.kept[lesson.last])
    shown = np.unique(lesson.seen)[thing.visible[np.unique(lesson.seen)]]
    if not thing.clear[last] or len(shown) < 5 or thing.motion not in GOING:
        return 0, -1
    boxes = flipped(thing.boxes[shown]) if lesson.flip else thing.boxes[shown]
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    cell = (middles[-1] * 5).astype(int).clip(0, 4)
    far = np.abs(middles[-1] - middles[0]).max() > FAR
    way = GOING.index(thing.motion)
    if far == (thing.motion == 'still'):
        return 0, -1
    mirrored = {0: 1, 1: 0}.get(way, way) if lesson.flip else way
    return int(cell[1] * 5 + cell[0]), mirrored
