"""`fovea-train train` and `export` with `--config small`, and `import smollm2`: reached from the one command line."""
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    import torch
    from trainer.backbones.pretrained.export import Options
    from trainer.backbones.small.clips import Clips
    from trainer.backbones.small.model import Small

LIVE = 16   # clips that are drawn where there is no cache


def train_small(stage: str, config: str, steps: int, batch: int, seed: int, run: Path, features: Path, device: str, threads: int, precision: str, times: float, minutes: float) -> None:
    """Every stage but the first goes on from what the run has trained so far."""
    import torch
    from trainer.backbones.small.stages import NAMES
    from trainer.backbones.small.train import train
    from trainer.backbones.staged import Run, StoppedError
    from trainer.distributed import device_named, half_precision

    names = list(NAMES) if stage == 'all' else stage.split(',')
    if unknown := [name for name in names if name not in NAMES]:
        raise typer.BadParameter(f'There is no stage {unknown[0]} of {config}; expected all or one of {", ".join(NAMES)}.')
    torch.set_num_threads(threads)
    trained = run / 'trained.safetensors'
    earlier = trained if trained.exists() and names[0] != NAMES[0] else None
    model = opened(config, earlier, torch.bfloat16 if half_precision(precision, device) else torch.float32, seed).to(device_named(device))
    if earlier:
        typer.echo(f'Goes on from {earlier}.')
    clips = clips_of(features, model)
    try:
        curves = train(model, names, Run(run, steps, batch, seed, times, clips=len(clips), minutes=minutes), clips)
    except StoppedError as stopped:
        typer.echo(str(stopped))
        return
    for name, curve in curves.items():
        tenth = max(1, len(curve) // 10)
        typer.echo(f'{name}: loss {sum(curve[:tenth]) / tenth:.3f} → {sum(curve[-tenth:]) / tenth:.3f} in {len(curve)} steps')
    typer.echo(str(trained))


def clips_of(features: Path, model: 'Small') -> 'Clips':
    from trainer.backbones.small.clips import CachedClips, LiveClips, OtherEyesError
    from trainer.data.clip import SpriteWorld
    from trainer.data.config import WorldConfig
    if not (features / 'ranges.npz').exists():
        typer.echo(f'{features} holds no features (`fovea-train data cache` makes them): {LIVE} clips are drawn instead, enough to try it out.')
        return LiveClips(SpriteWorld(WorldConfig.load('spriteworld-v1', size=model.picture)), model.eyes, LIVE)
    try:
        return CachedClips(features)
    except OtherEyesError as wrong:
        typer.echo(str(wrong), err=True)
        raise typer.Exit(1) from None


def export_bundle_of(out: Path, config: str, trained: Path, options: 'Options', threads: int) -> None:
    import torch
    from trainer.backbones.small.export import export_small
    from trainer.export.decoder_gqa import PRECISIONS
    if options.precision not in PRECISIONS:
        raise typer.BadParameter(f'There is no precision {options.precision}; expected {", ".join(PRECISIONS)}.')
    torch.set_num_threads(threads)
    for name, difference in export_small(opened(config, trained, torch.float32, 1), out, options).items():
        typer.echo(f'{name}: differs by at most {difference:.1e} from PyTorch')
    typer.echo(f'{out}: {sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / 1e6:.1f} MB, decoder in {options.precision}')


def import_smollm2() -> None:
    """Out of the installed package into the cache folder, strictly."""
    from tokenizers import Tokenizer
    from transformers import LlamaForCausalLM
    from trainer.backbones.small.smollm2 import SmolLM2Error, smollm2_folder
    try:
        folder = smollm2_folder()
    except SmolLM2Error as wrong:
        typer.echo(str(wrong), err=True)
        raise typer.Exit(1) from None
    model = LlamaForCausalLM.from_pretrained(folder, local_files_only=True)
    words = Tokenizer.from_file(str(folder / 'tokenizer.json')).get_vocab_size()
    typer.echo(f'{folder}: {sum(parameter.numel() for parameter in model.parameters()):,} parameters, {model.config.num_hidden_layers} layers of {model.config.hidden_size}, {words:,} words')


def opened(config: str, trained: Path | None, dtype: 'torch.dtype', seed: int) -> 'Small':
    from trainer.backbones.pretrained.checkpoint import load_trained
    from trainer.backbones.small.load import new_small
    from trainer.backbones.small.settings import SMALL_SETTINGS
    from trainer.backbones.small.smollm2 import SmolLM2Error
    from trainer.backbones.trained import TrainedError
    if config not in SMALL_SETTINGS:
        raise typer.BadParameter(f'There is no configuration {config}; expected one of {", ".join(SMALL_SETTINGS)}.')
    try:
        model = new_small(SMALL_SETTINGS[config], dtype, seed)
        if trained is not None:
            load_trained(model, trained)
    except (SmolLM2Error, TrainedError) as wrong:
        typer.echo(str(wrong), err=True)
        raise typer.Exit(1) from None
    return model
