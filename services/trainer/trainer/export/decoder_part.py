"""The language part of a bundle: decoder and embed files of one precision, and what the manifest says of them."""
from pathlib import Path

from trainer.export.decoder_gqa import DecoderShape, Precision, write_decoder
from trainer.export.decoder_weights import DecoderWeights
from trainer.export.embed_table import write_embed


def write_decoder_part(folder: Path, shape: DecoderShape, weights: DecoderWeights, precision: Precision, positions: int) -> dict[str, dict]:
    """Writes `decoder.onnx`, `embed.onnx` and their data files → `graphs` and `kv` as manifest.json has them."""
    folder.mkdir(parents=True, exist_ok=True)
    decoder = write_decoder(folder / 'decoder.onnx', shape, weights, precision, positions)
    embed = write_embed(folder / 'embed.onnx', weights('embed_tokens.weight'), precision)
    roles = {f'{part}.{layer}.{kind}': f'kv.{kind}.{layer}' for part in ('past', 'present') for layer in range(shape.layers) for kind in ('key', 'value')}
    of = lambda part: {name: role for name, role in roles.items() if name.startswith(part)}
    return {
        'graphs': {
            'embed': graph_row(embed, {'ids': 'ids'}, {'embeds': 'embeds'}),
            'decoder': graph_row(decoder, {'embeds': 'embeds', 'lengths': 'lengths', **of('past')}, {'logits': 'logits', 'hidden': 'hidden', **of('present')}),
        },
        'kv': {'layers': shape.layers, 'heads': shape.kv_heads, 'headDim': shape.head_dim, 'max': positions, 'mode': 'inplace', **({'type': 'float16'} if precision == 'fp16' else {})},
    }


def graph_row(files: list[Path], inputs: dict[str, str], outputs: dict[str, str]) -> dict:
    graph, *data = [file.name for file in files]
    return {'file': graph, **({'data': data} if data else {}), 'inputs': inputs, 'outputs': outputs}
