"""Looks through an evaluation folder before any training time is spent on it; every finding names the file and the line."""
import json
from dataclasses import dataclass
from pathlib import Path

import cv2

from trainer.metrics.rle import decode

EXPECTATIONS = ('regions', 'mask', 'track', 'spans', 'answer', 'parts', 'frames')
TASKS = ('region', 'mask', 'track', 'moment')


@dataclass(frozen=True)
class Finding:
    file: str
    line: int       # 0: the file as a whole
    message: str

    def __str__(self) -> str:
        return f'{self.file}:{self.line}: {self.message}' if self.line else f'{self.file}: {self.message}'


class Checker:
    """Collects findings about one folder: `Checker(folder).run()`."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.findings: list[Finding] = []
        self.file, self.line = 'dataset.json', 0

    def say(self, message: str) -> None:
        self.findings.append(Finding(self.file, self.line, message))

    def run(self) -> list[Finding]:
        self.dataset()
        self.file, self.line = 'clips.jsonl', 0
        path = self.folder / 'clips.jsonl'
        if not path.exists():
            self.say('is missing. It has one clip a line.')
            return self.findings
        names: dict[str, int] = {}
        for self.line, text in enumerate(path.read_text().splitlines(), 1):
            if not text.strip():
                continue
            try:
                clip = json.loads(text)
            except json.JSONDecodeError as error:
                self.say(f'is no JSON ({error.msg} at column {error.colno}).')
                continue
            name = clip.get('clip') if isinstance(clip, dict) else None
            if not isinstance(name, str):
                self.say('has no "clip": the name of the clip, as text.')
                continue
            if name in names:
                self.say(f'clip {name} is on line {names[name]} already; names must differ.')
            names[name] = self.line
            self.clip(name, clip)
        self.line = 0
        if not names:
            self.say('has no clip.')
        return self.findings

    def dataset(self) -> None:
        path = self.folder / 'dataset.json'
        if not path.exists():
            self.say('is missing. It holds {"name", "licence", "fps", "size": [w, h]}.')
            return
        try:
            value = json.loads(path.read_text())
        except json.JSONDecodeError as error:
            self.line = error.lineno
            self.say(f'is no JSON ({error.msg}).')
            return
        for key, kind, example in (('name', str, '"my set"'), ('licence', str, '"CC-BY-4.0"'), ('fps', (int, float), '4'), ('size', list, '[640, 360]')):
            if not isinstance(value.get(key), kind):
                self.say(f'"{key}" is {json.dumps(value.get(key))}; expected something like {example}.')

    def clip(self, name: str, clip: dict) -> None:
        frames = clip.get('frames')
        if not isinstance(frames, list) or not frames:
            self.say(f'clip {name} has no "frames": a list of picture files.')
            return
        for path in frames:
            if not (self.folder / str(path)).is_file():
                self.say(f'clip {name}: the picture {path} is not in the folder.')
        first = self.folder / str(frames[0])
        picture = cv2.imread(str(first)) if first.is_file() else None
        if first.is_file() and picture is None:
            self.say(f'clip {name}: {frames[0]} cannot be read as a picture; expected JPEG, PNG or WebP.')
        times = clip.get('times')
        if times is not None and (len(times) != len(frames) or any(b <= a for a, b in zip(times, times[1:]))):
            self.say(f'clip {name}: "times" must be one number a frame, increasing; there are {len(times)} for {len(frames)} frames.')
        asks = clip.get('asks')
        if not isinstance(asks, list):
            self.say(f'clip {name} has no "asks": a list of questions.')
            return
        for number, ask in enumerate(asks):
            self.ask(f'clip {name}, ask {number}', ask, clip, picture.shape[:2] if picture is not None else None)

    def ask(self, where: str, ask: dict, clip: dict, shape: tuple[int, int] | None) -> None:
        if not any(key in ask for key in ('text', 'prompt', 'watch')):
            self.say(f'{where}: has none of "text", "prompt" and "watch"; expected what is asked.')
        frame = ask.get('at', {}).get('frame')
        if frame is not None and not self.is_frame(frame, clip):
            self.say(f'{where}: "at" names frame {frame}; the clip has frames 0 to {len(clip["frames"]) - 1}.')
        if 'prompt' in ask:
            self.prompt(where, ask['prompt'], clip)
        for phrase in ask.get('phrases', []):
            if phrase.get('task') not in TASKS:
                self.say(f'{where}: unknown task {json.dumps(phrase.get("task"))}; expected one of {", ".join(TASKS)}.')
        self.expect(where, ask.get('expect'), clip, shape)

    def is_frame(self, frame: object, clip: dict) -> bool:
        return isinstance(frame, int) and 0 <= frame < len(clip['frames'])

    def prompt(self, where: str, prompt: dict, clip: dict) -> None:
        if not self.is_frame(prompt.get('frame'), clip):
            self.say(f'{where}: the prompt is at frame {prompt.get("frame")}; the clip has frames 0 to {len(clip["frames"]) - 1}.')
        if 'box' in prompt:
            self.box(where, prompt['box'])
        elif not isinstance(prompt.get('points'), list):
            self.say(f'{where}: the prompt has neither "box" nor "points".')
        for point in prompt.get('points', []):
            if len(point) != 3 or not all(0 <= v <= 1 for v in point[:2]) or point[2] not in (0, 1):
                self.say(f'{where}: the point {point} is not [x, y, label] with x and y from 0 to 1 and label 1 (on it) or 0 (off it).')

    def expect(self, where: str, expect: object, clip: dict, shape: tuple[int, int] | None) -> None:
        if not isinstance(expect, dict) or not any(key in expect for key in EXPECTATIONS):
            got = ', '.join(expect) if isinstance(expect, dict) and expect else json.dumps(expect)
            self.say(f'{where}: unknown task: "expect" has {got}; expected one of {", ".join(EXPECTATIONS)}.')
            return
        for box in expect.get('regions', []):
            self.box(where, box)
        if expect.get('mask') is not None:
            self.mask(where, expect['mask'], shape)
        for entry in expect.get('track', []):
            if not self.is_frame(entry.get('frame'), clip):
                self.say(f'{where}: the track names frame {entry.get("frame")}; the clip has frames 0 to {len(clip["frames"]) - 1}.')
            if entry.get('absent'):
                continue
            if 'box' not in entry and 'mask' not in entry:
                self.say(f'{where}: the track at frame {entry.get("frame")} has no "box", "mask" or "absent".')
            if 'box' in entry:
                self.box(where, entry['box'])
            if 'mask' in entry:
                self.mask(where, entry['mask'], shape)
        self.spans(where, expect.get('spans', []), clip)
        answer = expect.get('answer')
        if answer is not None and (not isinstance(answer, list) or not answer or not all(isinstance(a, str) for a in answer)):
            self.say(f'{where}: "answer" is {json.dumps(answer)}; expected a list of the answers that count as right.')
        for inner in expect.get('parts', []):
            self.expect(where, inner, clip, shape)
        for entry in expect.get('frames', []):
            if not self.is_frame(entry.get('frame'), clip):
                self.say(f'{where}: expects something at frame {entry.get("frame")}; the clip has frames 0 to {len(clip["frames"]) - 1}.')
            for box in entry.get('regions', []):
                self.box(where, box)

    def spans(self, where: str, spans: list, clip: dict) -> None:
        times = clip.get('times')
        for span in spans:
            if len(span) != 2 or not span[0] < span[1] or span[0] < 0:
                self.say(f'{where}: the span {span} is not [start, end] in milliseconds with start before end.')
            elif times and len(times) > 1 and span[1] > times[-1] + (times[1] - times[0]) + 1e-6:
                self.say(f'{where}: the span {span} ends beyond the clip, which ends at {times[-1] + times[1] - times[0]:.0f} ms.')

    def box(self, where: str, box: object) -> None:
        if not isinstance(box, list) or len(box) != 4 or not all(isinstance(v, (int, float)) for v in box):
            self.say(f'{where}: the box {json.dumps(box)} is not [x0, y0, x1, y1].')
        elif not (0 <= box[0] < box[2] <= 1 and 0 <= box[1] < box[3] <= 1):
            self.say(f'{where}: the box {box} is outside the picture or empty; expected 0 ≤ x0 < x1 ≤ 1 and 0 ≤ y0 < y1 ≤ 1 from the top left.')

    def mask(self, where: str, mask: dict, shape: tuple[int, int] | None) -> None:
        try:
            decoded = decode(mask)  # type: ignore[arg-type]  (whatever was in the file; decode refuses what is no mask)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            self.say(f'{where}: broken mask. {error} Expected COCO\'s compressed run lengths, {{"size": [h, w], "counts": "…"}}.')
            return
        if shape is not None and decoded.shape != shape:
            self.say(f'{where}: the mask is {decoded.shape[0]} × {decoded.shape[1]}, the picture {shape[0]} × {shape[1]}.')


def check_folder(folder: Path) -> list[Finding]:
    """Every fault of an evaluation folder, none if it is sound."""
    return Checker(folder).run()
