"""`fovea-train`: data, training, evaluation, export, ablations, reports. `fovea-train --help` lists everything."""
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
import json
import os
from pathlib import Path
from typing import Annotated, Optional

import typer

from trainer import heeded
from trainer.ablate.cli import app as ablate
from trainer.average import app as average
from trainer.cache_folder import cache_folder, features_folder
from trainer.data.cli import app as data
from trainer.export.decoder_cli import app as decoders
from trainer.import_cli import app as import_weights
from trainer.parity.cli import app as parity
from trainer.photograph import app as photograph
from trainer.preference.cli import app as preference
from trainer.report.cli import app as report
from trainer.sam.cli import app as sam

app = typer.Typer(help='Trains multimodal models whose task tokens drive heads, and exports them as Fovea bundles.', no_args_is_help=True, pretty_exceptions_enable=False)
app.add_typer(data, name='data')
app.add_typer(ablate, name='ablate')
app.add_typer(average)
app.add_typer(photograph)
app.add_typer(preference)
app.add_typer(import_weights)
app.add_typer(parity)
app.add_typer(decoders)
app.add_typer(report)
app.add_typer(sam)

Config = Annotated[str, typer.Option(help='Sizes of the model: nano, or tiny (for trying the whole line out); `train` and `export` also take small, llava-onevision, videochat and, of the last two with -tiny, small random ones.')]
RunFolder = Annotated[Optional[Path], typer.Option(help='Where checkpoints and logs go; default ~/.cache/fovea/runs/CONFIG.')]
Features = Annotated[Optional[Path], typer.Option(help='The feature cache; default ~/.cache/fovea/features-own for an encoder of its own (nano), else features.')]
Threads = Annotated[int, typer.Option(help='CPU threads of this process.')]


@data.command('cache')
def cache_clips(
    clips: int = 5400, photographs: int = 900, world: str = 'spriteworld-v1', out: Features = None, threads: Threads = 1,
    first: Annotated[int, typer.Option(help='Number of the first clip: another cache, for another leg, has clips that the first has not.')] = 0,
    eyes: Annotated[Optional[Path], typer.Option(help='Weights with a trained encoder: those that the stage look leaves, or a committed weights.safetensors. Default: the encoder as ImageNet made it.')] = None,
) -> None:
    """What the eyes see of training clips and photographs, once for all epochs. Goes on where it stopped."""
    import shutil
    from trainer.checkpoint import load_encoder
    from trainer.data.clip import SpriteWorld, WorldConfig
    from trainer.data.photos import PhotoWorld
    from trainer.feature_cache import build_cache

    folder = out or features_folder(eyes is not None)
    config, own = WorldConfig.load(world), load_encoder(eyes) if eyes else None
    build_cache(folder / 'train', SpriteWorld(config, rounds=4), 'train', clips, shard=min(100, clips), first=first, own=own)
    if photographs:
        (folder / 'photos').mkdir(exist_ok=True)
        shutil.copy(folder / 'train' / 'ranges.npz', folder / 'photos' / 'ranges.npz')
        build_cache(folder / 'photos', PhotoWorld(config), 'train', photographs, shard=min(50, photographs), evidence_share=1.0, own=own)


