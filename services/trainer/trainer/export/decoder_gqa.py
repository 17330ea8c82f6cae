"""A decoder of Qwen2's or Llama's shape to ONNX with GroupQueryAttention: the cache is one buffer that the graph reads and writes, so a step copies nothing.

Written node by node from the weights, without tracing a module: the operators that runtimes have fast kernels for are fused ones that a trace does not find again.
"""
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from onnx import TensorProto

from trainer.export.decoder_weights import DecoderWeights
from trainer.export.graph_writer import CONTRIB, GraphWriter
from trainer.export.weight_only import BLOCK, to_blocks

Precision = Literal['fp32', 'fp16', 'int8', 'int4']
PRECISIONS: tuple[Precision, ...] = ('fp32', 'fp16', 'int8', 'int4')
BITS = {'int8': 8, 'int4': 4}
KINDS = ('qwen2', 'llama', 'mistral')


@dataclass(frozen=True)
class DecoderShape:
    width: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    epsilon: float
    theta: float

    @staticmethod
    def of(config: dict) -> 'DecoderShape':
        """`config`: the JSON of a Qwen2Config, LlamaConfig or MistralConfig. They differ in biases, which the weights tell."""
        kind = config.get('model_type', 'qwen2')
        if kind not in KINDS:
            raise ValueError(f'A decoder of type {", ".join(KINDS)} is written here; {kind} came.')
        if config.get('use_sliding_window') or (kind == 'mistral' and config.get('sliding_window')):
            raise ValueError('A decoder without a sliding window is written here; this one has one.')
        if ((config.get('rope_parameters') or config.get('rope_scaling') or {}).get('rope_type') or 'default') != 'default':
            raise ValueError('A decoder with plain rotary positions is written here; this one scales them.')
        theta = config.get('rope_theta') or (config.get('rope_parameters') or {}).get('rope_theta', 1e4)
        heads = config['num_attention_heads']
        return DecoderShape(config['hidden_size'], config['num_hidden_layers'], heads, config['num_key_value_heads'], config.get('head_dim') or config['hidden_size'] // heads,
                            config['vocab_size'], config.get('rms_norm_eps', 1e-6), theta)


def write_decoder(path: Path, shape: DecoderShape, weights: DecoderWeights, precision: Precision, positions: int, accuracy: int = 4) -> list[Path]:
    """The graph of docs/design/bundle.md (`embeds`, `lengths`, `kv.*` in; `logits` of the last position, `hidden`, `kv.*` out) → its files.

    `accuracy` is MatMulNBits' level: 4 multiplies in int8, 1 in fp32.
    """
    return DecoderWriter(path, shape, weights, precision, positions, accuracy).write()


