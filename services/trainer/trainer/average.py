"""The mean of weights of runs that went on from one another: better than each of them (model soups, Wortsman et al., ICML 2022)."""
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Optional

from safetensors import safe_open
from safetensors.torch import save_file
import torch
from torch import Tensor
import typer

from trainer.checkpoint import CheckpointMismatch

app = typer.Typer()


@app.command()
def average(
    weights: Annotated[list[Path], typer.Argument(help='Weights as a stage leaves them (after-look.safetensors), two or more.')],
    out: Annotated[Path, typer.Option(help='Where their mean goes.')],
    shares: Annotated[Optional[str], typer.Option(help='What each counts for, separated by commas; default: alike.')] = None,
) -> None:
    """The mean of the weights of several runs. They must have gone on from one another, or from one start: means of strangers know nothing."""
    counts = [1.0] * len(weights) if shares is None else [float(share) for share in shares.split(',')]
    if len(weights) < 2 or len(counts) != len(weights):
        raise typer.BadParameter(f'{len(weights)} weights and {len(counts)} shares; expected two weights or more, and a share for each.')
    try:
        averaged(weights, counts, out)
    except CheckpointMismatch as error:
        typer.echo(f'{error.code}: {error}', err=True)
        raise typer.Exit(1) from error
    typer.echo(f'{out}: the mean of {len(weights)}')


def averaged(weights: Sequence[Path], shares: Sequence[float], out: Path) -> None:
    total, means = sum(shares), dict[str, Tensor]()
    first: dict[str, str] = {}
    for path, share in zip(weights, shares, strict=True):
        with safe_open(path, 'pt') as file:
            meta, names = file.metadata() or {}, set(file.keys())
            if means and (names != set(means) or meta.get('fingerprint') != first.get('fingerprint')):
                raise CheckpointMismatch(f'{path} has other parameters than {weights[0]}, or another config: only weights of one model have a mean.')
            first = first or meta
            for name in names:
                part = file.get_tensor(name).float() * (share / total)
                means[name] = means[name] + part if name in means else part
    save_file({name: value.to(torch.float16).contiguous() for name, value in means.items()}, out, first)
