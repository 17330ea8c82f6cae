"""A part that is computed only where it is asked for: the same numbers, and none of its work elsewhere."""
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
import onnxruntime
import pytest

from trainer.export.conditional import Rare, compute_only_if

TABLE = np.arange(12, dtype=np.float32).reshape(4, 3)
FLAGS = np.array([-1, -1, 0, 1])
RARER = np.array([-1, -1, -1, 0])
RARE = Rare('embeds', 'seen', 'ids', FLAGS)


def written(path: Path, both: bool = False, square: bool = False) -> Path:
    """embeds = table[ids] + the mean of `seen` (twice over, where `both`: then `seen` is behind either part; and its square, where `square`)."""
    port = lambda name, kind, shape: helper.make_tensor_value_info(name, kind, shape)
    nodes = [helper.make_node('Gather', ['table', 'ids'], ['word']), helper.make_node('ReduceMean', ['seen'], ['mean'], keepdims=1)]
    nodes += [helper.make_node('Mul', ['word', 'mean'], ['always'])] if both else [helper.make_node('Identity', ['word'], ['always'])]
    nodes += [helper.make_node('Mul', ['mean', 'mean'], ['square']), helper.make_node('Add', ['mean', 'square'], ['part'])] if square else []
    nodes += [helper.make_node('Add', ['always', 'part' if square else 'mean'], ['embeds'])]
    graph = helper.make_graph(nodes, 'embed', [port('ids', TensorProto.INT64, [1, 'S']), port('seen', TensorProto.FLOAT, [1, 1, 3])], [port('embeds', TensorProto.FLOAT, [1, 'S', 3])],
                              [numpy_helper.from_array(TABLE, 'table')])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=10), path)
    return path


def run(path: Path, *ids: int) -> np.ndarray:
    return onnxruntime.InferenceSession(path).run(None, {'ids': np.array([ids]), 'seen': np.full((1, 1, 3), 6, np.float32)})[0][0]


def test_where_a_flag_stands_the_sum_is_the_same(tmp_path: Path) -> None:
    plain, branched = written(tmp_path / 'plain.onnx'), written(tmp_path / 'branched.onnx')
    compute_only_if(branched, RARE)
    assert np.array_equal(run(plain, 0, 2), run(branched, 0, 2))


def test_without_one_the_part_is_left_out(tmp_path: Path) -> None:
    branched = written(tmp_path / 'branched.onnx')
    compute_only_if(branched, RARE)
    assert np.array_equal(run(branched, 0, 1), TABLE[:2])


def test_a_source_behind_both_parts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='one part of embeds depends on seen and the other does not'):
        compute_only_if(written(tmp_path / 'both.onnx', both=True), RARE)


def test_a_part_of_the_part_has_flags_of_its_own(tmp_path: Path) -> None:
    plain, branched = written(tmp_path / 'plain.onnx', square=True), written(tmp_path / 'branched.onnx', square=True)
    compute_only_if(branched, replace(RARE, rarer=RARER))
    assert np.array_equal(run(plain, 0, 3), run(branched, 0, 3))
    assert np.array_equal(run(branched, 0, 2), TABLE[[0, 2]] + 6)
    assert np.array_equal(run(branched, 0, 1), TABLE[:2])
