"""What every reader gives: one question about a picture or a video, with the truth in the units of Fovea."""
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from trainer.metrics.rle import Rle

Box = tuple[float, float, float, float]     # x0, y0, x1, y1; 0–1 from the top left
Task = Literal['region', 'mask', 'track', 'moment', 'text']


class DataError(Exception):
    """A file that is not as its format says; the message begins with the file and the place in it."""

    def __init__(self, file: Path, place: str | int, message: str):
        super().__init__(f'{file}:{place}: {message}')


@dataclass(frozen=True)
class Seen:
    """One object at one frame: a box, a mask, or nothing where it is not to be seen."""
    frame: int
    box: Box | None = None
    mask: Rle | None = None


@dataclass(frozen=True)
class Media:
    """A picture, the frames of a video as pictures, or a video file (with the part that is meant, in milliseconds)."""
    pictures: tuple[Path, ...] = ()
    video: Path | None = None
    part: tuple[float, float] | None = None
    fps: float | None = None


@dataclass(frozen=True)
class Sample:
    source: str                             # the set: 'refcoco', 'qvhighlights', …
    name: str                               # unique in the set
    media: Media
    task: Task
    text: str                               # the phrase or the question
    boxes: tuple[Box, ...] = ()             # region
    mask: Rle | None = None                 # mask
    track: tuple[Seen, ...] = ()            # track
    spans: tuple[tuple[float, float], ...] = ()   # moment, ms
    saliency: tuple[tuple[float, tuple[int, ...]], ...] = ()  # ms of a clip's start, its ratings
    answers: tuple[str, ...] = ()           # text: any is right
    choices: tuple[str, ...] = ()           # of a multiple-choice question
    turns: tuple[tuple[str, str], ...] = field(default=())  # a conversation: (question, answer), the first is `text`
    duration: float | None = None           # ms


def unit_box(x: float, y: float, width: float, height: float, of_width: float, of_height: float) -> Box:
    """Pixels x, y, width, height → 0–1 corners, kept inside the picture."""
    def kept(value: float) -> float:
        return min(1.0, max(0.0, value))
    return kept(x / of_width), kept(y / of_height), kept((x + width) / of_width), kept((y + height) / of_height)
