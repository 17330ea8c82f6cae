"""A tuned language model with eyes and heads to a bundle that the TypeScript runtime serves (docs/design/bundle.md)."""
from dataclasses import dataclass
import hashlib
import json
from pathlib import Path

from trainer.backbones.pretrained.golden import golden_asks, golden_decoder
from trainer.backbones.pretrained.graphs import graphs_of
from trainer.backbones.pretrained.model import Pretrained
from trainer.backbones.pretrained.settings import TASKS
from trainer.backbones.pretrained.speak import Speaker
from trainer.backbones.pretrained.words import BOX, PHRASE
from trainer.export.decoder_gqa import DecoderShape, Precision
from trainer.export.decoder_part import write_decoder_part
from trainer.export.fresh_folder import fresh_folder
from trainer.export.golden import Blob, golden_graph
from trainer.export.graphs import GraphSpec
from trainer.export.large_graph import export_large
from trainer.export.merged_weights import MergedWeights
from trainer.export.onnx_file import TOLERANCE, export_graph, parity

INLINE = 64 << 20  # bytes of weights above which a graph keeps them in a file of its own


@dataclass(frozen=True)
class Origin:
    """What a bundle says of where it comes from."""
    description: str
    parts: tuple[dict[str, str], ...]


@dataclass
class Options:
    version: str = '0.1.0'
    licence: str = 'Apache-2.0'
    precision: Precision = 'fp32'
    region: float = 0.4     # served thresholds
    mask: float = 0.5
    moment: float = 0.3
    room: int = 256         # positions of a slot for words, behind the pictures


def export_pretrained(model: Pretrained, folder: Path, options: Options, origin: Origin) -> dict[str, float]:
    """Writes the bundle, in the place of an earlier one → how far each graph is from PyTorch."""
    with fresh_folder(folder) as fresh:
        return write_bundle(model, fresh, options, origin)


def write_bundle(model: Pretrained, folder: Path, options: Options, origin: Origin) -> dict[str, float]:
    (folder / 'golden').mkdir(parents=True, exist_ok=True)
    model = model.eval().requires_grad_(False).float()
    specs, differences, blob, golden = graphs_of(model), {}, Blob(), {}
    for spec in specs:
        path = export_large(spec, folder) if spec.name == 'vision' and eye_bytes(model) > INLINE else export_graph(spec, folder)
        differences[spec.name] = parity(path, spec)
        assert differences[spec.name] <= TOLERANCE, f'{spec.file} differs from PyTorch by {differences[spec.name]:.2g}; at most {TOLERANCE} is allowed.'
        golden[spec.name] = golden_graph(spec, blob)
    positions = round_up(model.prefix(specs[1].example[0]).shape[1] + options.room, 64)
    part = write_decoder_part(folder, shape_of(model), merged(model), options.precision, positions)
    if options.precision == 'fp32':
        golden['decoder'], differences['decoder'] = golden_decoder(model, folder, part, blob)
        (folder / 'golden' / 'index.json').write_text(json.dumps({'graphs': golden, 'asks': golden_asks(Speaker(model), folder, vars(options))}, indent=1) + '\n')
        blob.write(folder)
    model.language.tokenizer.save(str(folder / 'tokenizer.json'))
    (folder / 'manifest.json').write_text(json.dumps(manifest_of(model, folder, specs, part, options, origin), indent=2) + '\n')
    return differences


def merged(model: Pretrained) -> MergedWeights:
    ids = model.words.ids.tolist()
    return MergedWeights(model.published, (ids, model.words.rows()), (ids, model.words.outputs))


def shape_of(model: Pretrained) -> DecoderShape:
    text = model.sizes.get_text_config()
    rows = model.published.get_input_embeddings().weight.shape[0]
    return DecoderShape.of({**text.to_dict(), 'vocab_size': rows})


def eye_bytes(model: Pretrained) -> int:
    return sum(parameter.numel() * 4 for name, parameter in model.named_parameters() if model.part_of(name) in ('vision', 'connector'))


def manifest_of(model: Pretrained, folder: Path, specs: list[GraphSpec], part: dict[str, dict], options: Options, origin: Origin) -> dict[str, object]:
    settings = model.settings
    rows = {spec.name: graph_row(folder, spec) for spec in specs}
    visual = specs[1].example[0]
    kept = sorted(path for path in folder.rglob('*') if path.is_file())
    token = lambda task: {'trigger': f'<{task}>', 'task': f'<{task}_task>'}
    mask = {name.removeprefix('mask.'): row for name, row in rows.items() if name.startswith('mask.')}
    return {
        'manifest': 1, 'name': settings.name, 'version': options.version, 'licence': options.licence,
        'description': origin.description,
        'image': {'size': [model.picture, model.picture], 'resize': 'stretch'},
        'vision': {'unit': 'frame', 'tokens': visual.shape[2], 'width': visual.shape[3]},
        'sampling': {'frames': settings.frames, 'everyMs': settings.every_ms},
        'language': {
            'width': model.width, 'vocabulary': shape_of(model).vocabulary, 'eos': settings.eos, 'template': as_jinja(settings.template), 'visualToken': settings.visual, 'phraseToken': PHRASE, 'boxToken': BOX,
            'maxNewTokens': settings.longest, 'atomicPrefix': False, 'kv': part['kv'],
        },
        'graphs': {'vision': rows['vision'], 'prefix': rows['prefix'], 'box': rows['box'], **part['graphs']},
        'tokenizer': 'tokenizer.json',
        'heads': [
            {'task': 'region', 'standing': True, 'token': token('region'), 'threshold': options.region, 'graphs': {'main': rows['region.main']}, 'nms': 0.6, 'maxBoxes': 10},
            {'task': 'mask', 'standing': True, 'token': token('mask'), 'threshold': options.mask, 'graphs': mask, 'bank': {'prompted': 1, 'recent': settings.recent}},
            {'task': 'moment', 'standing': False, 'token': token('moment'), 'threshold': options.moment, 'graphs': {'main': rows['moment.main']}, 'nms': 0.7},
        ],
        'hashes': {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in kept},
        **({'golden': 'golden/index.json'} if options.precision == 'fp32' else {}),
        'parts': [
            *origin.parts,
            *({'name': f'{task} head', 'source': 'trained by services/trainer', 'licence': 'Apache-2.0', 'role': task} for task in TASKS),
        ],
    }


def graph_row(folder: Path, spec: GraphSpec) -> dict[str, object]:
    data = folder / f'{spec.file}.data'
    return {'file': spec.file, **({'data': [data.name]} if data.exists() else {}), 'inputs': spec.inputs, 'outputs': spec.outputs}


def as_jinja(template: str) -> str:
    """Jinja drops a newline at the very end of a template: there it has to be said."""
    return template[:-1] + "{{ '\\n' }}" if template.endswith('\n') else template


def round_up(value: int, step: int) -> int:
    return -(-value // step) * step
