"""`fovea-train train` and `export` with `--config llava-onevision…`: reached from the one command line."""
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    import torch
    from trainer.backbones.pretrained.export import Options
    from trainer.backbones.llava_onevision.model import LlavaOnevision


def train_llava(stage: str, config: str, steps: int, batch: int, seed: int, run: Path, start: Path | None, device: str, threads: int, times: float) -> None:
    """Every stage but the first goes on from what the run has trained so far."""
    import torch
    from trainer.backbones.llava_onevision.stages import STAGES
    from trainer.backbones.llava_onevision.train import train
    from trainer.backbones.staged import Run
    from trainer.distributed import device_named

    names = list(STAGES) if stage == 'all' else stage.split(',')
    if unknown := [name for name in names if name not in STAGES]:
        raise typer.BadParameter(f'There is no stage {unknown[0]} of {config}; expected all or one of {", ".join(STAGES)}.')
    torch.set_num_threads(threads)
    place, trained = device_named(device), run / 'trained.safetensors'
    earlier = trained if trained.exists() and names[0] != 'assign' else None
    model = opened(config, start, earlier, torch.bfloat16 if place.type == 'cuda' else torch.float32, seed)
    if earlier:
        typer.echo(f'Goes on from {earlier}.')
    for name, curve in train(model.to(place), names, Run(run, steps, batch, seed, times)).items():
        tenth = max(1, len(curve) // 10)
        typer.echo(f'{name}: loss {sum(curve[:tenth]) / tenth:.3f} → {sum(curve[-tenth:]) / tenth:.3f} in {len(curve)} steps')
    typer.echo(str(trained))


def export_bundle_of(out: Path, config: str, start: Path | None, trained: Path | None, options: 'Options', threads: int) -> None:
    import torch
    from trainer.backbones.llava_onevision.export import export_llava
    from trainer.export.decoder_gqa import PRECISIONS
    if options.precision not in PRECISIONS:
        raise typer.BadParameter(f'There is no precision {options.precision}; expected {", ".join(PRECISIONS)}.')
    torch.set_num_threads(threads)
    for name, difference in export_llava(opened(config, start, trained, torch.float32, 1), out, options).items():
        typer.echo(f'{name}: differs by at most {difference:.1e} from PyTorch')
    typer.echo(f'{out}: {sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / 1e6:.1f} MB, decoder in {options.precision}')


def opened(config: str, start: Path | None, trained: Path | None, dtype: 'torch.dtype', seed: int) -> 'LlavaOnevision':
    """`start`: the folder of the published model; the tiny configuration has random weights and needs none."""
    from trainer.backbones.llava_onevision.load import load_llava, tiny_llava
    from trainer.backbones.llava_onevision.settings import SETTINGS
    from trainer.backbones.model_folder import FolderError
    from trainer.backbones.pretrained.checkpoint import load_trained
    from trainer.backbones.trained import TrainedError
    if config not in SETTINGS:
        raise typer.BadParameter(f'There is no configuration {config}; expected one of {", ".join(SETTINGS)}.')
    if start is None and not config.endswith('-tiny'):
        raise typer.BadParameter(f'{config} starts from published weights: give their folder with --start.')
    try:
        model = tiny_llava(seed) if start is None else load_llava(start, SETTINGS[config], dtype)
        if trained is not None:
            load_trained(model, trained)
    except (FolderError, TrainedError) as wrong:
        typer.echo(str(wrong), err=True)
        raise typer.Exit(1) from None
    return model
