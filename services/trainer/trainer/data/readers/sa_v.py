"""SA-V: `<video>_manual.json` or `<video>_auto.json` beside `<video>.mp4`; masklets at 6 of the video's 24 frames a second."""
from collections.abc import Iterator
from pathlib import Path

from trainer.metrics.rle import from_string

from .json_file import field, read_json
from .polygon import from_coco
from .sample import DataError, Media, Sample, Seen

ANNOTATED_EVERY = 4     # frames of the video


def read_sa_v(folder: Path, kind: str = 'manual') -> Iterator[Sample]:
    """Every masklet as a track without words (the set has none); frames are numbered as annotated, six a second."""
    for path in sorted(folder.rglob(f'*_{kind}.json')):
        data = read_json(path)
        video = path.with_name(f'{field(data, "video_id", path, "top")}.mp4')
        frames = field(data, 'masklet', path, 'top')
        names = field(data, 'masklet_id', path, 'top')
        for t, entries in enumerate(frames):
            if len(entries) != len(names):
                raise DataError(path, f'masklet[{t}]', f'has {len(entries)} masks for {len(names)} masklets.')
        media = Media(video=video, fps=24.0 / ANNOTATED_EVERY)
        for i, name in enumerate(names):
            track = []
            for t, entries in enumerate(frames):
                mask = from_coco(entries[i], *entries[i]['size']) if entries[i] else None
                track.append(Seen(t, mask=mask if mask and not is_empty(mask['counts'], mask['size']) else None))
            yield Sample('sa-v', f'{data["video_id"]}-{name}', media, 'track', '', track=tuple(track), duration=1000 * float(data.get('video_duration', 0)) or None)


def is_empty(counts: str, size: list[int]) -> bool:
    """Whether the runs are a single one of zeros."""
    return from_string(counts) == [size[0] * size[1]]
