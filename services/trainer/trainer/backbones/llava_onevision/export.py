"""A LLaVA-OneVision with its TPO parts to a bundle that the TypeScript runtime serves (docs/design/bundle.md)."""
from dataclasses import dataclass
import hashlib
import json
from pathlib import Path
import warnings

import numpy as np
import onnx
from peft.tuners.lora import LoraLayer
import torch
from torch import Tensor

from trainer.backbones.llava_onevision.golden import golden_asks, golden_decoder
from trainer.backbones.llava_onevision.graphs import graphs_of
from trainer.backbones.llava_onevision.model import LlavaOnevision
from trainer.backbones.llava_onevision.settings import TASKS
from trainer.backbones.llava_onevision.speak import Speaker
from trainer.backbones.llava_onevision.words import PHRASE
from trainer.export.decoder_gqa import DecoderShape, Precision
from trainer.export.decoder_part import write_decoder_part
from trainer.export.decoder_weights import DecoderWeights
from trainer.export.golden import Blob, golden_graph
from trainer.export.graphs import GraphSpec
from trainer.export.onnx_file import TOLERANCE, export_graph, parity

INLINE = 64 << 20  # bytes of weights above which a graph keeps them in a file of its own


@dataclass
class Options:
    version: str = '0.1.0'
    licence: str = 'Apache-2.0'
    precision: Precision = 'fp32'
    region: float = 0.4     # served thresholds
    mask: float = 0.5
    moment: float = 0.3
    room: int = 256         # positions of a slot for words, behind the pictures


def export_llava(model: LlavaOnevision, folder: Path, options: Options) -> dict[str, float]:
    """Writes the bundle → how far each graph is from PyTorch."""
    (folder / 'golden').mkdir(parents=True, exist_ok=True)
    model = model.eval().requires_grad_(False).float()
    specs, differences, blob, golden = graphs_of(model), {}, Blob(), {}
    for spec in specs:
        path = export_large(spec, folder) if weight_bytes(spec) > INLINE else export_graph(spec, folder)
        differences[spec.name] = parity(path, spec)
        assert differences[spec.name] <= TOLERANCE, f'{spec.file} differs from PyTorch by {differences[spec.name]:.2g}; at most {TOLERANCE} is allowed.'
        golden[spec.name] = golden_graph(spec, blob)
    positions = round_up(model.prefix(specs[1].example[0]).shape[1] + options.room, 64)
    part = write_decoder_part(folder, shape_of(model), MergedWeights(model), options.precision, positions)
    if options.precision == 'fp32':
        golden['decoder'], differences['decoder'] = golden_decoder(model, folder, part, blob)
        (folder / 'golden' / 'index.json').write_text(json.dumps({'graphs': golden, 'asks': golden_asks(Speaker(model), folder, vars(options))}, indent=1) + '\n')
        blob.write(folder)
    model.language.tokenizer.save(str(folder / 'tokenizer.json'))
    (folder / 'manifest.json').write_text(json.dumps(manifest_of(model, folder, specs, part, options), indent=2) + '\n')
    return differences


class MergedWeights(DecoderWeights):
    """The published decoder with LoRA added in and TPO's rows in its two tables, one tensor at a time: a second model would not fit beside the first."""

    def __init__(self, model: LlavaOnevision) -> None:
        published = model.published
        adapted = {f'{name}.weight': layer for name, layer in published.named_modules() if isinstance(layer, LoraLayer)}
        state = {name: tensor for name, tensor in published.state_dict().items() if 'lora_' not in name}
        plain = {name.replace('.base_layer', ''): tensor for name, tensor in state.items() if not name.endswith('.base_layer.weight')}
        self.words = model.words

        def read(name: str) -> Tensor:
            if name in plain:
                return plain[name]
            layer = adapted[name]
            return layer.get_base_layer().weight + layer.get_delta_weight('default')

        super().__init__({*plain, *adapted}, read)

    def __call__(self, name: str) -> np.ndarray:
        table = super().__call__(name)
        if name in ('embed_tokens.weight', 'head'):
            table = table.copy()
            table[self.words.ids.numpy()] = (self.words.rows() if name != 'head' else self.words.outputs).detach().numpy()
        return table


