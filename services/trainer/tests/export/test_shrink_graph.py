import hashlib
import json
from pathlib import Path

import numpy as np
from onnx import TensorProto
import pytest

from trainer.export.graph_writer import GraphWriter
from trainer.export.shrink_graph import block_of, inputs_of, run, shrink_graph
from trainer.export.weight_only import from_blocks, to_blocks

WEIGHT = np.random.default_rng(2).normal(size=(512, 256)).astype(np.float32)  # (K, N)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle's papers around one graph: a large product, and one too small to be worth it."""
    g = GraphWriter(tmp_path / 'vision.onnx')
    x = g.input('frames', TensorProto.FLOAT, ['B', 512])
    large = g.node('MatMul', [x, g.constant('large', WEIGHT)], 'tokens')
    g.node('MatMul', [large, g.constant('small', np.eye(256, 32, dtype=np.float32))], 'map')
    for name, width in (('tokens', 256), ('map', 32)):
        g.output(name, TensorProto.FLOAT, ['B', width])
    files = g.save()
    row = {'file': 'vision.onnx', 'data': ['vision.onnx.data'], 'inputs': {'frames': 'pixels.frame'}, 'outputs': {'tokens': 'visual', 'map': 'features.s16'}}
    hashes = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    (tmp_path / 'manifest.json').write_text(json.dumps({'name': 'b', 'graphs': {'vision': row}, 'heads': [], 'hashes': hashes, 'golden': 'golden/index.json'}))
    return tmp_path


@pytest.mark.parametrize('bits,most', [(8, 0.02), (4, 0.2)])
def test_large_products_are_rounded_and_the_papers_say_so(bundle, bits, most):
    feeds = inputs_of(bundle / 'vision.onnx')
    done = shrink_graph(bundle, 'vision', bits)
    assert done.products == 1 and done.after < done.before * (0.4 if bits == 8 else 0.3)
    assert 0 < done.moved['tokens'] < most
    found, _ = run(bundle / 'vision.onnx', feeds)
    stored = feeds['frames'] @ from_blocks(to_blocks(np.ascontiguousarray(WEIGHT.T), bits)).T
    assert np.abs(found['tokens'] - stored).max() < 0.05 * stored.std()  # what comes in is rounded to int8 as well
    manifest = json.loads((bundle / 'manifest.json').read_text())
    assert 'golden' not in manifest
    assert manifest['hashes'] == {name: hashlib.sha256((bundle / name).read_bytes()).hexdigest() for name in ('vision.onnx', 'vision.onnx.data')}
    assert sorted(file.name for file in bundle.iterdir()) == ['manifest.json', 'vision.onnx', 'vision.onnx.data']


def test_rows_that_32_does_not_divide_go_in_blocks_of_16():
    weight = np.random.default_rng(3).normal(size=(8, 48)).astype(np.float32)
    blocks = to_blocks(weight, 8, 16)
    assert blocks.scales.shape == (8, 3)
    assert np.abs(from_blocks(blocks) - weight).max() < 0.05
    assert [block_of(columns) for columns in (4304, 1152, 20)] == [16, 32, 0]


def test_a_graph_that_is_not_there_is_named(bundle):
    with pytest.raises(KeyError, match='no graph eyes in b; it has vision'):
        shrink_graph(bundle, 'eyes', 8)
