"""MeViS: `meta_expressions.json`, `mask_dict.json` and JPEGImages/<video>/<frame>.jpg of one split's folder."""
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from trainer.metrics.rle import Rle, decode, encode

from .json_file import field, read_json
from .polygon import from_coco
from .sample import DataError, Media, Sample, Seen

FPS = 6.0


def read_mevis(folder: Path) -> Iterator[Sample]:
    """Every expression as a track; one that means several objects has their union. Splits without public masks give empty tracks."""
    path, masks_path = folder / 'meta_expressions.json', folder / 'mask_dict.json'
    masks = read_json(masks_path) if masks_path.exists() else {}
    for video, entry in field(read_json(path), 'videos', path, 'top').items():
        frames = field(entry, 'frames', path, video)
        media = Media(pictures=tuple(folder / 'JPEGImages' / video / f'{frame}.jpg' for frame in frames), fps=FPS)
        for number, expression in field(entry, 'expressions', path, video).items():
            found = []
            for annotation in expression.get('anno_id', []) if masks else []:
                if str(annotation) not in masks:
                    raise DataError(masks_path, video, f'has no mask {annotation}, which expression {number} names.')
                found.append(masks[str(annotation)])
            track = tuple(Seen(t, mask=union([m[t] for m in found if m[t]])) for t in range(len(frames))) if found else ()
            yield Sample('mevis', f'{video}-{number}', media, 'track', field(expression, 'exp', path, f'{video}.{number}'), track=track)


def union(masks: list[dict]) -> Rle | None:
    if not masks:
        return None
    parts = [decode(from_coco(mask, *mask['size'])) for mask in masks]
    return encode(np.any(parts, axis=0))
