"""ActivityNet Captions: `<split>.json`, {"v_<id>": {"duration", "timestamps": [[s, e], …], "sentences": […]}}."""
from collections.abc import Iterator
from pathlib import Path

from .json_file import field, read_json
from .sample import DataError, Media, Sample


def read_activitynet(path: Path, videos: Path) -> Iterator[Sample]:
    """Every sentence as a moment. A few timestamps of the set end after their video or run backwards: cut, turned round."""
    for video, entry in read_json(path).items():
        times, sentences = field(entry, 'timestamps', path, video), field(entry, 'sentences', path, video)
        if len(times) != len(sentences):
            raise DataError(path, video, f'has {len(times)} timestamps for {len(sentences)} sentences.')
        duration = float(field(entry, 'duration', path, video))
        for number, (pair, sentence) in enumerate(zip(times, sentences)):
            start, end = min(pair), min(max(pair), duration)
            if start < end:
                yield Sample('activitynet', f'{video}-{number}', Media(video=videos / f'{video}.mp4'), 'moment', sentence.strip(), spans=((1000.0 * start, 1000.0 * end),),
                             duration=1000 * duration)
