"""The arms of the ablation as a table: what each is taught, in which way, and which exams it sits (docs/design/model.md §8, docs/claims.md)."""
from dataclasses import dataclass

from trainer.ablate.ways import BoxImitation, Heads, MlpBoxes, Textual
from trainer.lesson import Question
from trainer.objective import Weights

CONVERSATION = frozenset({'exist', 'count', 'motion', 'list', 'caption'})
TALK, REGION, MASK, MOMENT = 'conversation', 'region', 'mask', 'moment'
SUBJECTS = {'region': {REGION}, 'mask': {MASK}, 'track': {MASK}, 'moment': {MOMENT}, 'multi': {REGION, MASK}}


@dataclass(frozen=True)
class Arm:
    name: str
    says: str                              # in the table of docs/claims.md
    teaches: frozenset[str]
    way: Heads = Heads()
    standing: bool = False                 # sits the exam of standing embeddings

    def keeps(self, question: Question) -> bool:
        kind = question.kind.removeprefix('forced-')
        return TALK in self.teaches if kind in CONVERSATION else SUBJECTS[kind] <= self.teaches

    def weights(self) -> Weights:
        """Losses of what is not taught are left out; the alignment of pictures and words goes on in every arm."""
        on = {subject: float(subject in self.teaches) for subject in (REGION, MASK, MOMENT)}
        return self.way.weights(Weights(**on, track=on[MASK], name=0.3 if any(on.values()) else 0.0))


def teaching(*subjects: str) -> frozenset[str]:
    return frozenset(subjects)


EVERYTHING = teaching(TALK, REGION, MASK, MOMENT)
BASE = Arm('base', 'stage 0: captions and plain questions', teaching(TALK))
ARMS = {arm.name: arm for arm in (
    Arm('text-only', 'conversation alone', teaching(TALK)),
    Arm('textual', 'conversation and tasks, coordinates as text', EVERYTHING, Textual()),
    Arm('tpo', 'conversation and tasks with heads (TPO)', EVERYTHING, standing=True),
    Arm('tpo-mlp', 'TPO, region head is the MLP of the paper', EVERYTHING, MlpBoxes()),
    Arm('tpo-imitation', 'TPO, masks by imitating a box prompt', EVERYTHING, BoxImitation()),
    Arm('region', 'R', teaching(REGION)),
    Arm('moment', 'T', teaching(MOMENT)),
    Arm('mask', 'M', teaching(MASK)),
    Arm('region-mask', 'R + M', teaching(REGION, MASK)),
    Arm('tasks', 'T + R + M', teaching(REGION, MASK, MOMENT)),
)}
