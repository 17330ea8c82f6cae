"""`fovea-train export-sam` and `train-adapter`: SAM-class mask heads as parts of bundles, and the words that point things out to them."""
from pathlib import Path
from typing import Annotated, Optional

import typer

app = typer.Typer(pretty_exceptions_enable=False)

Family = Annotated[str, typer.Argument(help='edgetam, sam2.1-tiny, -small, -base-plus or -large, or of SAM 2.0 sam2-tiny or -large.')]
Weights = Annotated[Optional[Path], typer.Option(help='A checkpoint as the official repositories publish it; without it, random weights.')]
Seed = Annotated[int, typer.Option(help='Of random weights.')]
Size = Annotated[int, typer.Option(help='Pixels of a side: 1024, or 512.')]


@app.command('export-sam')
def export_sam(
    family: Family, out: Path, weights: Weights = None, size: Size = 1024, state_width: Annotated[int, typer.Option(help='d, width of the language model whose task embeddings point out objects.')] = 192,
    tokens: Annotated[int, typer.Option(help='k, prompt tokens a task embedding becomes.')] = 2,
    adapter: Annotated[Optional[Path], typer.Option(help='What train-adapter wrote; without it, random words: then boxes and points work, phrases do not.')] = None, seed: Seed = 0,
) -> None:
    """Writes the mask part of a bundle: its graphs, golden values, and mask.json with the manifest's rows."""
    import torch
    from trainer.export.fresh_folder import UsedFolderError, refuse_used
    from trainer.sam.adapter_file import load_adapter
    from trainer.sam.part import PAPERS, export_part
    from trainer.sam.prompts import MaskAdapter

    try:
        refuse_used(out, PAPERS)
    except UsedFolderError as wrong:
        typer.echo(str(wrong), err=True)
        raise typer.Exit(1) from None
    model = model_of(family, size, weights, seed)
    torch.manual_seed(seed)
    words = MaskAdapter(state_width, model.hidden_dim, tokens)
    taught = load_adapter(adapter, words, model) if adapter is not None else ''
    source = 'PyPI edgetam-dimos (official code); ' + ('random weights' if weights is None else f'weights {weights.name}')
    for name, difference in export_part(model, family, out, words.requires_grad_(False), state_width, source, taught=taught).items():
        typer.echo(f'{name}: differs by at most {difference:.1e} from PyTorch')
    typer.echo(f'{out}: {sum(path.stat().st_size for path in out.glob("*.onnx")) / 1e6:.1f} MB of graphs')


@app.command('train-adapter')
def train_adapter_command(
    family: Family, out: Annotated[Path, typer.Argument(help='The file that export-sam --adapter takes (safetensors).')],
    bundle: Annotated[Optional[Path], typer.Option(help='The bundle whose language model says the phrases, as it is served. Without it every noun has a random vector: to try the training out.')] = None,
    weights: Weights = None, size: Size = 512, steps: int = 1000, clips: Annotated[int, typer.Option(help='Different clips of SpriteWorld; a step is one clip.')] = 400,
    frames: Annotated[int, typer.Option(help='Of a clip, one after another: the first is prompted, the others are reached through memory.')] = 4,
    thaw: Annotated[bool, typer.Option('--thaw', help='The mask decoder learns too.')] = False, rate: float = 1e-3,
    tokens: Annotated[int, typer.Option(help='k, prompt tokens a task embedding becomes.')] = 2, world: str = 'spriteworld-v1', seed: Seed = 0, threads: Annotated[int, typer.Option(help='CPU threads.')] = 1,
) -> None:
    """Teaches a SAM-class head the phrases of a language model: on pixels, through its decoder, over several frames of its own memory."""
    from itertools import chain, count
    import torch
    from trainer.data.clip import SpriteWorld, WorldConfig
    from trainer.progress import ProgressLine
    from trainer.sam.adapter_file import save_adapter
    from trainer.sam.adapter_lessons import lessons
    from trainer.sam.adapter_training import train_adapter
    from trainer.sam.eyes import Eyes
    from trainer.sam.phrase_states import BundleStates, NounStates
    from trainer.sam.prompts import MaskAdapter

    torch.set_num_threads(threads)
    model = model_of(family, size, weights, seed)
    clip_world = SpriteWorld(WorldConfig.load(world, size=size))
    said = BundleStates(bundle) if bundle else NounStates(clip_world.nouns, 192)
    torch.manual_seed(seed)
    adapter, line, eyes = MaskAdapter(said.width, model.hidden_dim, tokens), ProgressLine('adapter', steps, 0), Eyes(model)
    endless = chain.from_iterable(lessons(eyes, clip_world, said, clips, frames, seed + round) for round in count())
    for step, parts in enumerate(train_adapter(model, adapter, endless, steps, rate, thaw), 1):
        line.update(step, sum(parts.values()), {name: torch.tensor(value) for name, value in parts.items()})
    save_adapter(out, adapter, model if thaw else None, said.name)
    typer.echo(f'{out}: states of width {said.width} to {tokens} prompt tokens' + ('; the mask decoder with it' if thaw else '')
               + f'. Next: fovea-train export-sam {family} PART --size {size} --state-width {said.width} --tokens {tokens} --adapter {out}' + (f' --weights {weights}' if weights else ''))


def model_of(family: str, size: int, weights: Path | None, seed: int):  # noqa: ANN201 — nn.Module, imported late so that --help is quick
    try:
        from trainer.sam.official import FAMILIES, build
    except ModuleNotFoundError as error:
        raise typer.BadParameter(f'{error.name} is not installed. {INSTALL}') from error
    if family not in FAMILIES:
        raise typer.BadParameter(f'There is no family {family}; expected one of {", ".join(FAMILIES)}.')
    if size not in FAMILIES[family].sizes:
        raise typer.BadParameter(f'{family} is built for {" or ".join(map(str, FAMILIES[family].sizes))} pixels, not {size}.')
    try:
        return build(family, size, weights, seed)
    except ModuleNotFoundError as error:
        raise typer.BadParameter(f'{error.name} is not installed. {INSTALL}') from error


INSTALL = "Run: pip install -e 'services/trainer[sam]' && pip install --no-deps edgetam-dimos==1.0.1"
