"""What each head is to find in a batch, lesson by lesson: boxes, outlines, tracks, spans."""
from dataclasses import dataclass
import random

import numpy as np
import torch
from torch import Tensor

from trainer.lesson import Lesson, Query
from trainer.said import MIRRORED, colour_of, event_of, motion_of, partner_of, side_of

TRACK_STEPS = 4
OUTLINE = 80  # cells across: 4G


@dataclass
class RegionRows:
    query: Tensor   # (R) which query
    frame: Tensor   # (R) which pooled frame, ascending
    boxes: Tensor   # (n, 4)
    owner: Tensor   # (n) row of each box


@dataclass
class MaskRows:
    query: Tensor   # (R)
    frame: Tensor   # (R) ascending
    target: Tensor  # (R, 4G, 4G) share of the cell


@dataclass
class Tracks:
    query: Tensor    # (K) the query that prompts it, or −1: a box or points do
    boxes: Tensor    # (K, 4) box prompt (also where it is not used)
    points: Tensor   # (K, n, 3)
    kind: Tensor     # (K) 0 state, 1 box, 2 points
    frames: Tensor   # (K, steps) pooled frames
    target: Tensor   # (K, steps, 4G, 4G)


@dataclass
class MomentRows:
    query: Tensor        # (R)
    lesson: Tensor       # (R)
    spans: list[Tensor]  # each (n, 2) in frames


@dataclass
class Queries:
    lesson: Tensor    # (Q)
    position: Tensor  # (Q) of the task token in the lesson's text
    noun: Tensor      # (Q), −1 none
    colour: Tensor    # (Q)
    side: Tensor      # (Q) index in SIDES, their number where none is said
    motion: Tensor    # (Q) index in MOTIONS, their number where none is said
    event: Tensor     # (Q) index in EVENTS
    partner: Tensor   # (Q) the other thing's noun, their number where there is none
    cell: Tensor      # (Q, N) which cells of the last frame seen hold what is meant, sum 1; all 0 where none does or it is not judged


def flipped(boxes: np.ndarray) -> np.ndarray:
    return np.stack([1 - boxes[..., 2], boxes[..., 1], 1 - boxes[..., 0], boxes[..., 3]], -1)


@dataclass
class TrackPlan:
    slots: list[int]
    thing: int
    question: int      # index of the question whose query prompts it, or −1
    query: int
    kind: int          # 0 state, 1 box, 2 points


def choose_track(lesson: Lesson, rng: random.Random) -> TrackPlan | None:
    """One thing followed through up to four kept frames, beginning where it is clear."""
    clip = lesson.clip
    starts = [(i, slot) for i, thing in enumerate(clip.things) for slot in range(len(clip.kept) - 1) if thing.clear[clip.kept[slot]]]
    asked = [(n, m, query) for n, q in enumerate(lesson.questions) for m, query in enumerate(q.queries) if query.track and len(query.things) == 1]
    if asked and rng.random() < 0.6:
        n, m, query = rng.choice(asked)
        slots = [slot for i, slot in starts if i == query.things[0]]
        if slots:
            return TrackPlan(run_from(rng.choice(slots), len(clip.kept)), query.things[0], n, m, 0)
    if not starts:
        return None
    thing, slot = rng.choice(starts)
    return TrackPlan(run_from(slot, len(clip.kept)), thing, -1, -1, rng.choice((1, 2)))


def run_from(slot: int, kept: int) -> list[int]:
    """Slots from `slot` on, of the same number of steps always: the last is repeated where the clip ends."""
    return [min(slot + i, kept - 1) for i in range(TRACK_STEPS)]


