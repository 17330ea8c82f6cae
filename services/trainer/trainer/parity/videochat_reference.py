"""Runs the public inference code of VideoChat-TPO (github OpenGVLab/TPO) on a tiny random configuration and keeps the numbers.

    python -m trainer.parity.videochat_reference CHECKOUT

The public code does not run as shipped; every mend is a row of `PATCHES` or a function below named `patch_…` (docs/models.md lists them). They touch no
arithmetic but precision: it is compared in fp32, not in bf16.
"""
import ast
import copy
from pathlib import Path
import shutil
import sys
import tempfile
import types

from safetensors.torch import save_file
import torch
from torch import Tensor, nn

from trainer.backbones.videochat.config import VIDEOCHAT_TINY as C
from trainer.parity.seeded import fill
from trainer.parity.videochat_case import FIXTURE, PROMPTS, Case, case

# file → what is replaced by what
PATCHES: dict[str, list[tuple[str, str]]] = {
    'inference/modeling_videochate.py': [
        ('import pycocotools.mask as mask_util', ''),                            # imported, never used
        ('view(-1, 4096)', f'view(-1, {C.width})'),                              # the width is written out
    ],
    'inference/modeling_base.py': [
        ('nn.Linear(768, self.lm.config.hidden_size)', f'nn.Linear({C.bridge_width}, self.lm.config.hidden_size)'),
        ('nn.Linear(self.lm.config.hidden_size, 768)', f'nn.Linear(self.lm.config.hidden_size, {C.bridge_width})'),
        ('torch.bfloat16', 'torch.float32'),
    ],
    'inference/third_party/cgdetr/cg_detr/model.py': [('torch.bfloat16', 'torch.float32'), ('.bfloat16()', '.float()')],
    'inference/third_party/cgdetr/cg_detr/transformer.py': [('torch.bfloat16', 'torch.float32')],
    'inference/third_party/sam2/modeling/sam/prompt_encoder.py': [('torch.bfloat16', 'torch.float32')],
    'app.py': [
        ('.bfloat16()', '.float()'), ('torch.bfloat16', 'torch.float32'),
        ('past_key_values[0][0].shape[-2]', 'past_key_values.get_seq_length()'),  # caches are objects now
        ('past_key_values=past_key_values)', 'past_key_values=copy.deepcopy(past_key_values))'),   # … which a run changes in place; as written, task tokens left no trace
        ('past_key_values=past_key_values\n                )', 'past_key_values=copy.deepcopy(past_key_values)\n                )'),
    ],
}


def patch_modules() -> None:
    """What newer libraries moved or dropped."""
    import timm.layers
    import transformers.modeling_utils as modeling
    sys.modules.setdefault('timm.models.layers', timm.layers)
    modeling.apply_chunking_to_forward = lambda forward, size, dim, *tensors: forward(*tensors)
    for name in ('find_pruneable_heads_and_indices', 'prune_linear_layer'):
        setattr(modeling, name, None)   # pruning is never called


def checkout_copy(checkout: Path) -> Path:
    folder = Path(tempfile.mkdtemp(prefix='tpo-'))
    shutil.copytree(checkout, folder, dirs_exist_ok=True)
    for file, changes in PATCHES.items():
        path = folder / file
        text = path.read_text()
        for old, new in changes:
            text = text.replace(old, new)
        path.write_text(text)
    sys.path[:0] = [str(folder), str(folder / 'inference')]
    return folder


