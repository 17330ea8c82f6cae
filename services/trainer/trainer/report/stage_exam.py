"""What the model scores after each stage: the weights that the loop keeps at a stage's end, on one evaluation folder, free-running."""
import json
from pathlib import Path

from trainer.checkpoint import load_weights
from trainer.config import CONFIGS
from trainer.evaluate import run_folder
from trainer.evaluation.nano import served
from trainer.metrics.table import metrics
from trainer.model import TpoModel


def stage_scores(run: Path, stage: str, config: str, folder: Path, limit: int | None) -> dict[str, tuple[float, int]] | None:
    """metric → value and count. Written beside the weights, so that a stage is examined once; None where the weights were not kept."""
    weights = run / f'after-{stage}.safetensors'
    if not weights.exists():
        return None
    result = run / f'after-{stage}-{folder.name}-{limit or "all"}.json'
    if not result.exists() or result.stat().st_mtime < weights.stat().st_mtime:
        model = TpoModel(CONFIGS[config])
        load_weights(weights, model)
        table = metrics(list(run_folder(served(model), folder, limit)), samples=10)
        result.write_text(json.dumps({row.name: [row.value, row.count] for row in table}, indent=1) + '\n')
    return {name: (value, count) for name, (value, count) in json.loads(result.read_text()).items()}
