"""Opening the files that sets come in, with errors that say where."""
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .sample import DataError


def read_json(path: Path) -> Any:
    """The file's content; a missing file or broken JSON is a DataError with the line."""
    if not path.is_file():
        raise DataError(path, 0, 'is missing.')
    try:
        return json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise DataError(path, error.lineno, f'is no JSON ({error.msg}).') from error


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines with their numbers from 1, empty ones left out."""
    if not path.is_file():
        raise DataError(path, 0, 'is missing.')
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.strip():
            yield number, line


def field(entry: Any, key: str, path: Path, place: str | int) -> Any:
    """entry[key], or a DataError that says which entry lacks it."""
    if not isinstance(entry, dict) or key not in entry:
        has = ', '.join(sorted(entry)) if isinstance(entry, dict) else type(entry).__name__
        raise DataError(path, place, f'has no "{key}"; it has {has}.')
    return entry[key]
