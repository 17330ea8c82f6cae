"""Where the numbers of a decoder come from: a module in memory, or the safetensors files of a Hugging Face folder, read one tensor at a time."""
from collections.abc import Callable
import json
from pathlib import Path

import numpy as np
from safetensors import safe_open
import torch
from torch import Tensor, nn

# How published checkpoints name the same decoder, alone or inside a multimodal model; `layers.0.…` follows.
PREFIXES = ('model.', 'language_model.model.', 'model.language_model.', 'language_model.', '')
HEADS = ('lm_head.weight', 'language_model.lm_head.weight')
PROBE = 'layers.0.self_attn.q_proj.weight'

Read = Callable[[str], Tensor]


class DecoderWeights:
    """Tensors of a Qwen2-shaped decoder by their names inside it: `embed_tokens.weight`, `layers.0.mlp.up_proj.weight`, `norm.weight`, `head`."""

    def __init__(self, names: set[str], read: Read) -> None:
        self.read = read
        self.prefix = next((prefix for prefix in PREFIXES if prefix + PROBE in names), None)
        if self.prefix is None:
            raise KeyError(f'No decoder here: a tensor {PROBE} is expected, alone or behind one of {", ".join(filter(None, PREFIXES))}.')
        self.names = names
        self.head = next((name for name in HEADS if name in names), self.prefix + 'embed_tokens.weight')

    def __call__(self, name: str) -> np.ndarray:
        return self.read(self.head if name == 'head' else self.prefix + name).detach().float().numpy()

    def has(self, name: str) -> bool:
        return self.prefix + name in self.names


def of_module(module: nn.Module) -> DecoderWeights:
    state = module.state_dict()
    return DecoderWeights(set(state), lambda name: state[name])


def of_folder(folder: Path) -> DecoderWeights:
    files = sorted(folder.glob('*.safetensors'))
    if not files:
        raise FileNotFoundError(f'{folder} holds no .safetensors files; give a folder as Hugging Face models are saved.')
    opened = [safe_open(file, framework='pt') for file in files]
    where = {name: file for file in opened for name in file.keys()}
    return DecoderWeights(set(where), lambda name: where[name].get_tensor(name))


def config_of(folder: Path) -> dict:
    """config.json of a language model; of a multimodal one, the part that is its language model."""
    config = json.loads((folder / 'config.json').read_text())
    return {**config.get('text_config', config), 'tie_word_embeddings': config.get('text_config', config).get('tie_word_embeddings', config.get('tie_word_embeddings', False))}


def random_weights(shape: dict, seed: int = 0) -> DecoderWeights:
    """A decoder as the paper's smaller backbone has it, with random weights: right in every size, good for nothing but measuring."""
    from transformers import Qwen2Config, Qwen2ForCausalLM
    torch.manual_seed(seed)
    return of_module(Qwen2ForCausalLM(Qwen2Config(**shape)).eval())
