"""A quick look at a model on cached development clips: no encoder pass, a few seconds, good for curves and ablations.

An answer counts as right when every token of it is the model's first choice after the tokens before it; that is the same as a right greedy answer. Heads
are measured from the task token of the true answer. The exam itself is `evaluate.py`, free-running through the pictures.
"""
import random

import torch

from trainer.batch import Batcher
from trainer.feature_cache import FeatureCache
from trainer.heads.moment import Moments
from trainer.lesson import Look, Query, Question, Teacher, question
from trainer.losses.boxes import paired_iou
from trainer.losses.moment import span_iou
from trainer.model import TpoModel
from trainer.objective import Pass, key_masks, look_and_read
from trainer.vocabulary import vocabulary


class Examiner(Teacher):
    """All questions of a clip as they stand; every query looks at the last frame."""

    def __init__(self) -> None:
        super().__init__(random.Random(0), {'live': 0.0, 'rename': 0.0, 'flip': 0.0}, most=20)

    def whole_questions(self, clip, last, renaming) -> list[Question]:
        made = []
        for ask in clip.asks:
            if ask.kind == 'caption':
                continue
            queries = []
            for target in ask.targets:
                if target.present:
                    head = 'mask' if target.task == 'track' else target.task
                    looks = [] if head == 'moment' else [Look(last, self.visible(clip, target.things, last))]
                    queries.append(Query(-1, head, vocabulary().place_of(target.noun), target.phrase, target.things, looks, target.spans))
            kind = 'absent' if ask.targets and not queries else ask.kind
            if kind == 'region' and len(ask.targets[0].things) == 1:
                kind = 'lookalike' if ask.targets[0].lookalike else 'region'
            elif kind == 'region':
                kind = 'several'
            made.append(question(ask.text, ask.answer, kind, queries))
        return made


@torch.no_grad()
def probe(model: TpoModel, cache: FeatureCache, clips: int = 96) -> dict[str, float]:
    """Right answers by kind of question, region Acc@.5 by kind, mask IoU, moment IoU."""
    model.eval()
    batcher = Batcher(cache, Examiner(), noise=0.0)
    sums: dict[str, list[float]] = {}
    add = lambda name, value: sums.setdefault(name, []).append(value)
    for start in range(0, min(clips, len(cache)), 8):
        entries = [cache[i] for i in range(start, min(start + 8, len(cache)))]
        lessons = [(batcher.teacher.lesson(shard.clips[row]), shard, row) for shard, row in entries]
        batch = batcher.collate(lessons)
        done = look_and_read(model, batch)
        choice = model.backbone.logits(done.hidden[:, :-1]).argmax(-1) == batch.ids[:, 1:]
        for b, kinds in enumerate(batch.kinds):
            for number, kind in enumerate(kinds):
                counted = (batch.block[b, 1:] == number) & (batch.weights[b, 1:] > 0)
                add(f'answer.{kind}', float(choice[b][counted].all()))
        kind_of = {index: kind for index, kind in enumerate(kinds_of_queries(lessons))}
        score_regions(model, batch, done, kind_of, add)
        score_masks(model, batch, done, add)
        score_moments(model, batch, done, add)
    model.train()
    return {name: round(sum(values) / len(values), 4) for name, values in sorted(sums.items())}


def kinds_of_queries(lessons) -> list[str]:
    return [asked.kind for lesson, _, _ in lessons for asked in lesson.questions for _ in asked.queries]


def score_regions(model: TpoModel, batch, done: Pass, kind_of: dict[int, str], add) -> None:
    rows = batch.region
    for r in range(len(rows.query)):
        found = model.region(type(done.head_map)(*(part[rows.frame[r]][None] for part in done.head_map)), done.states[rows.query[r]][None])
        true = rows.boxes[rows.owner == r]
        if len(true) == 1:
            iou = float(paired_iou(found.boxes[0, 0], true[0])[0])
            add(f'region.{kind_of[int(rows.query[r])]}', float(iou >= 0.5))
            add('region.iou', iou)


def score_masks(model: TpoModel, batch, done: Pass, add) -> None:
    if len(batch.mask.query) == 0:
        return
    found = key_masks(model, batch, done).mask > 0
    true = batch.mask.target > 0.5
    for mask, truth in zip(found, true):
        add('mask.iou', float((mask & truth).sum() / (mask | truth).sum().clamp(min=1)))


def score_moments(model: TpoModel, batch, done: Pass, add) -> None:
    rows = batch.moment
    for r in range(len(rows.query)):
        if len(rows.spans[r]) == 0:
            continue
        lesson = rows.lesson[r]
        found: Moments = model.moment(done.visual[lesson][None], batch.times[lesson][None], done.states[rows.query[r]][None])
        best = span_iou(found.spans[0, 0] * (model.config.frames - 1), rows.spans[r]).max()
        add('moment.iou', float(best))
        add('moment.r1@.7', float(best >= 0.7))