class DecoderWriter:
    def __init__(self, path: Path, shape: DecoderShape, weights: DecoderWeights, precision: Precision, positions: int, accuracy: int) -> None:
        self.graph = GraphWriter(path)
        self.shape = shape
        self.weights = weights
        self.precision = precision
        self.positions = positions
        self.accuracy = accuracy
        # Weight-only precisions still compute, and keep their cache, in fp32; fp16 is half throughout, with fp32 at the door.
        self.dtype = np.float16 if precision == 'fp16' else np.float32
        self.kind = TensorProto.FLOAT16 if precision == 'fp16' else TensorProto.FLOAT

    def write(self) -> list[Path]:
        g, s = self.graph, self.shape
        g.signal('done')
        g.output('logits', TensorProto.FLOAT, ['B', 1, s.vocabulary])
        g.output('hidden', TensorProto.FLOAT, ['B', 'S', s.width])
        embeds = g.input('embeds', TensorProto.FLOAT, ['B', 'S', s.width])
        lengths = g.input('lengths', TensorProto.INT64, ['B'])
        self.count(embeds, lengths)
        self.rotary()
        x = self.cast(embeds, 'x.half')
        # In ONNX Runtime this operator lives in the standard domain, where onnx does not know it.
        normed = g.node('SimplifiedLayerNormalization', [x, self.vector('layers.0.input_layernorm.weight')], 'layers.0.normed', axis=-1, epsilon=s.epsilon, stash_type=1)
        for layer in range(s.layers):
            attended = self.attention(layer, normed)
            normed, x = self.skip_norm(f'layers.{layer}.post', x, attended, f'layers.{layer}.post_attention_layernorm.weight')
            last = layer + 1 == s.layers
            normed, x = self.skip_norm(f'layers.{layer}.out', x, self.mlp(layer, normed), 'norm.weight' if last else f'layers.{layer + 1}.input_layernorm.weight')
        self.finish(normed)
        return g.save()

    def count(self, embeds: str, lengths: str) -> None:
        """How many positions each row holds after this run, as the attention operator wants to be told."""
        g = self.graph
        whole = lambda name, value: g.constant(name, np.array(value, np.int64))
        g.node('Shape', [embeds], 'shape')
        g.node('Gather', ['shape', whole('one', 1)], 'size', axis=0)
        g.node('Add', [lengths, 'size'], 'totals')
        g.node('Sub', ['totals', 'one'], 'last')
        g.node('Cast', ['last'], 'seqlens', to=TensorProto.INT32)
        g.node('ReduceMax', ['totals'], 'longest', keepdims=0)
        g.node('Cast', ['longest'], 'total', to=TensorProto.INT32)

    def rotary(self) -> None:
        half = self.shape.head_dim // 2
        speeds = 1.0 / (self.shape.theta ** (np.arange(half, dtype=np.float64) / half))
        angles = np.arange(self.positions)[:, None] * speeds  # (P, head_dim / 2)
        self.graph.constant('cos', np.cos(angles).astype(self.dtype))
        self.graph.constant('sin', np.sin(angles).astype(self.dtype))

    def attention(self, layer: int, normed: str) -> str:
        g, s, name = self.graph, self.shape, f'layers.{layer}.self_attn'
        parts = [f'{name}.{part}_proj' for part in 'qkv']
        bias = np.concatenate([self.weights(f'{part}.bias') for part in parts]) if self.weights.has(f'{parts[0]}.bias') else None
        packed = self.linear(f'{name}.qkv', normed, np.concatenate([self.weights(f'{part}.weight') for part in parts]), bias)
        cache = ['B', s.kv_heads, self.positions, s.head_dim]
        past = [g.input(f'past.{layer}.{part}', self.kind, cache) for part in ('key', 'value')]
        present = [g.output(f'present.{layer}.{part}', self.kind, cache) for part in ('key', 'value')]
        g.nodes_of('GroupQueryAttention', [packed, '', '', *past, 'seqlens', 'total', 'cos', 'sin'], [f'{name}.attended', *present], CONTRIB,
                   num_heads=s.heads, kv_num_heads=s.kv_heads, do_rotary=1, rotary_interleaved=0, scale=s.head_dim ** -0.5)
        return self.linear(f'{name}.o', f'{name}.attended', self.weights(f'{name}.o_proj.weight'))

    def mlp(self, layer: int, normed: str) -> str:
        g, name = self.graph, f'layers.{layer}.mlp'
        gate, up = (self.weights(f'{name}.{part}_proj.weight') for part in ('gate', 'up'))
        both = self.linear(f'{name}.gate_up', normed, np.concatenate([gate, up]))
        g.nodes_of('Split', [both], [f'{name}.gate', f'{name}.up'], axis=-1, num_outputs=2)
        g.node('QuickGelu', [f'{name}.gate'], f'{name}.silu', CONTRIB, alpha=1.0)  # x·sigmoid(x) in one pass
        g.node('Mul', [f'{name}.silu', f'{name}.up'], f'{name}.product')
        return self.linear(f'{name}.down', f'{name}.product', self.weights(f'{name}.down_proj.weight'))

    def skip_norm(self, name: str, x: str, added: str, gamma: str) -> tuple[str, str]:
        """→ the norm of the sum, the sum."""
        self.graph.nodes_of('SkipSimplifiedLayerNormalization', [x, added, self.vector(gamma)], [f'{name}.normed', '', '', f'{name}.sum'], CONTRIB, epsilon=self.shape.epsilon)
        return f'{name}.normed', f'{name}.sum'

    def finish(self, normed: str) -> None:
        """Logits of the last position alone: over a long prefix and 150,000 words the others would be gigabytes that nobody reads."""
        g, s = self.graph, self.shape
        bound = lambda name, value: g.constant(name, np.array([value], np.int64))
        g.node('Slice', [normed, bound('from', -1), bound('until', np.iinfo(np.int64).max), bound('axis', 1)], 'final')
        words = self.linear('head', 'final', self.weights('head'))
        g.node('Cast', [words], 'logits', to=TensorProto.FLOAT)
        g.node('Cast', [normed], 'hidden', to=TensorProto.FLOAT)

    def linear(self, name: str, x: str, weight: np.ndarray, bias: np.ndarray | None = None) -> str:
        """weight (N, K) → x·weightᵀ + bias."""
        g = self.graph
        if self.precision in BITS:
            bits = BITS[self.precision]
            packed, scales, _ = to_blocks(weight, bits)
            inputs = [x, g.constant(f'{name}.weight', packed), g.constant(f'{name}.scales', scales)]
            if bias is not None:
                inputs += ['', '', g.constant(f'{name}.bias', bias)]
            return g.node('MatMulNBits', inputs, f'{name}.out', CONTRIB, K=weight.shape[1], N=weight.shape[0], bits=bits, block_size=BLOCK, accuracy_level=self.accuracy)
        product = g.node('MatMul', [x, g.constant(f'{name}.weight', weight.T.astype(self.dtype))], f'{name}.out')
        return product if bias is None else g.node('Add', [product, g.constant(f'{name}.bias', bias.astype(self.dtype))], f'{name}.biased')

    def vector(self, name: str) -> str:
        return self.graph.constant(name, self.weights(name).astype(self.dtype))

    def cast(self, value: str, name: str) -> str:
        return value if self.kind == TensorProto.FLOAT else self.graph.node('Cast', [value], name, to=self.kind)
