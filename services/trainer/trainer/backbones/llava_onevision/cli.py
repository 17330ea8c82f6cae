"""`fovea-train train STAGE --config llava-onevision…`: reached from the one `train` command."""
from pathlib import Path

import typer


def train_llava(stage: str, config: str, steps: int, batch: int, seed: int, run: Path, start: Path | None, device: str, threads: int, times: float) -> None:
    """`start`: the folder of the published model (llava-onevision), or trained.safetensors of an earlier stage beside it."""
    import torch
    from trainer.backbones.llava_onevision.load import FolderError, load_llava, load_trained, tiny_llava
    from trainer.backbones.llava_onevision.settings import SETTINGS
    from trainer.backbones.llava_onevision.stages import STAGES
    from trainer.backbones.llava_onevision.train import Run, train
    from trainer.distributed import device_named

    if config not in SETTINGS:
        raise typer.BadParameter(f'There is no configuration {config}; expected one of {", ".join(SETTINGS)}.')
    names = list(STAGES) if stage == 'all' else stage.split(',')
    if unknown := [name for name in names if name not in STAGES]:
        raise typer.BadParameter(f'There is no stage {unknown[0]} of {config}; expected all or one of {", ".join(STAGES)}.')
    torch.set_num_threads(threads)
    place = device_named(device)
    half = torch.bfloat16 if place.type == 'cuda' else torch.float32
    earlier = run / 'trained.safetensors'
    try:
        if config.endswith('-tiny'):
            model = tiny_llava(seed)
        elif start is None:
            raise typer.BadParameter(f'{config} starts from published weights: give their folder with --start.')
        else:
            model = load_llava(start, SETTINGS[config], half)
        if earlier.exists() and names[0] != 'assign':
            load_trained(model, earlier)
            typer.echo(f'Goes on from {earlier}.')
    except FolderError as wrong:
        typer.echo(str(wrong), err=True)
        raise typer.Exit(1) from None
    curves = train(model.to(place), names, Run(run, steps, batch, seed, times))
    for name, curve in curves.items():
        tenth = max(1, len(curve) // 10)
        typer.echo(f'{name}: loss {sum(curve[:tenth]) / tenth:.3f} → {sum(curve[-tenth:]) / tenth:.3f} in {len(curve)} steps')
    typer.echo(str(earlier))