class Reference(nn.Module):
    """The public modules side by side under the checkpoint's names. `PreTrainedModel.__init__` and the downloads of the original constructor are left out."""

    def __init__(self) -> None:
        super().__init__()
        from easydict import EasyDict
        from inference.modeling_qformer import BertLMHeadModel, BertPreTrainedModel
        BertPreTrainedModel.init_weights = lambda self: None                       # weights are filled by name below
        BertPreTrainedModel.get_head_mask = lambda self, mask, layers: [None] * layers   # this and the next: dropped by newer transformers
        BertPreTrainedModel.invert_attention_mask = lambda self, mask: (1 - mask[:, None, None].to(self.dtype)) * torch.finfo(self.dtype).min
        from inference.modeling_vit import MLP, build_vit
        import third_party.cgdetr.cg_detr.model as cg
        from transformers import BertConfig
        from trainer.backbones.videochat.language_model import language_model
        vision = EasyDict(name='vit_l14', img_size=C.picture, patch_size=C.patch, encoder_embed_dim=C.vision_width, encoder_depth=C.vision_layers + 1, encoder_num_heads=C.vision_heads,
                          drop_path_rate=0.0, num_frames=C.frames, tubelet_size=1, use_checkpoint=False, checkpoint_num=0, return_index=-2, pretrained=None)
        self.vision_encoder = build_vit(EasyDict(vision_encoder=vision))
        self.vision_layernorm = nn.LayerNorm(C.vision_width, eps=1e-12)
        bert = BertConfig(vocab_size=C.bridge_vocabulary, hidden_size=C.bridge_width, num_hidden_layers=C.bridge_layers, num_attention_heads=C.bridge_heads,
                          intermediate_size=C.bridge_mlp, max_position_embeddings=C.bridge_positions)
        bert.encoder_width, bert.add_cross_attention, bert.cross_attention_freq, bert.query_length = C.vision_width, True, 2, C.queries
        bert.drop_path_list = [0.0] * C.bridge_layers
        self.qformer = BertLMHeadModel(bert)
        self.qformer.cls = None
        self.query_tokens = nn.Parameter(torch.zeros(1, C.queries, C.bridge_width))
        self.extra_query_tokens = nn.Parameter(torch.zeros(1, C.extra_queries, C.bridge_width))
        self.extra_num_query_token, self.use_clip = C.extra_queries, False
        self.project_up = nn.Linear(C.bridge_width, C.width)
        self.lm = language_model(C)
        self.box_token, self.temporal_token, self.track_token = (nn.Parameter(torch.zeros(1, 1, C.width)) for _ in range(3))
        self.loc_encoder = nn.Sequential(nn.Linear(4, C.width // 2), nn.ReLU(), nn.Linear(C.width // 2, C.width))
        self.loc_decoder = nn.Sequential(nn.Linear(C.width, C.width // 2), nn.ReLU(), nn.Linear(C.width // 2, 4))
        self.track_embed, self.track_embed_decode2 = MLP(C.width, C.width, 3 * 256, 2, dropout=0), MLP(C.width, C.width, 4, 2, dropout=0)
        s = C.moment
        options = cg.CGDETRConfig(v_feat_dim=s.clip, t_feat_dim=C.width, enc_layers=s.encoder, dec_layers=s.decoder, t2v_layers=s.across, dummy_layers=s.dummy, dim_feedforward=s.mlp,
                               hidden_dim=s.width, nheads=s.heads, num_queries=s.queries, num_dummies=s.dummies, total_prompts=s.prompts, max_q_l=s.words)
        cg.CGDETRConfig = lambda: options
        self.cg_model = patch_heads(cg, s.heads).build_cgdetr_model()[0]
        self.tokenizer = Tokenizer()


def patch_heads(cg: types.ModuleType, heads: int) -> types.ModuleType:
    """Two encoders have 8 heads written out; the tiny width has as many as its configuration says."""
    layer = cg.TransformerEncoderLayer
    cg.TransformerEncoderLayer = lambda width, _, *rest: layer(width, heads, *rest)
    return cg


class Tokenizer:
    """Ids and names of the special tokens; ordinary words have no names here."""

    def __init__(self) -> None:
        from trainer.backbones.videochat.tokens import TOKENS, TokenIds
        ids = TokenIds(C.vocabulary - len(TOKENS))
        self.box_token, self.temp_token, self.track_token, self.track_box_token = (ids.of(name) for name in ('<boxes>', '<temp>', '<tracking>', '<track_box>'))
        self.names = {ids.of(name): name for name in TOKENS} | {2: '</s>'}
        self.spoken: list[int] = []

    def decode(self, tokens: int | list[int]) -> str:
        if not isinstance(tokens, int):
            return ''                      # the whole answer, at the end
        self.spoken.append(tokens)
        return self.names.get(tokens, ' ')


def method(path: Path, owner: str, name: str, scope: dict[str, object]) -> object:
    """One method of a file whose imports (a web demo, private paths) are not wanted."""
    tree = ast.parse(path.read_text())
    found = next(item for node in tree.body if isinstance(node, ast.ClassDef) and node.name == owner for item in node.body if isinstance(item, ast.FunctionDef) and item.name == name)
    exec(compile(ast.Module([found], []), str(path), 'exec'), scope)
    return scope[name]


@torch.no_grad()
def run(folder: Path) -> dict[str, Tensor]:
    import logging
    import torch.nn.functional as F
    from typing import Optional
    model = Reference().eval()
    fill(model)
    chat = folder / 'inference/modeling_videochate.py'
    scope = {'torch': torch, 'F': F, 'Optional': Optional, 'logger': logging.getLogger('tpo'), 'device': 'cpu', 'copy': copy}
    for name in ('encode_vision', 'pad_text_embeds'):
        setattr(Reference, name, method(chat, 'MultiModalLLM_PT', name, scope))
    generate = method(folder / 'app.py', 'Inference', 'generate', scope)
    given: Case = case()
    video = given.video.transpose(1, 2)                                      # theirs is (B, T, C, H, W)
    out: dict[str, Tensor] = {}
    vision = model.vision_encoder(given.video).flatten(1, 2)
    out['vision tokens'] = model.vision_layernorm(vision)
    out['Q-Former output'] = model.encode_vision(given.video, None)
    embeds = model.pad_text_embeds(input_ids=given.ids, video=video, video_idx=given.where.long(), input_boxes=[given.boxes])
    out['embeddings of a prompt'] = embeds
    hidden = model.lm(inputs_embeds=embeds, output_hidden_states=True).hidden_states[-1]
    states = hidden[0, given.places]                                         # region, moment, mask
    out['hidden state at task tokens'] = states
    out['box'] = model.loc_decoder(states)
    out['mask prompt embedding'] = model.track_embed(states[2]).reshape(1, 3, 256)
    out['box of the first frame'] = model.track_embed_decode2(states)
    answer = model.cg_model(given.words, given.word_mask, given.clips, given.clip_mask, prompt_token=states[1].expand(2, 1, -1))
    out['moment logits'], out['moment spans'], out['moment saliency'] = answer['pred_logits'], answer['pred_spans'], answer['saliency_scores']
    for weights, seed in PROMPTS:
        fill(model, seed=weights)
        ids, tokenizer = case(seed).ids, Tokenizer()
        model.tokenizer = tokenizer
        _, state, head = generate(types.SimpleNamespace(model=model, tokenizer=tokenizer), ids, torch.ones_like(ids), video, case(seed).where)
        out[f'answer {weights}.{seed} tokens'] = torch.tensor(tokenizer.spoken)
        if state is not None:
            out[f'answer {weights}.{seed} state'] = state.flatten()
            out[f'answer {weights}.{seed} head'] = torch.tensor(['Region', 'Temporal', 'Mask'].index(head))
    from inference.third_party.sam2.modeling.sam.prompt_encoder import PromptEncoder
    side = C.sam.picture
    sam = PromptEncoder(embed_dim=256, image_embedding_size=(side // 16, side // 16), input_image_size=(side, side), mask_in_chans=16)
    fill(sam, 'sam.sam_prompt_encoder.')
    out['box prompt of SAM 2'] = sam(points=(given.boxes[0].reshape(1, 2, 2) * side, torch.tensor([[2, 3]], dtype=torch.int32)), boxes=None, masks=None)[0]
    return {name: value.contiguous() for name, value in out.items()}


if __name__ == '__main__':
    patch_modules()
    numbers = run(checkout_copy(Path(sys.argv[1])))
    save_file(numbers, FIXTURE)
    print(FIXTURE, FIXTURE.stat().st_size, {name: tuple(value.shape) for name, value in numbers.items()})
