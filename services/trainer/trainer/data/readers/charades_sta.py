"""Charades-STA: `charades_sta_<split>.txt`, one query a line: `<video> <start> <end>##<sentence>`."""
from collections.abc import Iterator
from pathlib import Path

from .json_file import read_lines
from .sample import DataError, Media, Sample


def read_charades_sta(path: Path, videos: Path) -> Iterator[Sample]:
    for number, line in read_lines(path):
        head, mark, sentence = line.partition('##')
        try:
            video, start, end = head.split()
            span = (1000 * float(start), 1000 * float(end))
        except ValueError as error:
            raise DataError(path, number, f'is {line.strip()!r}; expected <video> <start> <end>##<sentence>.') from error
        if not mark or span[0] >= span[1]:
            raise DataError(path, number, f'has the span {span[0]:.0f} to {span[1]:.0f} ms and the sentence {sentence!r}; expected start before end, and words.')
        yield Sample('charades-sta', f'{video}-{number}', Media(video=videos / f'{video}.mp4'), 'moment', sentence.strip(), spans=(span,))
