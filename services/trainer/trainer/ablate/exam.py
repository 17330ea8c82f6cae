"""The exam of the ablation: what a trained arm scores on cached test clips. Every figure comes with its count.

Words are judged as exact matches of whole greedy answers: a greedy answer equals the reference exactly where, fed the reference, the model would write
each of its tokens; so one pass over the reference decides it. Heads are asked with forced triggers, so that pointing is not mixed with deciding to point.
"""
from dataclasses import dataclass, replace
import random

import numpy as np
import torch
from torch import Tensor

from trainer.ablate.arms import CONVERSATION, MASK, MOMENT, REGION, TALK, Arm
from trainer.ablate.exam_lessons import Asked, early_lesson, main_lesson
from trainer.ablate.model import ArmModel
from trainer.ablate.propagate import propagate
from trainer.ablate.scores import Scores
from trainer.ablate.settings import MIX
from trainer.ablate.write_on import write_on
from trainer.batch import Batch, Batcher
from trainer.feature_cache import FeatureCache
from trainer.lesson import Lesson, Teacher
from trainer.metrics.boxes import iou
from trainer.metrics.masks import j_and_f, mask_iou
from trainer.metrics.moments import top_iou
from trainer.objective import Pass, look_and_read
from trainer.textual import first_coordinate, read_boxes, read_spans

CLIPS = 4  # in one pass


@dataclass
class Sitting:
    """A few clips in front of a model: what was asked, and what one forward pass made of it."""
    model: ArmModel
    arm: Arm
    lessons: list[Lesson]
    asked: list[Asked]      # in the order of the batch's queries
    batch: Batch
    done: Pass


@torch.no_grad()
def sit(model: ArmModel, arm: Arm, cache: FeatureCache, clips: int, scores: Scores) -> None:
    batcher = Batcher(cache, Teacher(random.Random(0), MIX), noise=0.0)
    batcher.tracked = 0.0
    for first in range(0, clips, CLIPS):
        rows = [cache[i] for i in range(first, min(first + CLIPS, clips))]
        papers: list[tuple[Lesson, list[Asked]]] = []
        places = []
        for shard, row in rows:
            for made in (main_lesson(shard.clips[row], arm), early_lesson(shard.clips[row], arm)):
                if made is not None and made[0].questions:
                    papers.append(made)
                    places.append((made[0], shard, row))
        batch = batcher.collate(places)
        asked = [query for _, queries in papers for query in queries]
        sitting = Sitting(model, arm, [lesson for lesson, _ in papers], asked, batch, look_and_read(model, batch))
        if TALK in arm.teaches:
            words(sitting, scores)
        for part in (written,) if arm.way.writes else (regions, moments, masks):
            part(sitting, scores)


def words(sitting: Sitting, scores: Scores) -> None:
    """Whole answers: the four sorts of questions, and whether the right heads are called for the right words."""
    batch, pointing = sitting.batch, len(sitting.arm.teaches) > 1
    row, column = (batch.weights[:, 1:] > 0).nonzero(as_tuple=True)
    wanted = batch.ids[row, column + 1]
    right = sitting.model.backbone.logits(sitting.done.hidden[row, column]).argmax(-1) == wanted
    right |= wanted >= first_coordinate()  # coordinates are judged by what they enclose, not here
    number = batch.block[row, column + 1]
    for index, lesson in enumerate(sitting.lessons):
        for place, question in enumerate(lesson.questions):
            mine = right[(row == index) & (number == place)]
            if question.kind.startswith('forced') or not len(mine):
                continue
            if question.kind in CONVERSATION:
                scores.add(f'qa.{question.kind}', float(mine.all()))
                scores.add('qa', float(mine.all()))
            elif pointing:
                scores.add('trigger', float(mine.all()))


