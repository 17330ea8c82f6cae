"""`fovea-train export OUT --config videochat`: reached from the one `export` command."""
from pathlib import Path

from tokenizers import Tokenizer
import typer


def export_bundle_of(out: Path, config: str, start: Path | None, version: str, precision: str, threads: int) -> None:
    """`start`: the folder of the published checkpoint; videochat-tiny has random weights and needs none."""
    import torch
    from trainer.backbones.videochat.checkpoint import CheckpointError, load_videochat
    from trainer.backbones.videochat.config import VIDEOCHAT_CONFIGS
    from trainer.backbones.videochat.export import Options, export_videochat
    from trainer.backbones.videochat.tiny import tiny_tokenizer, tiny_videochat
    from trainer.export.decoder_gqa import PRECISIONS
    if config not in VIDEOCHAT_CONFIGS:
        raise typer.BadParameter(f'There is no configuration {config}; expected one of {", ".join(VIDEOCHAT_CONFIGS)}.')
    if precision not in PRECISIONS:
        raise typer.BadParameter(f'There is no precision {precision}; expected {", ".join(PRECISIONS)}.')
    if start is None and config != 'videochat-tiny':
        raise typer.BadParameter(f'{config} is exported from published weights: give their folder with --start.')
    torch.set_num_threads(threads)
    try:
        model, tokenizer = (tiny_videochat(), tiny_tokenizer()) if start is None else (load_videochat(start, VIDEOCHAT_CONFIGS[config]), tokenizer_of(start))
    except CheckpointError as wrong:
        typer.echo(str(wrong), err=True)
        raise typer.Exit(1) from None
    options = Options(version, precision) if start else Options(version, precision, longest=12)
    for name, difference in export_videochat(model, tokenizer, out, options).items():
        typer.echo(f'{name}: differs by at most {difference:.1e} from PyTorch')
    typer.echo(f'{out}: {sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / 1e6:.1f} MB, decoder in {precision}')


def tokenizer_of(folder: Path) -> Tokenizer:
    """tokenizer.json, or what transformers makes of the sentencepiece file that the release ships."""
    if (folder / 'tokenizer.json').exists():
        return Tokenizer.from_file(str(folder / 'tokenizer.json'))
    from transformers import LlamaTokenizer
    return LlamaTokenizer.from_pretrained(folder, local_files_only=True).backend_tokenizer
