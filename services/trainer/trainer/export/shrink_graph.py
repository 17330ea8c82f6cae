"""A graph of a finished bundle with its products in int8 or int4: smaller, on a CPU faster, and by how much its outputs move."""
import hashlib
import json
from pathlib import Path
from tempfile import TemporaryDirectory
import time
from typing import NamedTuple

import numpy as np
import onnx
from onnx import ModelProto, helper
import onnxruntime

from trainer.export.graph_writer import INLINE
from trainer.export.products import BLOCKS, SMALL, quantise


class ShrinkError(Exception):
    code = 'shrink'


class Shrunk(NamedTuple):
    products: int
    before: int               # bytes of its files
    after: int
    ms: tuple[float, float]   # CPU time of a run, before and after, one thread
    moved: dict[str, float]   # output → root mean square of the differences, in standard deviations of the output


def shrink_graph(bundle: Path, name: str, bits: int) -> Shrunk:
    """Rewrites the graph's files and its hashes in the manifest, once all of it is made. Golden values go: they are those of the unrounded weights."""
    manifest = manifest_in(bundle)
    rows = graph_rows(manifest)
    if name not in rows:
        raise ShrinkError(f'There is no graph {name} in {manifest["name"]}; it has {", ".join(rows)}.')
    path = bundle / rows[name]['file']
    model = onnx.load(path)
    feeds, products = inputs_of(model), quantise(model, bits)
    if products == 0:
        raise ShrinkError(f'{name} has no product that can be put into int{bits}, so nothing was changed: expected one with a constant fp32 matrix of at least {SMALL:,} numbers '
                          f'whose rows {" or ".join(map(str, BLOCKS))} divides. A graph in int8, int4 or fp16 stays as it is.')
    with TemporaryDirectory(dir=path.parent) as folder:
        made = written(model, Path(folder) / path.name, data_name(bundle, path, rows, bits))
        del model
        truth, slow = run(path, feeds)
        found, quick = run(made[0], feeds)
        before, after = sum((bundle / file).stat().st_size for file in files_of(rows[name])), sum(file.stat().st_size for file in made)
        put_in_place(bundle, manifest, path, made)
    return Shrunk(products, before, after, (slow, quick), {output: distance(found[output], value) for output, value in truth.items()})


def manifest_in(bundle: Path) -> dict:
    file = bundle / 'manifest.json'
    if not file.exists():
        raise ShrinkError(f'{file} is missing: {bundle} is no bundle. Give a folder that `fovea-train export` wrote.')
    return json.loads(file.read_text())


def graph_rows(manifest: dict) -> dict[str, dict]:
    return {**manifest['graphs'], **{f'{head["task"]}.{part}': row for head in manifest['heads'] for part, row in head['graphs'].items()}}


def files_of(row: dict) -> list[str]:
    return [row['file'], *row.get('data', [])]


def data_name(bundle: Path, path: Path, rows: dict[str, dict], bits: int) -> str:
    """A name that no other graph's file has: data files may be shared."""
    usual, taken = path.with_name(f'{path.name}.data'), {bundle / file for row in rows.values() if bundle / row['file'] != path for file in files_of(row)}
    return f'{path.name}.int{bits}.data' if usual in taken else usual.name


def written(model: ModelProto, path: Path, data: str) -> list[Path]:
    """→ the graph and its data file."""
    onnx.save(model, path, save_as_external_data=True, location=data, size_threshold=INLINE)
    return [path, path.with_name(data)]


def put_in_place(bundle: Path, manifest: dict, path: Path, made: list[Path]) -> None:
    """In every row that names the graph; files that no row names any more go, those of other graphs stay."""
    file, data = (str(path.with_name(each.name).relative_to(bundle)) for each in made)
    mine = [row for row in graph_rows(manifest).values() if row['file'] == file]
    old = {name for row in mine for name in files_of(row)}
    for row in mine:
        row['data'] = [data]
    for name, each in zip((file, data), made):
        manifest['hashes'][name] = sha256(each)
    gone = old - {name for row in graph_rows(manifest).values() for name in files_of(row)}
    for name in gone:
        manifest['hashes'].pop(name, None)
    manifest.pop('golden', None)
    papers = made[0].with_name('manifest.json')
    papers.write_text(json.dumps(manifest, indent=2) + '\n')
    for each in (made[1], made[0]):
        each.replace(path.with_name(each.name))
    papers.replace(bundle / 'manifest.json')
    for name in gone:
        (bundle / name).unlink()


def inputs_of(model: ModelProto) -> dict[str, np.ndarray]:
    """One made-up input of each kind: pixels from 0 to 255, other whole numbers 0 or 1, the rest from a normal distribution; open sizes are 1."""
    random = np.random.default_rng(0)
    feeds: dict[str, np.ndarray] = {}
    for port in model.graph.input:
        kind = port.type.tensor_type
        shape, dtype = [dim.dim_value or 1 for dim in kind.shape.dim], np.dtype(helper.tensor_dtype_to_np_dtype(kind.elem_type))
        feeds[port.name] = (random.normal(size=shape) if dtype.kind == 'f' else random.integers(0, 256 if dtype == np.uint8 else 2, shape)).astype(dtype)
    return feeds


def run(path: Path, feeds: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], float]:
    """→ its outputs that are tensors of numbers with a fraction, and the milliseconds."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=['CPUExecutionProvider'])
    names = [port.name for port in session.get_outputs() if port.type in ('tensor(float)', 'tensor(float16)')]
    session.run(names, feeds)
    start = time.process_time()
    values = session.run(names, feeds)
    return dict(zip(names, values)), (time.process_time() - start) * 1000


def distance(found: np.ndarray, truth: np.ndarray) -> float:
    difference, spread = np.sqrt(np.square(found.astype(np.float64) - truth).mean()), truth.astype(np.float64).std()
    return float(difference / spread) if spread > 0 else float(difference)


def sha256(path: Path) -> str:
    with open(path, 'rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest()
