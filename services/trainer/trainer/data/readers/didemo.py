"""DiDeMo: `<split>_data.json`; annotators choose runs of five-second segments, both ends counted."""
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from .json_file import field, read_json
from .sample import Media, Sample

SEGMENT_MS = 5000.0


def read_didemo(path: Path, videos: Path) -> Iterator[Sample]:
    """Every description as a moment: the run that most annotators chose (the first of those that tie)."""
    for number, entry in enumerate(read_json(path)):
        times = [tuple(t) for t in field(entry, 'times', path, number)]
        first, last = Counter(times).most_common(1)[0][0]
        yield Sample('didemo', str(field(entry, 'annotation_id', path, number)), Media(video=videos / field(entry, 'video', path, number)), 'moment',
                     field(entry, 'description', path, number), spans=((first * SEGMENT_MS, (last + 1) * SEGMENT_MS),))
