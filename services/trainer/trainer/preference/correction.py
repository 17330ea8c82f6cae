"""Corrections from production: what was wanted, what had been given, and what the model had seen. One JSON a line, as `GET /v1/preferences` gives them:

    {"id": "e_12", "chosen": {"regions": [[.1, .2, .4, .6]]}, "rejected": {"regions": [[.5, .2, .9, .6]]},
     "context": {"ask": "where is the dog?", "phrase": "the dog", "frames": ["f0.jpg", "f1.jpg"], "times": [0, 250]}}

`chosen` and `rejected` have one of `regions` (boxes, [] = not there), `mask` (COCO run lengths, null = not there), `spans` (milliseconds, [] = it does not
happen). They are about the last frame (spans: about all frames). A frame is a path beside the file, or a data URL. docs/preferences.md has the schema.
"""
import base64
from dataclasses import dataclass
import json
from pathlib import Path

import cv2
import numpy as np

from trainer.data.readers.sample import Box, DataError
from trainer.metrics.rle import Rle, decode

TASKS = {'regions': 'region', 'mask': 'mask', 'spans': 'moment'}


@dataclass(frozen=True)
class Verdict:
    """One side of a correction: of its three fields the task's own."""
    task: str
    regions: tuple[Box, ...] = ()
    mask: Rle | None = None
    spans: tuple[tuple[float, float], ...] = ()

    @property
    def present(self) -> bool:
        return bool(self.regions or self.spans or self.mask is not None)


@dataclass(frozen=True)
class Correction:
    id: str
    chosen: Verdict
    rejected: Verdict
    phrase: str
    ask: str | None
    frames: tuple[str, ...]
    times: tuple[float, ...]
    folder: Path

    def pictures(self) -> list[np.ndarray]:
        """uint8 (h, w, 3) RGB."""
        return [cv2.cvtColor(cv2.imdecode(np.frombuffer(self.bytes_of(frame), np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB) for frame in self.frames]

    def bytes_of(self, frame: str) -> bytes:
        return base64.b64decode(frame.partition(',')[2]) if frame.startswith('data:') else (self.folder / frame).read_bytes()


def read_corrections(path: Path) -> list[Correction]:
    """All of a file, checked before any training time is spent: every fault is a `DataError` with file and line."""
    found = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.strip():
            try:
                found.append(correction_of(json.loads(line), path.parent))
            except json.JSONDecodeError as error:
                raise DataError(path, number, f'is no JSON ({error.msg} at column {error.colno}).') from error
            except Wrong as error:
                raise DataError(path, number, str(error)) from error
    if not found:
        raise DataError(path, 0, 'has no correction. It has one JSON object a line.')
    return found


class Wrong(ValueError):
    pass


def correction_of(value: object, folder: Path) -> Correction:
    if not isinstance(value, dict) or not isinstance(value.get('context'), dict):
        raise Wrong('expected {"id", "chosen", "rejected", "context": {…}}.')
    context = value['context']
    phrase, frames, times = context.get('phrase'), context.get('frames'), context.get('times')
    if not isinstance(phrase, str) or not phrase.strip():
        raise Wrong('context.phrase: expected the words that were grounded, as text.')
    if not isinstance(frames, list) or not frames or not all(isinstance(frame, str) for frame in frames):
        raise Wrong('context.frames: expected at least one path or data URL.')
    if not isinstance(times, list) or len(times) != len(frames) or sorted(times) != times:
        raise Wrong(f'context.times: expected {len(frames)} rising times in milliseconds, one a frame.')
    for frame in frames:
        if not frame.startswith('data:') and not (folder / frame).is_file():
            raise Wrong(f'context.frames: {frame} is not there; paths are relative to the file.')
    length = (float(times[0]), float(times[-1]))
    chosen, rejected = (verdict_of(side, value.get(side), length) for side in ('chosen', 'rejected'))
    if chosen.task != rejected.task:
        raise Wrong(f'chosen is a {chosen.task}, rejected a {rejected.task}; both must be of one task.')
    if chosen == rejected:
        raise Wrong('chosen equals rejected; there is nothing to learn.')
    return Correction(str(value.get('id', '')), chosen, rejected, phrase, context.get('ask'), tuple(frames), tuple(float(time) for time in times), folder)


def verdict_of(side: str, value: object, length: tuple[float, float]) -> Verdict:
    if not isinstance(value, dict) or len(set(value) & set(TASKS)) != 1:
        raise Wrong(f'{side}: expected exactly one of {", ".join(TASKS)}, got {sorted(value) if isinstance(value, dict) else value!r}.')
    key = next(iter(set(value) & set(TASKS)))
    given = value[key]
    if key == 'mask':
        if given is not None:
            try:
                decode(given)
            except (ValueError, KeyError, TypeError, IndexError) as error:
                raise Wrong(f'{side}.mask: the run lengths do not decode ({error}).') from error
        return Verdict('mask', mask=given)
    width = 4 if key == 'regions' else 2
    if not isinstance(given, list) or not all(isinstance(row, list) and len(row) == width and all(isinstance(v, int | float) for v in row) for row in given):
        raise Wrong(f'{side}.{key}: expected a list of {width} numbers each.')
    rows = tuple(tuple(float(v) for v in row) for row in given)
    if key == 'regions':
        if bad := next((row for row in rows if not (0 <= row[0] < row[2] <= 1 and 0 <= row[1] < row[3] <= 1)), None):
            raise Wrong(f'{side}.regions: {list(bad)} is no box inside the picture; expected x0, y0, x1, y1 in 0–1.')
        return Verdict('region', regions=rows)
    if bad := next((row for row in rows if not length[0] <= row[0] < row[1] <= length[1]), None):
        raise Wrong(f'{side}.spans: {list(bad)} is not within the frames, {length[0]:g}–{length[1]:g} ms.')
    return Verdict('moment', spans=rows)
