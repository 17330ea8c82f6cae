"""NExT-GQA: `<split>.csv` with questions of five choices and `gsub_<split>.json` with the spans that show the answer."""
import csv
from collections.abc import Iterator
from pathlib import Path

from .json_file import read_json
from .sample import DataError, Media, Sample


def read_next_gqa(folder: Path, videos: Path, split: str = 'val') -> Iterator[Sample]:
    """Every question that has a span: a moment with choices and the right answer."""
    path, spans_path = folder / f'{split}.csv', folder / f'gsub_{split}.json'
    grounded = read_json(spans_path)
    if not path.is_file():
        raise DataError(path, 0, 'is missing.')
    with open(path, newline='') as file:
        for line, row in enumerate(csv.DictReader(file), 2):
            try:
                video, question, answer, qid = row['video_id'], row['question'], row['answer'], row['qid']
                choices = tuple(row[f'a{i}'] for i in range(5))
            except KeyError as error:
                raise DataError(path, line, f'has no column {error}; expected video_id, question, answer, qid and a0 to a4.') from error
            located = grounded.get(video, {}).get('location', {}).get(qid)
            if located is None:
                continue
            right = answer if answer in choices else choices[int(answer)] if answer.isdigit() and int(answer) < 5 else None
            if right is None:
                raise DataError(path, line, f'has the answer {answer!r}, which is none of its choices.')
            yield Sample('next-gqa', f'{video}-{qid}', Media(video=videos / f'{video}.mp4'), 'moment', question, spans=tuple((1000.0 * a, 1000.0 * b) for a, b in located),
                         answers=(right,), choices=choices, duration=1000.0 * grounded[video].get('duration', 0) or None)