def shape_of(model: LlavaOnevision) -> DecoderShape:
    text = model.sizes.text_config
    rows = model.published.get_input_embeddings().weight.shape[0]
    return DecoderShape.of({**text.to_dict(), 'vocab_size': rows})


def export_large(spec: GraphSpec, folder: Path) -> Path:
    """As `export_graph`, with the weights in `FILE.data`: a protocol buffer ends at 2 GB."""
    path = folder / spec.file
    dims = {letter: torch.export.Dim(letter, min=1, max=4096) for axes in spec.dynamic.values() for letter in axes.values()}
    shapes = tuple({axis: dims[letter] for axis, letter in axes.items()} for axes in spec.dynamic.values())
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        torch.onnx.export(spec.module.eval(), spec.example, path, input_names=list(spec.inputs), output_names=list(spec.outputs), dynamic_shapes=shapes, opset_version=18,
                          dynamo=True, external_data=True, verbose=False)
    stored = onnx.load(path, load_external_data=False)
    for part in (stored, stored.graph, *stored.graph.node, *stored.graph.input, *stored.graph.output, *stored.graph.value_info, *stored.graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ''
    onnx.save(stored, path)
    return path


def weight_bytes(spec: GraphSpec) -> int:
    return sum(parameter.numel() * 4 for parameter in getattr(spec.module, 'model', spec.module).parameters()) if spec.name == 'vision' else 0


def manifest_of(model: LlavaOnevision, folder: Path, specs: list[GraphSpec], part: dict[str, dict], options: Options) -> dict[str, object]:
    settings = model.settings
    rows = {spec.name: graph_row(folder, spec) for spec in specs}
    visual = specs[1].example[0]
    kept = sorted(path for path in folder.rglob('*') if path.is_file() and path.name not in ('manifest.json', 'MODEL_CARD.md'))
    token = lambda task: {'trigger': f'<{task}>', 'task': f'<{task}_task>'}
    mask = {name.removeprefix('mask.'): row for name, row in rows.items() if name.startswith('mask.')}
    return {
        'manifest': 1, 'name': settings.name, 'version': options.version, 'licence': options.licence,
        'description': 'LLaVA-OneVision with task tokens and heads on its own vision features.',
        'image': {'size': [model.picture, model.picture], 'resize': 'stretch'},
        'vision': {'unit': 'frame', 'tokens': visual.shape[2], 'width': visual.shape[3]},
        'sampling': {'frames': settings.frames, 'everyMs': settings.every_ms},
        'language': {
            'width': model.width, 'vocabulary': shape_of(model).vocabulary, 'eos': settings.eos, 'template': settings.template, 'visualToken': settings.visual, 'phraseToken': PHRASE,
            'maxNewTokens': settings.longest, 'atomicPrefix': False, 'kv': part['kv'],
        },
        'graphs': {'vision': rows['vision'], 'prefix': rows['prefix'], **part['graphs']},
        'tokenizer': 'tokenizer.json',
        'heads': [
            {'task': 'region', 'standing': True, 'token': token('region'), 'threshold': options.region, 'graphs': {'main': rows['region.main']}, 'nms': 0.6, 'maxBoxes': 10},
            {'task': 'mask', 'standing': True, 'token': token('mask'), 'threshold': options.mask, 'graphs': mask, 'bank': {'prompted': 1, 'recent': settings.recent}},
            {'task': 'moment', 'standing': False, 'token': token('moment'), 'threshold': options.moment, 'graphs': {'main': rows['moment.main']}, 'nms': 0.7},
        ],
        'hashes': {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in kept},
        **({'golden': 'golden/index.json'} if options.precision == 'fp32' else {}),
        'parts': [
            {'name': 'LLaVA-OneVision', 'source': 'the folder given to the export', 'licence': options.licence, 'role': 'backbone'},
            *({'name': f'{task} head', 'source': 'trained by services/trainer', 'licence': 'Apache-2.0', 'role': task} for task in TASKS),
        ],
    }


def graph_row(folder: Path, spec: GraphSpec) -> dict[str, object]:
    data = folder / f'{spec.file}.data'
    return {'file': spec.file, **({'data': [data.name]} if data.exists() else {}), 'inputs': spec.inputs, 'outputs': spec.outputs}


def round_up(value: int, step: int) -> int:
    return -(-value // step) * step
