"""The same clips with the same questions for every arm: a lesson is drawn from its seed and its step alone, then the arm keeps what it is taught."""
from dataclasses import replace
import random

from trainer.ablate.arms import Arm
from trainer.ablate.settings import Settings
from trainer.batch import Batch, Batcher
from trainer.feature_cache import FeatureCache, Shard
from trainer.lesson import Lesson, Teacher
from trainer.token_memory import TokenMemory

TRACKED = 0.35  # share of lessons in which the mask head follows a thing


class ArmBatcher(Batcher):
    def __init__(self, cache: FeatureCache, arm: Arm, settings: Settings, seed: int, memory: TokenMemory | None = None) -> None:
        super().__init__(cache, Teacher(random.Random(seed), settings.mix, settings.questions), memory=memory)
        self.arm, self.size, self.seed = arm, settings.batch, seed
        self.tracked = TRACKED if arm.weights().track else 0.0

    def at(self, step: int) -> Batch:
        """The batch of a step, whatever came before it: a run that was stopped goes on exactly."""
        lessons: list[tuple[Lesson, Shard, int]] = []
        draw = 0
        while len(lessons) < self.size or not any(lesson.questions for lesson, _, _ in lessons):
            self.rng.seed(f'{self.seed}/{step}/{draw}')
            draw += 1
            shard, row = self.cache[self.rng.randrange(len(self.cache))]
            lesson = self.teacher.lesson(shard.clips[row])
            if lesson.questions:
                lessons.append((self.kept(lesson), shard, row))
        self.rng.seed(f'{self.seed}/{step}')
        return self.collate(lessons)

    def kept(self, lesson: Lesson) -> Lesson:
        taught = [self.arm.way.taught(question, lesson) for question in lesson.questions if self.arm.keeps(question)]
        return replace(lesson, questions=[question for question in taught if question is not None])
