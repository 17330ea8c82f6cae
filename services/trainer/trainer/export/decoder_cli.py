"""`fovea-train export-decoder`, `precisions` and `shrink`: decoders of real sizes, graphs in fewer bits, and what each precision costs."""
import json
from pathlib import Path
from typing import Annotated, Optional

import typer

app = typer.Typer(pretty_exceptions_enable=False)

# The language model of LLaVA-OneVision 0.5B.
SHAPE_HALF_B = {'hidden_size': 896, 'num_hidden_layers': 24, 'num_attention_heads': 14, 'num_key_value_heads': 2, 'intermediate_size': 4864, 'vocab_size': 152_000,
                'tie_word_embeddings': True, 'max_position_embeddings': 32_768, 'rms_norm_eps': 1e-6}
SHAPE_TINY = {'hidden_size': 64, 'num_hidden_layers': 2, 'num_attention_heads': 4, 'num_key_value_heads': 2, 'intermediate_size': 96, 'vocab_size': 300,
              'tie_word_embeddings': True, 'max_position_embeddings': 512, 'rms_norm_eps': 1e-6}
SHAPES = {'random-0.5b': SHAPE_HALF_B, 'random-tiny': SHAPE_TINY}

Source = Annotated[str, typer.Argument(help=f'A Hugging Face folder with config.json and safetensors, or random weights of a shape: {", ".join(SHAPES)}.')]


@app.command('export-decoder')
def export_decoder(source: Source, out: Path, precision: Annotated[str, typer.Option(help='fp32, fp16, int8 or int4.')] = 'int8', positions: Annotated[int, typer.Option(help='Positions of a cache slot.')] = 4096, seed: int = 0) -> None:
    """Writes decoder.onnx and embed.onnx with their data files, and decoder.json: what a manifest says of them."""
    from trainer.export.decoder_gqa import PRECISIONS
    from trainer.export.decoder_part import write_decoder_part
    if precision not in PRECISIONS:
        raise typer.BadParameter(f'There is no precision {precision}; expected {", ".join(PRECISIONS)}.')
    shape, weights = source_of(source, seed)
    part = write_decoder_part(out, shape, weights, precision, positions)
    (out / 'decoder.json').write_text(json.dumps(part, indent=1) + '\n')
    typer.echo(f'{out}: {sum(file.stat().st_size for file in out.iterdir()) / 1e6:.1f} MB, {precision}')


@app.command()
def precisions(
    source: Source, tokens: Annotated[int, typer.Option(help='Positions to compare at.')] = 64, text: Annotated[Optional[Path], typer.Option(help='A file whose words are fed, through the tokenizer of the folder; without it, random ids.')] = None,
    seed: int = 0,
) -> None:
    """Prints what each precision does to the logits, against fp32 of the same weights."""
    import numpy as np
    from trainer.export.precision_effect import as_table, precision_effects
    shape, weights = source_of(source, seed)
    ids = np.random.default_rng(seed).integers(0, shape.vocabulary, tokens) if text is None else ids_of(Path(source), text, tokens)
    typer.echo(as_table(list(precision_effects(shape, weights, ids))))
    if source in SHAPES:
        typer.echo('Random weights: their logits lie closer together than trained ones, so the share of same tokens says less than the relative difference.')


def ids_of(folder: Path, text: Path, tokens: int):  # noqa: ANN201 — an int array (S,)
    import numpy as np
    from tokenizers import Tokenizer
    file = folder / 'tokenizer.json'
    if not file.exists():
        raise typer.BadParameter(f'{folder} has no tokenizer.json, so words cannot be fed; leave --text out.')
    return np.array(Tokenizer.from_file(str(file)).encode(text.read_text()).ids[:tokens])


@app.command()
def shrink(
    bundle: Path, graph: Annotated[str, typer.Option(help='Its name in the bundle: vision, region.main, …')] = 'vision', bits: Annotated[int, typer.Option(help='8 or 4, a weight.')] = 8,
) -> None:
    """Puts the products of a graph of a bundle into int8 or int4, and says what that did to its size, its speed and its outputs."""
    from trainer.export.shrink_graph import ShrinkError, shrink_graph
    if bits not in (4, 8):
        raise typer.BadParameter(f'A weight takes 8 or 4 bits; {bits} came.')
    try:
        done = shrink_graph(bundle, graph, bits)
    except ShrinkError as wrong:
        typer.echo(str(wrong), err=True)
        raise typer.Exit(1) from None
    typer.echo(f'{graph}: {done.products} products, {done.before / 1e6:.0f} → {done.after / 1e6:.0f} MB, {done.ms[0]:.0f} → {done.ms[1]:.0f} ms of CPU for made-up inputs')
    for output, moved in done.moved.items():
        typer.echo(f'  {output} moved by {moved:.2g} of its standard deviation')


def source_of(source: str, seed: int):  # noqa: ANN201 — (DecoderShape, DecoderWeights), imported late so that --help is quick
    from trainer.export.decoder_gqa import DecoderShape
    from trainer.export.decoder_weights import config_of, of_folder, random_weights
    if source in SHAPES:
        return DecoderShape.of(SHAPES[source]), random_weights(SHAPES[source], seed)
    folder = Path(source)
    if not (folder / 'config.json').exists():
        raise typer.BadParameter(f'{source} is no folder with a config.json, and no shape ({", ".join(SHAPES)}).')
    return DecoderShape.of(config_of(folder)), of_folder(folder)
