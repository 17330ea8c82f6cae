"""What an arm without heads writes behind a forced trigger, greedy, for many questions at once."""
from dataclasses import replace

from torch import Tensor

from trainer.batch import pack_text
from trainer.lesson import Lesson, Question
from trainer.model import TpoModel


def write_on(model: TpoModel, lessons: list[Lesson], visual: Tensor, times: Tensor, most: int = 4) -> list[list[list[int]]]:
    """lessons: one a row of `visual`, their questions' ids are begun with. → for each lesson and question the `most` ids that follow."""
    begun = [[list(question.ids) for question in lesson.questions] for lesson in lessons]
    prefix = model.backbone.prefix(visual, times)
    for _ in range(most):
        packed = [replace(lesson, questions=[bare(ids) for ids in rows]) for lesson, rows in zip(lessons, begun)]
        ids, _, block, place = pack_text(packed, 0, 0)
        hidden = model.read(prefix, model.backbone.embed(ids, visual, times), block, place)
        for b, rows in enumerate(begun):
            at = 0
            for row in rows:
                at += len(row)
                row.append(int(model.backbone.logits(hidden[b, at - 1]).argmax()))
    return [[row[len(question.ids):] for row, question in zip(rows, lesson.questions)] for rows, lesson in zip(begun, lessons)]


def bare(ids: list[int]) -> Question:
    return Question(ids, [0.0] * len(ids), [], '')
