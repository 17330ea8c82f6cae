"""The folder of a published model as it was downloaded. What is missing or broken is told in one line: which file, and what to do."""
from collections.abc import Iterator
from contextlib import contextmanager
import json
from pathlib import Path

from safetensors import SafetensorError, safe_open
from tokenizers import Tokenizer

INDEX, ALONE = 'model.safetensors.index.json', 'model.safetensors'


class FolderError(Exception):
    code = 'model-folder'


def names_in(folder: Path) -> dict[str, tuple[int, ...]]:
    """Every tensor's shape, from the headers of the shards; what the index says of them must hold."""
    found: dict[str, tuple[int, ...]] = {}
    for path, promised in shards_of(folder).items():
        with shard(path) as file:
            held = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}
        if absent := sorted(promised - held.keys()):
            raise FolderError(f'{path} holds no {absent[0]}{f" and {len(absent) - 1} more" if len(absent) > 1 else ""}, which {INDEX} expects there: files of two downloads are mixed. Download both again.')
        if twice := sorted(found.keys() & held.keys()):
            raise FolderError(f'{path} holds {twice[0]}, and so does another shard; expected every tensor once. Download the folder again.')
        found |= held
    return found


def shards_of(folder: Path) -> dict[Path, set[str]]:
    """The files with weights → the tensors that the index promises in each; without an index it is one file and promises nothing."""
    index = folder / INDEX
    places: dict[str, str] = parsed(index).get('weight_map', {}) if index.exists() else {}
    shards = {folder / file: {name for name, place in places.items() if place == file} for file in sorted(set(places.values()) or {ALONE})}
    if missing := [path.name for path in shards if not path.exists()]:
        raise FolderError(f'{folder}: {", ".join(missing)} {"is" if len(missing) == 1 else "are"} not there; the download may have stopped half-way. Download what is missing again.')
    return shards


@contextmanager
def shard(path: Path) -> Iterator[safe_open]:
    try:
        with safe_open(path, framework='pt') as file:
            yield file
    except (OSError, SafetensorError) as wrong:
        raise broken(path, wrong) from None


def parsed(path: Path) -> dict:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as wrong:
        raise broken(path, wrong) from None


def tokenizer_in(folder: Path) -> Tokenizer:
    try:
        return Tokenizer.from_file(str(folder / 'tokenizer.json'))
    except Exception as wrong:  # tokenizers raises nothing more precise
        raise broken(folder / 'tokenizer.json', wrong) from None


def broken(path: Path, wrong: Exception) -> FolderError:
    return FolderError(f'{path} cannot be read ({" ".join(str(wrong).split())}): the download may have stopped half-way. Delete this file and download it again.')