def regions(sitting: Sitting, scores: Scores) -> None:
    rows = sitting.batch.region
    if REGION not in sitting.arm.teaches or not len(rows.query):
        return
    found = sitting.arm.way.boxes(sitting.model, sitting.done, sitting.done.states[rows.query], rows.frame)
    for r, query in enumerate(rows.query.tolist()):
        score_box(sitting.asked[query], found.boxes[r].tolist() if found.object[r] > 0 else None, found.boxes[r].tolist(), rows.boxes[rows.owner == r], scores)


def score_box(asked: Asked, said: list[float] | None, box: list[float], truth: Tensor, scores: Scores) -> None:
    """`said` is None where the answer is "not there"; the accuracy of the best box does not depend on that threshold."""
    if asked.part == 'region':
        scores.add('region.presence', float((said is not None) == (len(truth) > 0)))
        if len(truth) == 1:
            right = float(iou(box, truth[0].tolist()) >= 0.5)
            scores.add('region.acc50', right)
            scores.add('region.by-name' if asked.by == 'name' else 'region.told-apart', right)
    elif len(truth) == 1:
        scores.add(asked.part, float(iou(box, truth[0].tolist()) >= 0.5))


def moments(sitting: Sitting, scores: Scores) -> None:
    rows = sitting.batch.moment
    if MOMENT not in sitting.arm.teaches or not len(rows.query):
        return
    found = sitting.model.moment.frames(sitting.done.visual[rows.lesson], sitting.done.states[rows.query])
    for r, truth in enumerate(rows.spans):
        if sitting.asked[int(rows.query[r])].part == 'words':
            continue
        score_span([tuple(found.spans[r, found.scores[r].argmax()].tolist())], truth, scores)


def score_span(spans: list[tuple[float, ...]], truth: Tensor, scores: Scores) -> None:
    if len(truth):
        best = top_iou([(span, 1.0) for span in spans[:1]], truth.tolist())
        scores.add('moment.miou', best)
        scores.add('moment.r1@.5', float(best >= 0.5))


def written(sitting: Sitting, scores: Scores) -> None:
    """Coordinates as text: greedy, behind the same forced triggers. The first box or span that is written is the answer."""
    asking = [replace(lesson, questions=[question for question in lesson.questions if question.queries]) for lesson in sitting.lessons]
    begun = [replace(lesson, questions=[replace(question, ids=question.ids[:question.queries[0].position]) for question in lesson.questions]) for lesson in asking]
    answers = iter([ids for rows in write_on(sitting.model, begun, sitting.done.visual, sitting.batch.times) for ids in rows])
    clips = [lesson.clip for lesson in asking for _ in lesson.questions]
    for asked, clip in zip(sitting.asked, clips, strict=True):
        ids, query, frames = next(answers), asked.query, len(clip.times)
        if query.task == 'moment':
            score_span(read_spans(ids, frames), torch.tensor(query.spans), scores)
        elif query.task == 'region':
            box = next(iter(read_boxes(ids)), None)
            truth = torch.from_numpy(np.array([clip.things[i].boxes[clip.kept[-1]] for i in query.looks[0].things], np.float32).reshape(-1, 4))
            score_box(asked, box, box or [0.0] * 4, truth, scores)


def masks(sitting: Sitting, scores: Scores) -> None:
    """Outlines in the last frame; and, for one thing a clip, J&F from the frame where it is first clear to the end."""
    rows, done = sitting.batch.mask, sitting.done
    if MASK not in sitting.arm.teaches or not len(rows.query):
        return
    prompts = sitting.arm.way.prompt(sitting.model, done.states)
    for query in rows.query.unique().tolist():
        chosen = (rows.query == query).nonzero()[:, 0]
        truth = [target.numpy() > 0.5 for target in rows.target[chosen]]
        found = [mask.numpy() > 0 for mask in propagate(sitting.model, done, prompts[query:query + 1], rows.frame[chosen].tolist())]
        if sitting.asked[query].part == 'track':
            scores.add('track.j&f', sum(j_and_f(found, truth)) / 2)
        elif truth[0].any():
            scores.add('mask.miou', mask_iou(found[0], truth[0]))
