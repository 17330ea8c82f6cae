"""GOT-10k: <split>/list.txt, <split>/<sequence>/ with 00000001.jpg …, groundtruth.txt (x,y,w,h), absence.label and meta_info.ini."""
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

from .json_file import read_lines
from .sample import DataError, Media, Sample, Seen, unit_box

FPS = 10.0


def read_got10k(folder: Path, split: str = 'train') -> Iterator[Sample]:
    """Every sequence as a track; its words are the object's class. The test split has the first box only."""
    for _, name in read_lines(folder / split / 'list.txt'):
        yield read_sequence(folder / split / name.strip())


def read_sequence(folder: Path) -> Sample:
    pictures = tuple(sorted(folder.glob('*.jpg')))
    info = ConfigParser()
    if not info.read(folder / 'meta_info.ini'):
        raise DataError(folder / 'meta_info.ini', 0, 'is missing.')
    meta = info['METAINFO']
    width, height = (float(v) for v in meta['resolution'].strip('() ').split(','))
    absent_path = folder / 'absence.label'
    absent = [line.strip() == '1' for _, line in read_lines(absent_path)] if absent_path.exists() else []
    path, track = folder / 'groundtruth.txt', []
    for number, line in read_lines(path):
        try:
            x, y, w, h = (float(v) for v in line.split(','))
        except ValueError as error:
            raise DataError(path, number, f'is {line.strip()!r}; expected x,y,w,h.') from error
        t = len(track)
        gone = t < len(absent) and absent[t]
        track.append(Seen(t, box=None if gone else unit_box(x - 1, y - 1, w, h, width, height)))
    if len(track) not in (1, len(pictures)):
        raise DataError(path, 0, f'has {len(track)} boxes for {len(pictures)} pictures.')
    return Sample('got-10k', folder.name, Media(pictures=pictures, fps=FPS), 'track', meta.get('object_class', ''), track=tuple(track))
