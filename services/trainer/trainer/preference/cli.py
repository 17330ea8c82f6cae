"""`fovea-train prefer`: corrections collected in production become task targets, with a replay of ordinary lessons."""
import hashlib
from pathlib import Path
import shutil
from typing import Annotated, Optional

import numpy as np
import typer

from trainer.cache_folder import cache_folder, features_folder

app = typer.Typer()


@app.command()
def prefer(
    corrections: Annotated[Path, typer.Argument(help='The JSONL of GET /v1/preferences (docs/preferences.md).')],
    start: Annotated[Path, typer.Option(help='What was corrected: the bundle\'s training/weights.safetensors.')],
    config: str = 'nano', steps: int = 200, batch: int = 8, seed: int = 1,
    run: Annotated[Optional[Path], typer.Option(help='Where the checkpoint goes; default ~/.cache/fovea/runs/preference- and the hash of the file.')] = None,
    features: Annotated[Optional[Path], typer.Option(help='The feature cache to replay from; default as in `train`.')] = None, threads: int = 1,
) -> None:
    """Preference tuning: goes on from a model with the corrections it was given. `fovea-train export --checkpoint` makes a bundle of the result."""
    import torch
    from trainer.checkpoint import load_weights
    from trainer.config import CONFIGS
    from trainer.data.readers import DataError
    from trainer.feature_cache import write_shard
    from trainer.frozen_runner import FrozenRunner
    from trainer.loop import Run, train
    from trainer.model import TpoModel
    from trainer.preference.clip_of import clip_of
    from trainer.preference.correction import read_corrections
    from trainer.stages import PREFERENCE

    torch.set_num_threads(threads)
    try:
        found = read_corrections(corrections)
    except DataError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    model = TpoModel(CONFIGS[config])
    load_weights(start, model)
    replay = (features or features_folder(CONFIGS[config].own_encoder)) / 'train'
    digest = hashlib.sha256(corrections.read_bytes()).hexdigest()[:8]  # other corrections are another run, not the rest of this one
    folder = run or cache_folder() / 'runs' / f'preference-{digest}'
    shard = folder / f'corrections-{digest}' / 'shard-00000'
    if others := [path.name for path in folder.glob('corrections-*') if path != shard.parent]:
        raise typer.BadParameter(f'{folder} is a run on other corrections ({", ".join(others)}); give another --run, or none.')
    if not (shard / 'done').exists():
        shard.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(replay / 'ranges.npz', shard.parent / 'ranges.npz')
        write_shard(shard, [(clip_of(correction), True) for correction in found], FrozenRunner(model.backbone.encoder), dict(np.load(replay / 'ranges.npz')), seed)
    done = train(model, [PREFERENCE], Run(folder, replay, steps, None, batch, seed, corrections=shard.parent))
    typer.echo(f'{len(found)} corrections, {done.total} steps in {done.seconds / 60:.1f} minutes; {folder}/checkpoint.pt')
