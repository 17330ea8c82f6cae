"""The `embed` graph of a large vocabulary: a table of rows, stored as small as the precision says."""
from pathlib import Path

import numpy as np
from onnx import TensorProto

from trainer.export.decoder_gqa import Precision
from trainer.export.graph_writer import GraphWriter

LEVELS = 127


def write_embed(path: Path, table: np.ndarray, precision: Precision) -> list[Path]:
    """table float32 (V, d); ids int64 [1, S] → embeds float32 [1, S, d]. The int precisions keep a byte a number and a scale a row."""
    g = GraphWriter(path)
    ids = g.input('ids', TensorProto.INT64, [1, 'S'])
    g.output('embeds', TensorProto.FLOAT, [1, 'S', table.shape[1]])
    if precision == 'fp32':
        g.node('Gather', [g.constant('table', table), ids], 'embeds', axis=0)
    elif precision == 'fp16':
        g.node('Gather', [g.constant('table', table.astype(np.float16)), ids], 'rows', axis=0)
        g.node('Cast', ['rows'], 'embeds', to=TensorProto.FLOAT)
    else:
        levels, scales = to_rows(table)
        g.node('Gather', [g.constant('table', levels), ids], 'rows', axis=0)
        g.node('Gather', [g.constant('scales', scales), ids], 'scale', axis=0)
        g.node('Cast', ['rows'], 'values', to=TensorProto.FLOAT)
        g.node('Mul', ['values', 'scale'], 'embeds')
    return g.save()


def to_rows(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """→ int8 (V, d), float32 scales (V, 1)."""
    scales = (np.abs(table).max(1, keepdims=True) / LEVELS).clip(1e-12).astype(np.float32)
    return np.rint(table / scales).astype(np.int8), scales
