"""`fovea-train export-sam`: SAM-class mask heads as parts of bundles."""
from pathlib import Path
from typing import Annotated, Optional

import typer

app = typer.Typer(pretty_exceptions_enable=False)

Family = Annotated[str, typer.Argument(help='edgetam, sam2.1-tiny, sam2.1-small, sam2.1-base-plus or sam2.1-large.')]
Weights = Annotated[Optional[Path], typer.Option(help='A checkpoint as the official repositories publish it; without it, random weights.')]
Seed = Annotated[int, typer.Option(help='Of random weights.')]
Size = Annotated[int, typer.Option(help='Pixels of a side: 1024, or 512.')]


@app.command('export-sam')
def export_sam(
    family: Family, out: Path, weights: Weights = None, size: Size = 1024, state_width: Annotated[int, typer.Option(help='d, width of the language model whose task embeddings point out objects.')] = 192,
    tokens: Annotated[int, typer.Option(help='k, prompt tokens a task embedding becomes.')] = 2,
    adapter: Annotated[Optional[Path], typer.Option(help='Weights of a trained mask adapter (safetensors); without it, random ones: then boxes and points work, phrases do not.')] = None, seed: Seed = 0,
) -> None:
    """Writes the mask part of a bundle: its graphs, golden values, and mask.json with the manifest's rows."""
    import torch
    from safetensors.torch import load_file
    from trainer.sam.part import export_part
    from trainer.sam.prompts import MaskAdapter

    model = model_of(family, size, weights, seed)
    torch.manual_seed(seed)
    words = MaskAdapter(state_width, model.hidden_dim, tokens)
    if adapter is not None:
        words.load_state_dict(load_file(adapter), strict=True)
    source = 'PyPI edgetam-dimos (official code); ' + ('random weights' if weights is None else f'weights {weights.name}')
    for name, difference in export_part(model, family, out, words.requires_grad_(False), state_width, source).items():
        typer.echo(f'{name}: differs by at most {difference:.1e} from PyTorch')
    typer.echo(f'{out}: {sum(path.stat().st_size for path in out.glob("*.onnx")) / 1e6:.1f} MB of graphs')


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
