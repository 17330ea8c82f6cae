"""A graph of a finished bundle with its products in int8 or int4: smaller, on a CPU faster, and by how much its outputs move."""
import hashlib
import json
from pathlib import Path
import shutil
from tempfile import TemporaryDirectory
import time
from typing import NamedTuple

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
import onnxruntime

from trainer.export.graph_writer import CONTRIB, INLINE
from trainer.export.weight_only import to_blocks

BLOCKS = (32, 16)  # SigLIP so400m has rows of 4304, which 32 does not divide
SMALL = 1 << 16  # numbers of a weight below which it is not worth it


class Shrunk(NamedTuple):
    products: int
    before: int               # bytes of its files
    after: int
    ms: tuple[float, float]   # CPU time of a run, before and after, one thread
    moved: dict[str, float]   # output → root mean square of the differences, in standard deviations of the output


def shrink_graph(bundle: Path, name: str, bits: int) -> Shrunk:
    """Rewrites the graph's files and its hashes in the manifest. Golden values go: they are those of the unrounded weights."""
    manifest = json.loads((bundle / 'manifest.json').read_text())
    row = graph_row(manifest, name)
    files = [row['file'], *row.get('data', [])]
    path, before = bundle / row['file'], sum((bundle / file).stat().st_size for file in files)
    feeds = inputs_of(path)
    truth, slow = run(path, feeds)
    model = onnx.load(path)
    products = quantise(model, bits)
    with TemporaryDirectory(dir=bundle) as folder:
        data = f'{path.name}.data'
        onnx.save(model, Path(folder) / path.name, save_as_external_data=True, location=data, size_threshold=INLINE)
        found, quick = run(Path(folder) / path.name, feeds)
        for file in files:
            (bundle / file).unlink()
            manifest['hashes'].pop(file)
        made = sorted(Path(folder).iterdir())
        row['data'] = [str(path.relative_to(bundle).with_name(data))]
        for file in made:
            shutil.move(file, path.with_name(file.name))
    for file in (row['file'], *row['data']):
        manifest['hashes'][file] = sha256(bundle / file)
    manifest.pop('golden', None)
    (bundle / 'manifest.json').write_text(json.dumps(manifest, indent=2) + '\n')
    moved = {output: float(np.sqrt(((found[output] - value) ** 2).mean()) / value.std()) for output, value in truth.items()}
    return Shrunk(products, before, sum((bundle / file).stat().st_size for file in (row['file'], *row['data'])), (slow, quick), moved)


def graph_row(manifest: dict, name: str) -> dict:
    rows = {**manifest['graphs'], **{f'{head["task"]}.{part}': row for head in manifest['heads'] for part, row in head['graphs'].items()}}
    if name not in rows:
        raise KeyError(f'There is no graph {name} in {manifest["name"]}; it has {", ".join(rows)}.')
    return rows[name]


def quantise(model: ModelProto, bits: int) -> int:
    """Every product with a constant matrix of a size that fits → how many there were."""
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    fits = lambda node: node.op_type == 'MatMul' and node.input[1] in weights and suits(weights[node.input[1]])
    done: dict[str, tuple[list[str], dict[str, int]]] = {}
    for node in graph.node:
        if not fits(node):
            continue
        name = node.input[1]
        if name not in done:
            matrix = numpy_helper.to_array(weights[name])  # (K, N)
            block = block_of(matrix.shape[0])
            packed, scales, _ = to_blocks(np.ascontiguousarray(matrix.T).astype(np.float32), bits, block)
            graph.initializer.extend([numpy_helper.from_array(packed, f'{name}.packed'), numpy_helper.from_array(scales, f'{name}.scales')])
            done[name] = [f'{name}.packed', f'{name}.scales'], {'K': matrix.shape[0], 'N': matrix.shape[1], 'block_size': block}
        become_product(node, *done[name], bits)
    used = {value for node in graph.node for value in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    if done and all(entry.domain != CONTRIB for entry in model.opset_import):
        model.opset_import.append(helper.make_opsetid(CONTRIB, 1))
    return len(done)


def suits(tensor: TensorProto) -> bool:
    return len(tensor.dims) == 2 and tensor.data_type == TensorProto.FLOAT and block_of(tensor.dims[0]) > 0 and tensor.dims[0] * tensor.dims[1] >= SMALL


def block_of(columns: int) -> int:
    return next((block for block in BLOCKS if columns % block == 0), 0)


def become_product(node: NodeProto, constants: list[str], sizes: dict[str, int], bits: int) -> None:
    made = helper.make_node('MatMulNBits', [node.input[0], *constants], list(node.output), name=node.name, domain=CONTRIB, bits=bits, accuracy_level=4, **sizes)
    node.CopyFrom(made)


def inputs_of(path: Path) -> dict[str, np.ndarray]:
    """One made-up input of each kind: pixels from 0 to 255, numbers from a normal distribution; open sizes are 1."""
    random = np.random.default_rng(0)
    feeds: dict[str, np.ndarray] = {}
    for port in onnx.load(path, load_external_data=False).graph.input:
        kind = port.type.tensor_type
        shape = [dim.dim_value or 1 for dim in kind.shape.dim]
        whole = {TensorProto.UINT8: np.uint8, TensorProto.INT64: np.int64}.get(kind.elem_type)
        feeds[port.name] = random.integers(0, 256 if whole is np.uint8 else 2, shape).astype(whole) if whole else random.normal(size=shape).astype(np.float32)
    return feeds


def run(path: Path, feeds: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], float]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=['CPUExecutionProvider'])
    names = [port.name for port in session.get_outputs()]
    session.run(names, feeds)
    start = time.process_time()
    values = session.run(names, feeds)
    return dict(zip(names, values)), (time.process_time() - start) * 1000


def sha256(path: Path) -> str:
    with open(path, 'rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest()
