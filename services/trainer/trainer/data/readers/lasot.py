"""LaSOT: <class>/<class>-<n>/ with img/, groundtruth.txt (x,y,w,h a line), full_occlusion.txt, out_of_view.txt and nlp.txt."""
from collections.abc import Iterator
from pathlib import Path

import cv2

from .json_file import read_lines
from .sample import DataError, Media, Sample, Seen, unit_box

FPS = 30.0


def read_lasot(folder: Path) -> Iterator[Sample]:
    """Every sequence as a track with its sentence."""
    for path in sorted(folder.glob('*/*/groundtruth.txt')):
        yield read_sequence(path.parent)


def read_sequence(folder: Path) -> Sample:
    pictures = tuple(sorted((folder / 'img').glob('*.jpg')))
    if not pictures:
        raise DataError(folder / 'img', 0, 'has no pictures.')
    first = cv2.imread(str(pictures[0]))
    if first is None:
        raise DataError(pictures[0], 0, 'is no picture.')
    height, width = first.shape[:2]
    hidden = [a or b for a, b in zip(flags(folder / 'full_occlusion.txt'), flags(folder / 'out_of_view.txt'))]
    path, track = folder / 'groundtruth.txt', []
    for number, line in read_lines(path):
        try:
            x, y, w, h = (float(v) for v in line.replace('\t', ',').split(','))
        except ValueError as error:
            raise DataError(path, number, f'is {line.strip()!r}; expected x,y,w,h.') from error
        t = len(track)
        there = w > 0 and h > 0 and not (t < len(hidden) and hidden[t])
        track.append(Seen(t, box=unit_box(x - 1, y - 1, w, h, width, height) if there else None))  # the set counts pixels from 1
    if len(track) != len(pictures):
        raise DataError(path, 0, f'has {len(track)} boxes for {len(pictures)} pictures.')
    words = folder / 'nlp.txt'
    return Sample('lasot', folder.name, Media(pictures=pictures, fps=FPS), 'track', words.read_text().strip() if words.exists() else '', track=tuple(track))


def flags(path: Path) -> list[bool]:
    return [value.strip() == '1' for value in path.read_text().replace('\n', ',').split(',') if value.strip()] if path.exists() else []
