"""Where an export writes: into a fresh folder, so that nothing is declared that it did not write; what stood there before goes when all is made."""
from collections.abc import Iterator
from contextlib import contextmanager
import json
from pathlib import Path
import shutil

BESIDE = {'MODEL_CARD.md', 'README.md', 'LICENSE', 'package.json'}   # what people put beside a bundle, and an export leaves there
HALF = '.unfinished'   # of an export that was killed; the next takes it away
SHOWN = 3


class UsedFolderError(Exception):
    code = 'used-folder'


@contextmanager
def fresh_folder(out: Path, papers: str = 'manifest.json') -> Iterator[Path]:
    """→ a folder to write into; at the end its files take the place of those that the `papers` of an earlier export name."""
    refuse_used(out, papers)
    half = out / HALF
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    try:
        yield half
        put_in_place(out, half, papers)
    finally:
        shutil.rmtree(half)


def refuse_used(out: Path, papers: str = 'manifest.json') -> None:
    """A folder with anything else than an earlier export."""
    if out.exists() and not out.is_dir():
        raise UsedFolderError(f'{out} is a file; expected a folder, or a name that is free.')
    if foreign := sorted(files_in(out) - exported_files(out, papers) - BESIDE):
        raise UsedFolderError(f'{out} holds {", ".join(foreign[:SHOWN])}{f" and {len(foreign) - SHOWN} more" if len(foreign) > SHOWN else ""}, which no export wrote; '
                              f'expected an empty folder, or an earlier export alone (its {papers} names its files). Give another folder, or move that away.')


def put_in_place(out: Path, half: Path, papers: str) -> None:
    old, made = exported_files(out, papers), files_in(half)
    for name in (*sorted(made - {papers}), papers):   # the papers last: with the old ones beside new files a reader sees that hashes differ
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (half / name).replace(out / name)
    for name in old - made:
        (out / name).unlink()


def exported_files(out: Path, papers: str) -> set[str]:
    """Those that an earlier export left; the weights in `training/` are its own, too, though they are not served."""
    if not (out / papers).exists():
        return set()
    try:
        named = {papers, *json.loads((out / papers).read_text())['hashes']}
    except (ValueError, KeyError, TypeError) as wrong:
        raise UsedFolderError(f'{out / papers} is not what an export writes ({type(wrong).__name__}), so what else is here cannot be told. Give another folder, or remove it.') from None
    return {name for name in files_in(out) if name in named or name.startswith('training/')}


def files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob('*') if path.is_file() and HALF not in path.relative_to(folder).parts}
