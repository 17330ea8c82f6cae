"""QVHighlights: `highlight_<split>_release.jsonl`; clips of two seconds rated 0–4 by three annotators."""
import json
from collections.abc import Iterator
from pathlib import Path

from .json_file import field, read_lines
from .sample import DataError, Media, Sample

CLIP_MS = 2000.0


def read_qvhighlights(path: Path, videos: Path) -> Iterator[Sample]:
    """Every query as a moment with its windows and ratings; the test split has neither."""
    for number, line in read_lines(path):
        try:
            entry = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(path, number, f'is no JSON ({error.msg}).') from error
        spans = tuple((1000.0 * a, 1000.0 * b) for a, b in entry.get('relevant_windows', []))
        duration = 1000.0 * field(entry, 'duration', path, number)
        if any(not 0 <= a < b <= duration for a, b in spans):
            raise DataError(path, number, f'has the windows {entry["relevant_windows"]}; expected start before end, inside {entry["duration"]} s.')
        clips, scores = entry.get('relevant_clip_ids', []), entry.get('saliency_scores', [])
        if len(clips) != len(scores):
            raise DataError(path, number, f'has {len(scores)} ratings for {len(clips)} clips.')
        yield Sample('qvhighlights', str(field(entry, 'qid', path, number)), Media(video=videos / f'{field(entry, "vid", path, number)}.mp4'), 'moment',
                     field(entry, 'query', path, number), spans=spans, saliency=tuple((c * CLIP_MS, tuple(s)) for c, s in zip(clips, scores)), duration=duration)
