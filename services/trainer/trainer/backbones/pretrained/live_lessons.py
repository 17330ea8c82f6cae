"""The lessons of a stage from clips that are drawn when they are first wanted."""
from random import Random

from trainer.backbones.pretrained.lessons import Lesson, Teacher
from trainer.backbones.pretrained.words import Language
from trainer.backbones.staged import Run, Stage
from trainer.data.clip import Clip, SpriteWorld


class LiveLessons:
    """Step → its lessons: the clips in a new order each round, `questions` of each clip at a time."""

    def __init__(self, language: Language, frames: int, world: SpriteWorld, stage: Stage, run: Run, questions: int = 1) -> None:
        self.language, self.frames, self.world, self.stage, self.run, self.questions = language, frames, world, stage, run, questions
        self.kept: dict[int, Clip] = {}

    def __call__(self, step: int) -> list[Lesson]:
        teacher = Teacher(self.language, self.frames, Random(f'{self.run.seed} {self.stage.name} {step}'))
        clips = [self.clip(number) for number in numbers_at(step, self.run, self.stage.name)]
        return [lesson for clip in clips for lesson in teacher.lessons(clip, self.stage.heads, self.questions, self.stage.boxes)]

    def clip(self, number: int) -> Clip:
        if number not in self.kept:
            self.kept[number] = self.world.clip('train', number)
        return self.kept[number]


def numbers_at(step: int, run: Run, stage: str) -> list[int]:
    """The clips of a step, told from the step alone, so that a run can go on anywhere."""
    places = range(step * run.batch, (step + 1) * run.batch)
    orders = {turn: Random(f'{run.seed} {stage} round {turn}').sample(range(run.clips), run.clips) for turn in {place // run.clips for place in places}}
    return [orders[place // run.clips][place % run.clips] for place in places]
