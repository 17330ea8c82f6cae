"""Ref-YouTube-VOS: `meta_expressions/<split>/meta_expressions.json`, <split>/JPEGImages and <split>/Annotations (palette PNG, value = object)."""
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from trainer.metrics.rle import encode

from .json_file import field, read_json
from .sample import DataError, Media, Sample, Seen

FPS = 6.0


def read_ref_youtube_vos(folder: Path, split: str = 'train') -> Iterator[Sample]:
    """Every expression as a track. The valid and test splits have no public masks: their tracks are empty."""
    path = folder / 'meta_expressions' / split / 'meta_expressions.json'
    for video, entry in field(read_json(path), 'videos', path, 'top').items():
        frames = field(entry, 'frames', path, video)
        media = Media(pictures=tuple(folder / split / 'JPEGImages' / video / f'{frame}.jpg' for frame in frames), fps=FPS)
        for number, expression in field(entry, 'expressions', path, video).items():
            track: tuple[Seen, ...] = ()
            if 'obj_id' in expression:
                track = tuple(seen(folder / split / 'Annotations' / video / f'{frame}.png', t, int(expression['obj_id'])) for t, frame in enumerate(frames))
            yield Sample('ref-youtube-vos', f'{video}-{number}', media, 'track', field(expression, 'exp', path, f'{video}.{number}'), track=track)


def seen(path: Path, frame: int, identity: int) -> Seen:
    if not path.is_file():
        raise DataError(path, 0, 'is missing: the masks of this frame.')
    mask = np.asarray(Image.open(path)) == identity
    return Seen(frame, mask=encode(mask) if mask.any() else None)
