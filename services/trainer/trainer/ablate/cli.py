"""`fovea-train ablate`: the claims of the paper as experiments that can be stopped anywhere."""
from pathlib import Path
from typing import Annotated, Optional

import typer

from trainer.cache_folder import cache_folder, features_folder

app = typer.Typer(help='The claims, as experiments: arms that differ in one thing, from one start, on the same clips.', no_args_is_help=True)

TRAINER = Path(__file__).parents[2]
BUNDLED = TRAINER.parents[1] / 'packages/model-nano/training/weights.safetensors'
WeightsOfEyes = Annotated[Path, typer.Option(help='Weights whose encoder, neck and noun space all arms share, frozen.')]
Rows = Annotated[Path, typer.Option(help='Where finished rows are kept as JSON.')]


@app.command()
def run(
    arms: Annotated[str, typer.Option(help='Names separated by commas (trainer/ablate/arms.py), or all.')] = 'all',
    seeds: Annotated[str, typer.Option(help='Separated by commas; all arms of the first come first.')] = '1,2,3',
    steps: Annotated[Optional[int], typer.Option(help='Of every arm; default in trainer/ablate/settings.py.')] = None,
    base_steps: Annotated[Optional[int], typer.Option(help='Of stage 0, which all arms of a seed begin from.')] = None,
    exam_clips: Annotated[Optional[int], typer.Option(help='Of each style.')] = None,
    eyes: WeightsOfEyes = BUNDLED,
    learning: Annotated[bool, typer.Option('--learning', help='Of these eyes take the encoder alone: neck and noun space begin anew and learn in every arm.')] = False,
    precision: Annotated[str, typer.Option(help='bf16, fp32, or auto.')] = 'auto',
    rows: Rows = TRAINER / 'claims',
    features: Annotated[Optional[Path], typer.Option(help='The folder of feature caches; `train` in it is made by `fovea-train data cache --eyes`.')] = None,
) -> None:
    """Runs what has no row yet. Stop it anywhere: rows stay, and a half-trained arm goes on from its checkpoint."""
    import torch
    from trainer.ablate.arms import ARMS
    from trainer.ablate.exam_cache import STYLES, exam_cache
    from trainer.ablate.eyes import fingerprint_of, read_eyes
    from trainer.ablate.row import finish, row_path
    from trainer.ablate.settings import Settings
    from trainer.ablate.train import Bench
    from trainer.distributed import half_precision
    from trainer.checkpoint import load_encoder
    from trainer.feature_cache import FeatureCache, refuse_other_eyes

    torch.set_num_threads(1)
    names = list(ARMS) if arms == 'all' else arms.split(',')
    if unknown := sorted(set(names) - set(ARMS)):
        raise typer.BadParameter(f'There is no arm called {", ".join(unknown)}; expected all or some of {", ".join(ARMS)}.')
    given = {'steps': steps, 'base_steps': base_steps, 'exam_clips': exam_clips}
    shared = read_eyes(eyes)
    settings = Settings(**{name: value for name, value in given.items() if value is not None}, eyes=fingerprint_of(shared), learning=learning)
    path_of = lambda arm, seed: row_path(rows, arm, seed, settings.fingerprint())
    missing = [(seed, ARMS[name]) for seed in map(int, seeds.split(',')) for name in names if not path_of(ARMS[name], seed).exists()]
    if not missing:
        typer.echo('Every row stands.')
        return
    folder = features or features_folder(True)
    if not (folder / 'train' / 'ranges.npz').exists():
        raise typer.BadParameter(f'{folder}/train holds no feature cache; make it with `fovea-train data cache --eyes {eyes}`.')
    cache, own = FeatureCache(folder / 'train'), load_encoder(eyes)
    refuse_other_eyes(cache, own)
    cache.shards = cache.shards[:settings.shards]
    exams = {style: exam_cache(folder, style, settings.exam_clips, own) for style in STYLES}
    memory = None
    for seed, arm in missing:
        bench = Bench(cache_folder() / 'runs' / 'ablate', cache, settings, seed, shared, half_precision(precision, 'cpu'), memory)
        row = finish(bench, arm, exams)
        memory = bench.memory
        row.write(path_of(arm, seed))
        typer.echo(f'{arm.name} seed {seed}: {row.cpu_seconds:.0f} CPU seconds')


@app.command()
def cost(out: Annotated[Path, typer.Option(help='The JSON that `claims` reads.')] = TRAINER / 'claims' / 'cost.json') -> None:
    """What a phrase costs a frame, asked again or standing, at nano's size."""
    import json
    import torch
    from trainer.ablate.cost import phrase_costs

    torch.set_num_threads(1)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(phrase_costs(), indent=1) + '\n')
    typer.echo(out.read_text())


@app.command()
def constants(
    exam_clips: Annotated[int, typer.Option(help='Of each style.')] = 40, rows: Rows = TRAINER / 'claims', eyes: WeightsOfEyes = BUNDLED,
    features: Annotated[Optional[Path], typer.Option(help='The folder of feature caches.')] = None,
) -> None:
    """What the best constant answers score in the exam; `claims` puts them into its tables."""
    import json
    from trainer.ablate.constants import constant_scores
    from trainer.checkpoint import load_encoder
    from trainer.ablate.exam_cache import STYLES, exam_cache

    found = {}
    for style in STYLES:
        cache = exam_cache(features or features_folder(True), style, exam_clips, load_encoder(eyes))
        found[style] = constant_scores([shard.clips[row] for shard, row in (cache[i] for i in range(exam_clips))])
    rows.mkdir(parents=True, exist_ok=True)
    (rows / 'constants.json').write_text(json.dumps(found, indent=1) + '\n')
    typer.echo((rows / 'constants.json').read_text())


@app.command()
def claims(rows: Rows = TRAINER / 'claims', out: Annotated[Path, typer.Option(help='The page; its plot is put beside it.')] = Path('docs/claims.md')) -> None:
    """Tables and plots of the rows that stand."""
    from trainer.ablate.claims import write_claims

    write_claims(rows, out)
    typer.echo(f'{out}: written from {len(list(rows.glob("*-seed*.json")))} rows')


if __name__ == '__main__':
    app()
