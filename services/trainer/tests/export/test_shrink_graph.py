import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper
import pytest

from trainer.export.decoder_cli import SHAPE_TINY
from trainer.export.decoder_gqa import DecoderShape
from trainer.export.decoder_part import write_decoder_part
from trainer.export.decoder_weights import random_weights
from trainer.export.graph_writer import GraphWriter
from trainer.export.products import block_of
from trainer.export.shrink_graph import ShrinkError, inputs_of, run, shrink_graph
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
    feeds = inputs_of(onnx.load(bundle / 'vision.onnx'))
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
    with pytest.raises(ShrinkError, match='no graph eyes in b; it has vision'):
        shrink_graph(bundle, 'eyes', 8)


def test_a_folder_that_is_no_bundle_is_refused(tmp_path):
    with pytest.raises(ShrinkError, match='is no bundle'):
        shrink_graph(tmp_path, 'vision', 8)


def test_where_nothing_fits_nothing_is_changed(bundle):
    shrink_graph(bundle, 'vision', 8)
    before = contents(bundle)
    with pytest.raises(ShrinkError, match='vision has no product that can be put into int4, so nothing was changed'):
        shrink_graph(bundle, 'vision', 4)
    assert contents(bundle) == before


def test_what_fails_while_it_is_made_changes_nothing(bundle, monkeypatch):
    before = contents(bundle)
    monkeypatch.setattr('trainer.export.shrink_graph.run', lambda path, feeds: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        shrink_graph(bundle, 'vision', 8)
    assert contents(bundle) == before


def test_a_data_file_that_another_graph_reads_too_stays(bundle):
    manifest = json.loads((bundle / 'manifest.json').read_text())
    manifest['graphs']['prefix'] = {'file': 'prefix.onnx', 'data': ['vision.onnx.data'], 'inputs': {'frames': 'visual'}, 'outputs': {'map': 'embeds'}}
    (bundle / 'prefix.onnx').write_bytes((bundle / 'vision.onnx').read_bytes())
    manifest['hashes']['prefix.onnx'] = hashlib.sha256((bundle / 'prefix.onnx').read_bytes()).hexdigest()
    (bundle / 'manifest.json').write_text(json.dumps(manifest))
    feeds = inputs_of(onnx.load(bundle / 'prefix.onnx'))
    wanted, _ = run(bundle / 'prefix.onnx', feeds)
    shrink_graph(bundle, 'vision', 8)
    found, _ = run(bundle / 'prefix.onnx', feeds)
    assert np.array_equal(found['map'], wanted['map'])
    manifest = json.loads((bundle / 'manifest.json').read_text())
    assert manifest['graphs']['vision']['data'] == ['vision.onnx.int8.data'] and manifest['graphs']['prefix']['data'] == ['vision.onnx.data']
    assert manifest['hashes'] == {name: hashlib.sha256((bundle / name).read_bytes()).hexdigest() for name in ('vision.onnx', 'vision.onnx.data', 'vision.onnx.int8.data', 'prefix.onnx')}


def test_the_decoder_of_an_export_is_shrunk_its_signal_passed_over(tmp_path):
    """Its first output is an empty sequence, which has no spread."""
    part = write_decoder_part(tmp_path, DecoderShape.of(SHAPE_TINY | {'hidden_size': 256, 'intermediate_size': 256, 'num_attention_heads': 4}), random_weights(SHAPE_TINY | {'hidden_size': 256, 'intermediate_size': 256}), 'fp32', 16)
    files = sorted(path.name for path in tmp_path.iterdir())
    (tmp_path / 'manifest.json').write_text(json.dumps({'name': 'd', 'graphs': part['graphs'], 'heads': [], 'hashes': {name: '' for name in files}}))
    done = shrink_graph(tmp_path, 'decoder', 8)
    assert done.products > 0 and done.after < done.before * 0.5
    assert 0 < done.moved['logits'] < 0.1 and sorted(path.name for path in tmp_path.iterdir()) == sorted([*files, 'manifest.json'])


def test_products_within_a_branch_are_rounded_and_what_a_branch_reads_stays(tmp_path):
    """`large` is read inside the branch alone, `added` too, and there not by a product."""
    then = helper.make_graph([helper.make_node('MatMul', ['frames', 'large'], ['seen']), helper.make_node('Add', ['seen', 'added'], ['then'])], 'then', [], [port('then')])
    otherwise = helper.make_graph([helper.make_node('MatMul', ['frames', 'large'], ['else'])], 'otherwise', [], [port('else')])
    node = helper.make_node('If', ['flag'], ['tokens'], then_branch=then, else_branch=otherwise)
    constants = [onnx.numpy_helper.from_array(WEIGHT, 'large'), onnx.numpy_helper.from_array(np.ones(256, np.float32), 'added')]
    flag = helper.make_tensor_value_info('flag', TensorProto.BOOL, [])
    graph = helper.make_graph([node], 'g', [helper.make_tensor_value_info('frames', TensorProto.FLOAT, [1, 512]), flag], [port('tokens')], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid('', 21)], ir_version=10), tmp_path / 'vision.onnx')
    row = {'file': 'vision.onnx', 'inputs': {}, 'outputs': {}}
    (tmp_path / 'manifest.json').write_text(json.dumps({'name': 'b', 'graphs': {'vision': row}, 'heads': [], 'hashes': {}}))
    feeds = {'frames': np.random.default_rng(5).normal(size=(1, 512)).astype(np.float32)}
    wanted = [run(tmp_path / 'vision.onnx', {**feeds, 'flag': np.array(flag)})[0]['tokens'] for flag in (True, False)]
    assert shrink_graph(tmp_path, 'vision', 8).products == 1
    found = [run(tmp_path / 'vision.onnx', {**feeds, 'flag': np.array(flag)})[0]['tokens'] for flag in (True, False)]
    assert all(0 < np.abs(mine - truth).max() < 0.05 * truth.std() for mine, truth in zip(found, wanted))


def test_the_command_says_why_it_stopped(bundle):
    from typer.testing import CliRunner
    from trainer.cli import app
    done = CliRunner().invoke(app, ['shrink', str(bundle), '--graph', 'eyes'])
    assert done.exit_code == 1 and 'There is no graph eyes' in done.output


def port(name: str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 256])


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob('*') if path.is_file()}
