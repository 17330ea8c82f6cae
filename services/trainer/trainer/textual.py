"""Coordinates as text: the baseline of TPO's ablation ("textualised task data", arXiv 2412.19326, table 11). There is no head: behind a trigger the language
model writes boxes and times as quantised words, and the text loss is all there is.

    words = textual_vocabulary()                    # nano's, with 40 coordinates and <nothing> behind it: no id changes
    as_text(question, lesson)                       # the same question, its task tokens replaced by coordinates
    read_boxes(ids), read_spans(ids, frames)        # and back

The extension is for the ablation alone: the tokenizer that ships does not know it.
"""
from dataclasses import replace
from functools import cache

import numpy as np

from trainer.lesson import Lesson, Query, Question
from trainer.vocabulary import Vocabulary, vocabulary

BINS = 40
COORDINATES = tuple(f'<c{i:02d}>' for i in range(BINS))
NOTHING = '<nothing>'
MOST = 3  # boxes or spans written for one phrase


@cache
def textual_vocabulary() -> Vocabulary:
    words = vocabulary()
    return Vocabulary((*words.tokens, *COORDINATES, NOTHING), words.nouns, words.forms)


def first_coordinate() -> int:
    return len(vocabulary().tokens)


def nothing_id() -> int:
    return first_coordinate() + BINS


def coordinate_id(value: float) -> int:
    return first_coordinate() + min(BINS - 1, max(0, int(value * BINS)))


def value_of(token: int) -> float:
    """The middle of the bin."""
    return (token - first_coordinate() + 0.5) / BINS


def is_coordinate(token: int) -> bool:
    return first_coordinate() <= token < nothing_id()


def as_text(question: Question, lesson: Lesson) -> Question | None:
    """Every task token gives way to what its head would have said of the last frame seen. None where words cannot say it: text knows no other frame."""
    ids, weights, done = [], [], 0
    for query in question.queries:
        written = coordinates(query, lesson)
        if written is None:
            return None
        ids += [*question.ids[done:query.position], *written]
        weights += [*question.weights[done:query.position], *[1.0] * len(written)]
        done = query.position + 1
    forced = question.kind.startswith('forced')
    ids += [*question.ids[done:], *([vocabulary().id('<eos>')] if forced else [])]
    weights += [*question.weights[done:], *([1.0] if forced else [])]
    return replace(question, ids=ids, weights=weights, queries=[])


def coordinates(query: Query, lesson: Lesson) -> list[int] | None:
    if query.task == 'moment':
        return written_spans(query.spans, len(lesson.clip.times))
    looks = [look for look in query.looks if look.slot == lesson.last]
    if not looks:
        return None
    frame = int(lesson.clip.kept[lesson.last])
    boxes = np.array([lesson.clip.things[i].boxes[frame] for i in looks[0].things], np.float32).reshape(-1, 4)
    if lesson.flip:
        boxes = np.stack([1 - boxes[:, 2], boxes[:, 1], 1 - boxes[:, 0], boxes[:, 3]], 1)
    return written_boxes(boxes)


def written_boxes(boxes: np.ndarray) -> list[int]:
    """x0 y0 x1 y1 of each, from left to right."""
    if len(boxes) == 0:
        return [nothing_id()]
    return [coordinate_id(float(value)) for box in sorted(boxes.tolist())[:MOST] for value in box]


def written_spans(spans: list[tuple[float, float]], frames: int) -> list[int]:
    if not spans:
        return [nothing_id()]
    return [coordinate_id(value / frames) for span in sorted(spans)[:MOST] for value in span]


def leading(ids: list[int]) -> list[float]:
    """The coordinates that an answer begins with."""
    values: list[float] = []
    for token in ids:
        if not is_coordinate(token):
            break
        values.append(value_of(token))
    return values


def read_boxes(ids: list[int]) -> list[list[float]]:
    values = leading(ids)
    return [values[i:i + 4] for i in range(0, len(values) - 3, 4)]


def read_spans(ids: list[int], frames: int) -> list[tuple[float, float]]:
    """In frames."""
    values = [value * frames for value in leading(ids)]
    return [(values[i], values[i + 1]) for i in range(0, len(values) - 1, 2)]
