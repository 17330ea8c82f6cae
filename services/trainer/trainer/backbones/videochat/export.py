"""VideoChat-TPO to a bundle that the TypeScript runtime serves (docs/design/bundle.md): answers and boxes.

Masks are a part of their own (`mask_part.py`), to be composed in; CG-DETR stays behind, for it needs two encoders that the checkpoint does not hold.
"""
from dataclasses import dataclass
import hashlib
import json
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer
from torch import nn

from trainer.backbones.videochat.golden import golden_asks
from trainer.backbones.videochat.graphs import graphs_of
from trainer.backbones.videochat.model import VideoChat
from trainer.backbones.videochat.tokens import TOKENS
from trainer.export.decoder_gqa import DecoderShape, Precision
from trainer.export.decoder_part import write_decoder_part
from trainer.export.fresh_folder import fresh_folder
from trainer.export.golden import Blob, golden_graph
from trainer.export.graphs import GraphSpec
from trainer.export.large_graph import export_large
from trainer.export.merged_weights import MergedWeights
from trainer.export.onnx_file import TOLERANCE, export_graph, parity

# As the public demo writes it; its tokenizer begins each of the three pieces with <s>.
TEMPLATE = '<s>[INST] <Video><video><s></Video>[/INST]<s> [INST] {{ text }} [/INST] '
OURS = ('<p>', '<video>')   # what the runtime needs and the checkpoint has not; no answer of the model contains them
LARGE = 1 << 26             # parameters


@dataclass
class Options:
    version: str = '0.1.0'
    precision: Precision = 'fp32'
    template: str = TEMPLATE
    every_ms: float = 500.0
    room: int = 416         # positions of a slot beside the 96 of the video
    longest: int = 40


def export_videochat(model: VideoChat, tokenizer: Tokenizer, folder: Path, options: Options) -> dict[str, float]:
    """Writes the bundle, in the place of an earlier one → how far each graph is from PyTorch."""
    with fresh_folder(folder) as fresh:
        return write_bundle(model, tokenizer, fresh, options)


