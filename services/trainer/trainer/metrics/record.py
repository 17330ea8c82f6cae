"""What a run writes for every ask: what was expected and what came. The table is a function of these records (docs/design/evaluation.md)."""
from typing import NotRequired, TypedDict

from .rle import Rle


class Scored(TypedDict):
    box: list[float]
    score: float


class ScoredSpan(TypedDict):
    span: list[float]   # ms
    score: float


class TrackEntry(TypedDict):
    frame: int
    box: NotRequired[list[float]]
    mask: NotRequired[Rle]
    absent: NotRequired[bool]


class Head(TypedDict):
    task: str                               # 'region', 'mask' or 'moment'
    phrase: str
    regions: NotRequired[list[Scored]]
    mask: NotRequired[Rle | None]
    track: NotRequired[list[TrackEntry]]
    spans: NotRequired[list[ScoredSpan]]


class FrameFound(TypedDict):
    frame: int
    regions: list[Scored]


class FrameExpected(TypedDict):
    frame: int
    regions: list[list[float]]
    doubtful: NotRequired[list[list[float]]]


class Prediction(TypedDict):
    text: str
    heads: list[Head]
    frames: NotRequired[list[FrameFound]]


class Phrase(TypedDict):
    task: str
    phrase: str
    noun: str
    by: str
    lookalike: bool
    present: bool


class Expect(TypedDict, total=False):
    regions: list[list[float]]
    mask: Rle | None
    track: list[TrackEntry]
    lookalikes: list[list[list[float] | None]]
    spans: list[list[float]]
    answer: list[str]
    parts: list['Expect']
    frames: list[FrameExpected]


class Record(TypedDict):
    clip: str
    row: str
    expect: Expect
    prediction: Prediction
    ask: NotRequired[int]
    kind: NotRequired[str]
    aspect: NotRequired[float]
    scene: NotRequired[str]  # clips of one scene are drawn together for an interval
    phrases: NotRequired[list[Phrase]]