class RowBuilder:
    """Collects what each head is to find, lesson by lesson."""

    def __init__(self) -> None:
        self.all: list[tuple[int, int, Query]] = []
        self.side: list[int] = []
        self.motion: list[int] = []
        self.cell: list[np.ndarray] = []
        self.region: list[tuple[int, int, np.ndarray]] = []
        self.mask: list[tuple[int, int, np.ndarray]] = []
        self.moment: list[tuple[int, int, Tensor]] = []
        self.track: list[tuple[int, np.ndarray, np.ndarray, int, list[int], np.ndarray]] = []

    def add(self, lesson: Lesson, number: int, place: dict[int, int], track: TrackPlan | None, rng: random.Random) -> None:
        clip, offset = lesson.clip, 0
        tracked = -1
        for n, asked in enumerate(lesson.questions):
            for m, query in enumerate(asked.queries):
                index = len(self.all)
                self.all.append((number, offset + query.position, query))
                for said, values in ((side_of(query.phrase), self.side), (motion_of(query.phrase), self.motion)):
                    values.append(MIRRORED.get(said, said) if lesson.flip else said)
                self.cell.append(cells_meant(lesson, query))
                if track is not None and (track.question, track.query) == (n, m):
                    tracked = index
                if query.task == 'moment':
                    frames = len(clip.times)
                    spans = [(start, min(end, frames)) for start, end in query.spans]
                    self.moment.append((index, number, torch.tensor([span for span in spans if span[1] > span[0]]).view(-1, 2)))
                for look in query.looks:
                    frame = clip.kept[look.slot]
                    if query.task == 'region':
                        boxes = np.array([clip.things[i].boxes[frame] for i in look.things], np.float32).reshape(-1, 4)
                        self.region.append((index, place[look.slot], flipped(boxes) if lesson.flip else boxes))
                    elif query.task == 'mask':
                        self.mask.append((index, place[look.slot], mask_of(lesson, look.things, look.slot)))
            offset += len(asked.ids)
        if track is not None and (track.kind != 0 or tracked >= 0):
            first = int(clip.kept[track.slots[0]])
            box = clip.things[track.thing].boxes[first]
            masks = np.stack([mask_of(lesson, [track.thing], slot) for slot in track.slots])
            box = flipped(box) if lesson.flip else box
            self.track.append((tracked, jittered(box, rng), points_in(masks[0], rng), track.kind, [place[slot] for slot in track.slots], masks))

    def queries(self) -> Queries:
        asked = [query for _, _, query in self.all]
        each = lambda values: torch.tensor(list(values), dtype=torch.long)
        return Queries(each(b for b, _, _ in self.all), each(p for _, p, _ in self.all), each(q.noun for q in asked), each(colour_of(q.phrase) for q in asked), each(self.side),
                       each(self.motion), each(event_of(q.phrase) for q in asked), each(partner_of(q.phrase) for q in asked),
                       torch.from_numpy(np.stack(self.cell)) if self.cell else torch.zeros(0, 25))

    def regions(self) -> RegionRows:
        rows = sorted(self.region, key=lambda row: row[1])
        boxes = [torch.from_numpy(np.ascontiguousarray(row[2])) for row in rows]
        owner = [torch.full((len(b),), i) for i, b in enumerate(boxes)]
        return RegionRows(*column(rows), torch.cat(boxes) if boxes else torch.zeros(0, 4), torch.cat(owner) if owner else torch.zeros(0, dtype=torch.long))

    def masks(self) -> MaskRows:
        rows = sorted(self.mask, key=lambda row: row[1])
        return MaskRows(*column(rows), torch.from_numpy(np.stack([row[2] for row in rows])) if rows else torch.zeros(0, OUTLINE, OUTLINE))

    def tracks(self) -> Tracks:
        rows = self.track
        if not rows:
            empty = torch.zeros(0, dtype=torch.long)
            return Tracks(empty, torch.zeros(0, 4), torch.zeros(0, 3, 3), empty, torch.zeros(0, TRACK_STEPS, dtype=torch.long), torch.zeros(0, TRACK_STEPS, OUTLINE, OUTLINE))
        stack = lambda i: torch.from_numpy(np.stack([row[i] for row in rows]))
        return Tracks(torch.tensor([row[0] for row in rows]), stack(1), stack(2), torch.tensor([row[3] for row in rows]), torch.tensor([row[4] for row in rows]), stack(5))

    def moments(self) -> MomentRows:
        return MomentRows(*column(self.moment), [row[2] for row in self.moment])


def cells_meant(lesson: Lesson, query: Query) -> np.ndarray:
    """(25): the middles of what the query means in the last frame seen."""
    cells = np.zeros(25, np.float32)
    frame = lesson.clip.kept[lesson.last]
    if query.task == 'moment':  # whose event it is, where it can still be seen
        things = [i for i in query.things if lesson.clip.things[i].visible[frame]]
    else:
        things = [i for look in query.looks if look.slot == lesson.last for i in look.things]
    if things:
        boxes = np.array([lesson.clip.things[i].boxes[frame] for i in things], np.float32)
        boxes = flipped(boxes) if lesson.flip else boxes
        middle = ((boxes[:, :2] + boxes[:, 2:]) / 2 * 5).astype(int).clip(0, 4)
        np.add.at(cells, middle[:, 1] * 5 + middle[:, 0], 1 / len(boxes))
    return cells


def column(rows: list[tuple[int, int, object]] | list) -> tuple[Tensor, Tensor]:
    return torch.tensor([row[0] for row in rows], dtype=torch.long), torch.tensor([row[1] for row in rows], dtype=torch.long)


def mask_of(lesson: Lesson, things: list[int], slot: int) -> np.ndarray:
    """(4G, 4G) float share."""
    total = np.zeros((OUTLINE, OUTLINE), np.float32)
    for thing in things:
        total = np.maximum(total, lesson.clip.things[thing].share(slot, OUTLINE))
    return np.ascontiguousarray(total[:, ::-1]) if lesson.flip else total


def jittered(box: np.ndarray, rng: random.Random) -> np.ndarray:
    """A box as a hand draws it."""
    size = np.tile(box[2:] - box[:2], 2)
    return np.clip(box + size * np.array([rng.uniform(-0.06, 0.06) for _ in range(4)]), 0, 1).astype(np.float32)


def points_in(mask: np.ndarray, rng: random.Random) -> np.ndarray:
    """One to three points: the first inside, others inside or outside, padding −1. (3, 3) x, y, label."""
    points = np.zeros((3, 3), np.float32)
    points[:, 2] = -1
    inside, outside = np.argwhere(mask > 0.6), np.argwhere(mask < 0.05)
    if len(inside) == 0:
        inside = np.argwhere(mask >= mask.max())
    count = 1 if rng.random() < 0.6 else rng.randint(2, 3)
    for i in range(count):
        good = i == 0 or rng.random() < 0.6 or len(outside) == 0
        y, x = (inside if good else outside)[rng.randrange(len(inside if good else outside))]
        points[i] = ((x + rng.random()) / mask.shape[1], (y + rng.random()) / mask.shape[0], 1.0 if good else 0.0)
    return points
