"""`fovea-train train` and `export` with `--config videochat…`: reached from the one command line."""
from pathlib import Path
from typing import TYPE_CHECKING

from tokenizers import Tokenizer
import typer

if TYPE_CHECKING:
    from trainer.backbones.videochat.model import VideoChat


def export_bundle_of(out: Path, config: str, start: Path | None, trained: Path | None, version: str, precision: str, threads: int, masks: Path | None = None) -> None:
    """`masks`: where the mask part goes."""
    import torch
    from trainer.backbones.videochat.export import Options, export_videochat
    from trainer.export.decoder_gqa import PRECISIONS
    if precision not in PRECISIONS:
        raise typer.BadParameter(f'There is no precision {precision}; expected {", ".join(PRECISIONS)}.')
    torch.set_num_threads(threads)
    model, tokenizer = opened(config, start, trained, 1, with_sam=masks is not None)
    options = Options(version, precision) if start else Options(version, precision, longest=12)
    for name, difference in export_videochat(model, tokenizer, out, options).items():
        typer.echo(f'{name}: differs by at most {difference:.1e} from PyTorch')
    typer.echo(f'{out}: {sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / 1e6:.1f} MB, decoder in {precision}')
    if masks is not None:
        from trainer.backbones.videochat.mask_part import export_mask_part
        for name, difference in export_mask_part(model, masks).items():
            typer.echo(f'{name}: differs by at most {difference:.1e} from PyTorch')
        typer.echo(f'{masks}: a mask part; `fovea model compose` puts it into the bundle')


def train_videochat(stage: str, config: str, steps: int, batch: int, seed: int, run: Path, start: Path | None, device: str, threads: int, times: float) -> None:
    """Every stage but the first goes on from what the run has trained so far."""
    import torch
    from trainer.backbones.staged import Run
    from trainer.backbones.videochat.stages import STAGES
    from trainer.backbones.videochat.stand_ins import stand_ins
    from trainer.backbones.videochat.train import train
    from trainer.distributed import device_named
    names = list(STAGES) if stage == 'all' else stage.split(',')
    if unknown := [name for name in names if name not in STAGES]:
        raise typer.BadParameter(f'There is no stage {unknown[0]} of {config}; expected all or one of {", ".join(STAGES)}.')
    torch.set_num_threads(threads)
    trained = run / 'trained.safetensors'
    earlier = trained if trained.exists() and names[0] != 'assign' else None
    model, tokenizer = opened(config, start, earlier, seed, with_sam=True)
    if earlier:
        typer.echo(f'Goes on from {earlier}.')
    features = stand_ins(model.config) if start is None else None
    typer.echo('Moments are taught from stand-ins for features, to try the training out.' if features else
               'Moments are not taught: CG-DETR reads features of encoders that are not included; `train(…, features=…)` takes a source of them.')
    for name, curve in train(model.to(device_named(device)), tokenizer, names, Run(run, steps, batch, seed, times), features).items():
        tenth = max(1, len(curve) // 10)
        typer.echo(f'{name}: loss {sum(curve[:tenth]) / tenth:.3f} → {sum(curve[-tenth:]) / tenth:.3f} in {len(curve)} steps')
    typer.echo(str(trained))


def opened(config: str, start: Path | None, trained: Path | None, seed: int, with_sam: bool) -> 'tuple[VideoChat, Tokenizer]':
    """`start`: the folder of the published checkpoint; videochat-tiny has random weights and needs none. `trained`: what a run left."""
    from trainer.backbones.model_folder import FolderError
    from trainer.backbones.trained import TrainedError, load_trained
    from trainer.backbones.videochat.checkpoint import load_videochat
    from trainer.backbones.videochat.config import VIDEOCHAT_CONFIGS
    from trainer.backbones.videochat.stages import part_of
    from trainer.backbones.videochat.tiny import tiny_tokenizer, tiny_videochat
    if config not in VIDEOCHAT_CONFIGS:
        raise typer.BadParameter(f'There is no configuration {config}; expected one of {", ".join(VIDEOCHAT_CONFIGS)}.')
    if start is None and config != 'videochat-tiny':
        raise typer.BadParameter(f'{config} starts from published weights: give their folder with --start.')
    try:
        model, tokenizer = (tiny_videochat(seed, with_sam), tiny_tokenizer()) if start is None else (load_videochat(start, VIDEOCHAT_CONFIGS[config]), tokenizer_of(start))
        if trained is not None:
            load_trained(model, part_of, trained)
    except (FolderError, TrainedError) as wrong:
        typer.echo(str(wrong), err=True)
        raise typer.Exit(1) from None
    return model, tokenizer


def tokenizer_of(folder: Path) -> Tokenizer:
    """tokenizer.json, or what transformers makes of the sentencepiece file that the release ships."""
    from trainer.backbones.model_folder import tokenizer_in
    if (folder / 'tokenizer.json').exists():
        return tokenizer_in(folder)
    from transformers import LlamaTokenizer
    return LlamaTokenizer.from_pretrained(folder, local_files_only=True).backend_tokenizer
