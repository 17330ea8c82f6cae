"""`fovea-train data …`: render contact sheets, build evaluation folders, check folders."""
from pathlib import Path
from time import process_time
from typing import Annotated

import typer

from .check import check_folder
from .clip import SpriteWorld, WorldConfig
from .convert import SETS
from .convert import convert as convert_set
from .folder import write_folder, write_shapes
from .readers import DataError
from .samples import write_samples
from .sheet import write_sheet
from .splits import SPLITS

app = typer.Typer(help='SpriteWorld and evaluation folders.', no_args_is_help=True)

Config = Annotated[str, typer.Option(help='Which world: a file in trainer/data/configs.')]
Split = Annotated[str, typer.Option(help='train, dev or test.')]
Style = Annotated[str, typer.Option(help='seen or held-out (the art style that is never trained on).')]


def world_of(config: str, split: str, style: str, rounds: int = 0, **changes: int) -> SpriteWorld:
    if split not in SPLITS:
        raise typer.BadParameter(f'There is no split {split}; expected one of {", ".join(SPLITS)}.')
    if style not in ('seen', 'held-out'):
        raise typer.BadParameter(f'There is no style {style}; expected seen or held-out.')
    return SpriteWorld(WorldConfig.load(config, **changes), rounds)


@app.command()
def render(out: Path, config: Config = 'spriteworld-v1', split: Split = 'train', style: Style = 'seen', count: int = 6, first: int = 0) -> None:
    """A contact sheet (PNG) of clips with boxes, masks, questions and answers. Look at it."""
    world = world_of(config, split, style)
    write_sheet(out, [world.clip(split, first + i, 'held-out' if style == 'held-out' else 'seen') for i in range(count)])
    typer.echo(f'{out}: {count} clips of {world.config.name} ({world.config.hash})')


@app.command()
def build(out: Path, config: Config = 'spriteworld-v1', split: Split = 'test', style: Style = 'seen', count: int = 320, size: int = 160, after: int = 0,
          shapes: Annotated[bool, typer.Option('--shapes', help='Each scene twice, square and 16:9, with the same questions about the same things.')] = False) -> None:
    """An evaluation folder. With --after N the clips go on for N frames and the questions are standing phrases."""
    if shapes and after:
        raise typer.BadParameter('--shapes asks where things are, --after watches them come: expected one of the two.')
    world = world_of(config, split, style, rounds=4 if shapes else 0, size=size, after=after)
    (write_shapes if shapes else write_folder)(out, world, split, style, count)
    typer.echo(f'{out}: {count} {"scenes" if shapes else "clips"} of {world.config.name} {split} {style} ({world.config.hash})')


@app.command()
def check(folder: Path) -> None:
    """Every fault of an evaluation folder, with file and line. Exit code 1 if there is one."""
    findings = check_folder(folder)
    for finding in findings:
        typer.echo(str(finding), err=True)
    if findings:
        raise typer.Exit(1)
    typer.echo(f'{folder}: sound')


@app.command()
def samples(out: Path) -> None:
    """The product's sample clips: animated WebP and samples.json with questions and true answers."""
    for entry in write_samples(out):
        typer.echo(f'{out / entry["file"]}: {", ".join(entry["shows"])}; {len(entry["questions"])} questions')


@app.command()
def convert(name: str, root: Path, out: Path, split: str = 'train', licence: Annotated[str, typer.Option(help='The set\'s licence, as its authors state it.')] = 'see the set',
            limit: int | None = None, frames: int = 32) -> None:
    """A public set in its official files into an evaluation folder."""
    if name not in SETS:
        raise typer.BadParameter(f'There is no reader called {name}; expected one of {", ".join(SETS)}.')
    try:
        count = convert_set(SETS[name](root, split), out, f'{name} {split}', licence, limit, frames)
    except DataError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    typer.echo(f'{out}: {count} clips of {name} {split}')


@app.command()
def bench(config: Config = 'spriteworld-v1', count: int = 100, size: int = 160) -> None:
    """What a training clip costs to make, in milliseconds of one core."""
    world = world_of(config, 'train', 'seen', size=size)
    world.clip('train', 0)
    start = process_time()
    for index in range(count):
        world.clip('train', index)
    each = 1000 * (process_time() - start) / count
    typer.echo(f'{each:.1f} ms a clip of {world.config.frames} frames at {size} pixels: {1000 / each:.0f} clips a second and core')
