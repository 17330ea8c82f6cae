"""One finished experiment: an arm, a seed, what it scored. Rows are JSON files that are committed; a row that stands is not run again."""
from dataclasses import asdict, dataclass
import json
from pathlib import Path

from trainer.ablate.arms import Arm
from trainer.ablate.exam import sit
from trainer.ablate.exam_cache import STYLES
from trainer.ablate.scores import Scores
from trainer.ablate.train import Bench, started, trained
from trainer.feature_cache import FeatureCache

Score = tuple[float, int]   # mean, count


@dataclass
class Row:
    arm: str
    seed: int
    settings: str                          # fingerprint: rows of other settings are not compared with it
    base_steps: int
    steps: int
    cpu_seconds: float                     # of the arm's own steps
    scores: dict[str, dict[str, Score]]    # by style, by metric
    learning: bool = False                 # neck and noun space began anew and learnt in every arm

    @classmethod
    def read(cls, path: Path) -> 'Row':
        return cls(**json.loads(path.read_text()))

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + '\n')


def row_path(folder: Path, arm: Arm, seed: int, fingerprint: str) -> Path:
    return folder / f'{arm.name}-seed{seed}-{fingerprint}.json'


def finish(bench: Bench, arm: Arm, exams: dict[str, FeatureCache]) -> Row:
    model, seconds = trained(bench, arm, bench.settings.steps, started(bench))
    scores = {}
    for style in STYLES:
        found = Scores()
        sit(model, arm, exams[style], bench.settings.exam_clips, found)
        scores[style] = found.means()
    return Row(arm.name, bench.seed, bench.settings.fingerprint(), bench.settings.base_steps, bench.settings.steps, round(seconds, 1), scores, bench.settings.learning)