@app.command()
def train(
    context: typer.Context,
    stage: Annotated[str, typer.Argument(help='look, base, assign, heads, together, several of them joined by commas, or all (llava-onevision, videochat: assign, heads, together; small: align before those).')] = 'all',
    config: Config = 'nano', steps: Annotated[int, typer.Option(help='Of all stages together.')] = 3000, batch: int = 8, seed: int = 1,
    run: RunFolder = None, features: Features = None, start: Annotated[Optional[Path], typer.Option(help='Weights to start from: a committed weights.safetensors.')] = None,
    evaluate: Annotated[Optional[Path], typer.Option(help='An evaluation folder to measure on every ten minutes.')] = None,
    minutes: Annotated[float, typer.Option(help='Stop (resumably) after so many.')] = 1e9, device: str = 'auto', threads: Threads = 1,
    precision: Annotated[str, typer.Option(help='bf16, fp32, or auto: bf16 where the machine has instructions for it.')] = 'auto',
    times: Annotated[float, typer.Option(help='A factor on the learning rates.')] = 1.0,
) -> None:
    """Trains, or goes on with a run that stopped: the same command again resumes it, to the same curve."""
    heeded.refuse_unheeded(context, heeded.TRAIN, config)
    if config.startswith('small'):
        from trainer.backbones.small.cli import train_small
        return train_small(stage, config, steps, batch, seed, run or cache_folder() / 'runs' / config, (features or features_folder(False)) / 'train', device, threads, precision, times, minutes)
    if config.startswith('llava-onevision'):
        from trainer.backbones.llava_onevision.cli import train_llava
        return train_llava(stage, config, steps, batch, seed, run or cache_folder() / 'runs' / config, start, device, threads, times)
    if config.startswith('videochat'):
        from trainer.backbones.videochat.cli import train_videochat
        return train_videochat(stage, config, steps, batch, seed, run or cache_folder() / 'runs' / config, start, device, threads, times)
    import torch
    from trainer.checkpoint import load_weights
    from trainer.config import CONFIGS
    from trainer.distributed import close_world, device_named, half_precision, open_world
    from trainer.loop import Run, train as run_stages
    from trainer.model import TpoModel
    from trainer.stages import ALL, STAGES

    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    names = list(ALL) if stage == 'all' else stage.split(',')
    if unknown := [name for name in names if name not in STAGES]:
        raise typer.BadParameter(f'There is no stage {unknown[0]}; expected all or one of {", ".join(ALL)}.')
    rank, world = open_world()
    model = TpoModel(CONFIGS[config]).to(device_named(device))
    if start is not None:
        with told_plainly():
            trained = load_weights(start, model)
        typer.echo(f'{start}: {trained} steps of weights; the optimiser starts anew with 100 warm-up steps.')
    root = features or features_folder(CONFIGS[config].own_encoder)
    photos = root / 'photos'
    plan = Run(run or cache_folder() / 'runs' / config, root / 'train', steps, photos if (photos / 'ranges.npz').exists() else None, batch, seed, rank=rank, world=world, stop_after=minutes * 60,
               half=half_precision(precision, device))
    with told_plainly():
        done = run_stages(model, [replace(STAGES[name], rate=STAGES[name].rate * times) for name in names], plan, dev_metrics(evaluate) if evaluate else None)
    close_world()
    typer.echo(f'{done.total} steps in {done.seconds / 60:.1f} minutes; {plan.folder}/checkpoint.pt')


@contextmanager
def told_plainly() -> Iterator[None]:
    """What a user can mend is a message and exit code 1, no trace of calls."""
    from trainer.checkpoint import CheckpointMismatch
    from trainer.export.fresh_folder import UsedFolderError
    from trainer.feature_cache import OtherEyes

    try:
        yield
    except (CheckpointMismatch, OtherEyes, UsedFolderError) as error:
        typer.echo(f'{error.code}: {error}', err=True)
        raise typer.Exit(1) from error


def dev_metrics(folder: Path):  # noqa: ANN201 — Evaluate, imported late so that --help is quick
    from trainer.evaluate import run_folder
    from trainer.evaluation.nano import served
    from trainer.metrics.table import metrics

    def measure(model, step: int) -> dict[str, float]:  # noqa: ANN001
        return {metric.name: round(metric.value, 4) for metric in metrics(list(run_folder(served(model), folder, 24)), samples=10)}

    return measure


@app.command('eval')
def evaluate(
    folder: Path, bundle: Annotated[Optional[Path], typer.Option(help='A bundle: its own graphs; of nano the vision graph and the stored weights.')] = None,
    checkpoint: Annotated[Optional[Path], typer.Option(help='Or a checkpoint of a run: of nano, small or llava-onevision.')] = None, config: Config = 'nano', limit: Optional[int] = None,
    start: Annotated[Optional[Path], typer.Option(help='Of llava-onevision: the folder of the published model.')] = None,
    out: Annotated[Optional[Path], typer.Option(help='Where records.jsonl and metrics.json go.')] = None, threads: Threads = 1,
    anew: Annotated[bool, typer.Option('--anew', help='Watches ask the language model in every frame instead of once: what a standing embedding is measured against.')] = False,
) -> None:
    """Free-running metrics on an evaluation folder, with 95 % intervals and the best constant answers."""
    import torch
    from trainer.evaluate import from_bundle, from_checkpoint, run_folder
    from trainer.evaluation.bundle import BundleError
    from trainer.export.bundle import Thresholds
    from trainer.metrics.table import as_json, as_markdown, metrics

    torch.set_num_threads(threads)
    if (bundle is None) == (checkpoint is None):
        raise typer.BadParameter('Give either --bundle or --checkpoint.')
    if checkpoint and config.startswith('videochat'):
        raise typer.BadParameter(f'{config} is examined as a bundle: `fovea-train export OUT --config {config} --checkpoint {checkpoint}`, then --bundle OUT.')
    try:
        ready = from_bundle(bundle) if bundle else from_checkpoint(checkpoint, config, Thresholds(), start)
    except BundleError as error:
        typer.echo(f'{error.code}: {error}', err=True)
        raise typer.Exit(1) from error
    records = []
    if out:
        out.mkdir(parents=True, exist_ok=True)
    file = open(out / 'records.jsonl', 'w') if out else open(os.devnull, 'w')
    with file:
        for record in run_folder(ready, folder, limit, anew):
            records.append(record)
            file.write(json.dumps(record) + '\n')
    table = metrics(records)
    if out:
        (out / 'metrics.json').write_text(json.dumps(as_json(table), indent=1) + '\n')
    typer.echo(as_markdown(table))


