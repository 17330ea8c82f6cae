"""Batches of corrections and of ordinary lessons: the replay that keeps what the model knew."""
import random

import numpy as np

from trainer.batch import Batcher
from trainer.feature_cache import CachedClip, FeatureCache, Shard
from trainer.lesson import TRIGGERS, Lesson, Look, Query, Teacher, question
from trainer.token_memory import TokenMemory
from trainer.vocabulary import vocabulary


class CorrectionBatcher(Batcher):
    def __init__(self, corrections: FeatureCache, cache: FeatureCache, teacher: Teacher, photos: FeatureCache | None = None, noise: float = 0.15,
                 memory: TokenMemory | None = None) -> None:
        super().__init__(cache, teacher, photos, noise, memory)
        self.corrections, self.share = corrections, teacher.mix['correction']

    def pick(self) -> tuple[Lesson, Shard, int]:
        if self.rng.random() >= self.share:
            return super().pick()
        shard, row = self.corrections[self.rng.randrange(len(self.corrections))]
        return correction_lesson(shard.clips[row], self.rng), shard, row


def correction_lesson(clip: CachedClip, rng: random.Random) -> Lesson:
    """The phrase with a forced trigger, as watches ask, and the question as it was asked."""
    ask, last = clip.asks[0], len(clip.kept) - 1
    target = ask.targets[0]

    def query() -> Query:
        looks = [] if target.task == 'moment' else [Look(last, target.things)]
        return Query(-1, target.task, vocabulary().place_of(target.noun), target.phrase, target.things, looks, target.spans)

    present = bool(target.things or target.spans)
    asked = question(ask.text, ask.answer, ask.kind, [query()] if present else [])
    forced = question(target.phrase, f'<p> {target.phrase} {TRIGGERS[target.task]}', f'forced-{target.task}', [query()], forced=True)
    return Lesson(clip, np.arange(len(clip.times)), last, [asked, forced], None, rng.random() < 0.5)