def write_bundle(model: VideoChat, tokenizer: Tokenizer, folder: Path, options: Options) -> dict[str, float]:
    (folder / 'golden').mkdir(parents=True, exist_ok=True)
    model = in_fp32(model.eval().requires_grad_(False), whole=options.precision == 'fp32')
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in (*TOKENS, *OURS) if tokenizer.token_to_id(token) is None])
    assert tokenizer.token_to_id(TOKENS[0]) == model.ids.first, f'{TOKENS[0]} has id {tokenizer.token_to_id(TOKENS[0])} in this tokenizer, {model.ids.first} in the model.'
    specs, differences, blob, golden = graphs_of(model), {}, Blob(), {}
    for spec in specs:
        many = sum(parameter.numel() for parameter in model.vision_encoder.parameters()) > LARGE and spec.name == 'vision'
        path = export_large(spec, folder) if many else export_graph(spec, folder)
        differences[spec.name] = parity(path, spec)
        assert differences[spec.name] <= TOLERANCE, f'{spec.file} differs from PyTorch by {differences[spec.name]:.2g}; at most {TOLERANCE} is allowed.'
        golden[spec.name] = golden_graph(spec, blob)
    vocabulary = tokenizer.get_vocab_size()
    lengthen(model, vocabulary)
    c = model.config
    shape = DecoderShape(c.width, c.layers, c.heads, c.kv_heads, c.width // c.heads, vocabulary, c.epsilon, c.rope_base)
    part = write_decoder_part(folder, shape, merged(model, vocabulary), options.precision, c.queries + c.extra_queries + options.room)
    if options.precision == 'fp32':
        (folder / 'golden' / 'index.json').write_text(json.dumps({'graphs': golden, 'asks': golden_asks(model, tokenizer, folder, options)}, indent=1) + '\n')
        blob.write(folder)
    tokenizer.save(str(folder / 'tokenizer.json'))
    (folder / 'manifest.json').write_text(json.dumps(manifest_of(model, folder, specs, part, vocabulary, options), indent=2) + '\n')
    return differences


def in_fp32(model: VideoChat, whole: bool) -> VideoChat:
    """Golden asks need the whole model in fp32; without them Mistral stays as it is stored, and is read one tensor at a time."""
    if whole:
        return model.float()
    for part in (model.vision_encoder, model.vision_layernorm, model.qformer, model.project_up, model.loc_decoder, model.loc_encoder):
        part.float()
    for queries in (model.query_tokens, model.extra_query_tokens):
        queries.data = queries.data.float()
    return model


def lengthen(model: VideoChat, vocabulary: int) -> None:
    """The runtime's own tokens get the mean row: neither model nor training knows them."""
    table = model.lm.get_input_embeddings()
    missing = vocabulary - table.weight.shape[0]
    if missing > 0:
        table.weight = nn.Parameter(torch.cat([table.weight, table.weight.mean(0, keepdim=True).expand(missing, -1)]), requires_grad=False)


def merged(model: VideoChat, vocabulary: int) -> MergedWeights:
    """Task tokens in the rows of their placeholders. The runtime's own words score as `<unk>` does: a tie that the lower id wins, so they are never said."""
    places, head = model.ids.placeholders(), model.lm.base_model.model.lm_head
    added = list(range(model.config.vocabulary, vocabulary))
    unknown = (head.get_base_layer().weight + head.get_delta_weight('default'))[:1].expand(len(added), -1)
    return MergedWeights(model.lm.base_model.model, (list(places.values()), torch.cat([model.task_token(task)[0] for task in places])), (added, unknown))


def manifest_of(model: VideoChat, folder: Path, specs: list[GraphSpec], part: dict[str, dict], vocabulary: int, options: Options) -> dict[str, object]:
    c = model.config
    rows = {spec.name: {'file': spec.file, **({'data': [f'{spec.file}.data']} if (folder / f'{spec.file}.data').exists() else {}), 'inputs': spec.inputs, 'outputs': spec.outputs} for spec in specs}
    kept = sorted(path for path in folder.rglob('*') if path.is_file())
    return {
        'manifest': 1, 'name': c.name, 'version': options.version, 'licence': 'MIT (weights, as their card says), Apache-2.0 (Mistral-7B-Instruct)',
        'description': 'VideoChat-TPO: answers about a video, and boxes. One box a phrase, whether the thing is there or not.',
        'image': {'size': [c.picture, c.picture], 'resize': 'stretch'},
        'vision': {'unit': 'clip', 'tokens': c.queries + c.extra_queries, 'width': c.width},
        'sampling': {'frames': c.frames, 'everyMs': options.every_ms},
        'language': {
            'width': c.width, 'vocabulary': vocabulary, 'eos': '</s>', 'template': options.template, 'visualToken': '<video>', 'phraseToken': '<p>', 'boxToken': '<track_box>', 'maxNewTokens': options.longest,
            'atomicPrefix': False, 'kv': part['kv'],
        },
        'graphs': {'vision': rows['vision'], 'box': rows['box'], **part['graphs']},
        'tokenizer': 'tokenizer.json',
        'heads': [{'task': 'region', 'standing': False, 'token': {'trigger': '<box_begin>', 'task': '<boxes>'}, 'threshold': 0.5, 'graphs': {'main': rows['region.main']}, 'nms': 0.6, 'maxBoxes': 1}],
        'hashes': {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in kept},
        **({'golden': 'golden/index.json'} if options.precision == 'fp32' else {}),
        'parts': [{'name': 'VideoChat-TPO', 'source': 'OpenGVLab/VideoChat-TPO', 'licence': 'MIT (model card)', 'role': 'backbone'},
                  {'name': 'box perceptron of VideoChat-TPO', 'source': 'OpenGVLab/VideoChat-TPO', 'licence': 'MIT (model card)', 'role': 'region'}],
    }
