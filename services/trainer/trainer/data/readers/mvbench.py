"""MVBench: one JSON a task, [{"video", "question", "candidates", "answer", "start"?, "end"?}]; some name a folder of frames instead of a file."""
from collections.abc import Iterator
from pathlib import Path

from .json_file import field, read_json
from .sample import DataError, Media, Sample


def read_mvbench(path: Path, videos: Path) -> Iterator[Sample]:
    for number, entry in enumerate(read_json(path)):
        candidates, answer = tuple(field(entry, 'candidates', path, number)), field(entry, 'answer', path, number)
        if answer not in candidates:
            raise DataError(path, number, f'has the answer {answer!r}, which is none of {list(candidates)}.')
        part = (1000.0 * entry['start'], 1000.0 * entry['end']) if 'start' in entry and 'end' in entry else None
        source = videos / field(entry, 'video', path, number)
        media = Media(pictures=tuple(sorted(source.iterdir())), fps=3.0) if source.is_dir() else Media(video=source, part=part)
        yield Sample('mvbench', f'{path.stem}-{number}', media, 'text', field(entry, 'question', path, number), answers=(answer,), choices=candidates)