@app.command()
def export(
    context: typer.Context,
    out: Path, checkpoint: Annotated[Optional[Path], typer.Option(help='A checkpoint, or weights as a stage or `average` leaves them; default: the checkpoint of ~/.cache/fovea/runs/CONFIG; of llava-onevision and videochat none: what was published.')] = None, config: Config = 'nano', version: str = '0.1.0',
    region: float = 0.55, mask: float = 0.5, moment: float = 0.3,
    absent: Annotated[float, typer.Option(help='Of nano: logits by which an absence is said sooner; chosen on the development split, as the thresholds are.')] = 0.0, threads: Threads = 1,
    start: Annotated[Optional[Path], typer.Option(help='Of llava-onevision and videochat: the folder of the published model.')] = None,
    precision: Annotated[str, typer.Option(help='Of small, llava-onevision and videochat: the decoder in fp32, fp16, int8 or int4.')] = 'fp32',
    masks: Annotated[Optional[Path], typer.Option(help='Of videochat: where its SAM 2 with the mask adapter goes, as a part to be composed in.')] = None,
) -> None:
    """A checkpoint to a bundle: ONNX graphs, tokenizer, golden files, manifest, trained weights."""
    from trainer.export.fresh_folder import refuse_used
    heeded.refuse_unheeded(context, heeded.EXPORT, config)
    with told_plainly():   # before a model is loaded
        refuse_used(out)
        if masks is not None:
            refuse_used(masks, 'mask.json')
    if config.startswith('small'):
        from trainer.backbones.pretrained.export import Options as TunedOptions
        from trainer.backbones.small.cli import export_bundle_of as export_small_bundle
        trained = checkpoint or cache_folder() / 'runs' / config / 'trained.safetensors'
        return export_small_bundle(out, config, trained, TunedOptions(version, precision=precision, region=region, mask=mask, moment=moment), threads)
    if config.startswith('llava-onevision'):
        from trainer.backbones.llava_onevision.cli import export_bundle_of
        from trainer.backbones.llava_onevision.export import Options
        return export_bundle_of(out, config, start, checkpoint, Options(version, precision=precision, region=region, mask=mask, moment=moment), threads)
    if config.startswith('videochat'):
        from trainer.backbones.videochat.cli import export_bundle_of as export_videochat_bundle
        return export_videochat_bundle(out, config, start, checkpoint, version, precision, threads, masks)
    import torch
    from trainer.checkpoint import load, load_weights
    from trainer.config import CONFIGS
    from trainer.export.bundle import Thresholds, export_bundle
    from trainer.model import TpoModel
    from trainer.vocabulary import vocabulary

    torch.set_num_threads(threads)
    model = TpoModel(CONFIGS[config])
    path = checkpoint or cache_folder() / 'runs' / config / 'checkpoint.pt'
    with told_plainly():
        steps = load_weights(path, model) if path.suffix == '.safetensors' else load(path, model).total
    with torch.no_grad():
        model.backbone.words.bias[vocabulary().id('there')] += absent
    for name, difference in export_bundle(model, out, version, steps, Thresholds(region, mask, moment), {}).items():
        typer.echo(f'{name}: differs by at most {difference:.1e} from PyTorch')
    typer.echo(f'{out}: {sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / 1e6:.1f} MB')


@app.command()
def card(
    bundle: Path, template: Annotated[Path, typer.Option(help='Markdown with {metrics} where the table goes.')],
    seen: Annotated[list[Path], typer.Option(help='Folders that `eval --out` wrote, seen styles and photographs.')], held_out: Annotated[list[Path], typer.Option(help='The same, held-out style.')],
) -> None:
    """Writes MODEL_CARD.md and the manifest's metrics from the figures that `eval` printed."""
    from trainer.export.card import Results, write_card
    write_card(bundle, template.read_text(), Results([folder / 'metrics.json' for folder in seen], [folder / 'metrics.json' for folder in held_out]))
    typer.echo(f'{bundle / "MODEL_CARD.md"}')


if __name__ == '__main__':
    app()
