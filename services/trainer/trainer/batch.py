"""Lessons → tensors. Everything a training step needs, from cached features; no network is run here."""
from dataclasses import dataclass
import random

import numpy as np
import torch
from torch import Tensor

from trainer.backbones.evidence import EVIDENCE_CHANNELS
from trainer.backbones.lite0 import Taps
from trainer.data.photos import UNSURE as UNSURE_NOUNS
from trainer.feature_cache import TAPS, FeatureCache, Shard
from trainer.lesson import Lesson, Query, Teacher
from trainer.token_memory import TokenMemory
from trainer.rename import false_alarms, put_evidence
from trainer.vocabulary import COLOURS, vocabulary

NOTHING, UNSURE = -1, -2
TRACK_STEPS = 4
TRACKED = 0.45  # share of lessons in which a thing is followed


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
    target: Tensor  # (R, 2G, 2G) share of the cell


@dataclass
class Tracks:
    query: Tensor    # (K) the query that prompts it, or −1: a box or points do
    boxes: Tensor    # (K, 4) box prompt (also where it is not used)
    points: Tensor   # (K, n, 3)
    kind: Tensor     # (K) 0 state, 1 box, 2 points
    frames: Tensor   # (K, steps) pooled frames
    target: Tensor   # (K, steps, 2G, 2G)


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


@dataclass
class Alignment:
    coarse: Tensor    # (B, T, N) noun of each cell of each frame seen, or NOTHING, or UNSURE
    fine: Tensor      # (P, G, G) noun of each cell of each pooled frame
    colour: Tensor    # (P, G, G) colour of the cell, UNSURE where no thing of one colour
    centres: Tensor   # (n, 4) boxes of things in pooled frames
    centre_of: Tensor  # (n) the pooled frame of each
    present: Tensor   # (B, nouns) 1 where visible in the last frame
    sure: Tensor      # (B, nouns) 0 where it should not be judged


@dataclass
class Batch:
    s16: Tensor | None  # (B, T, 112, 10, 10) of the frames seen; or, where the neck rests,
    s32: Tensor | None  # (B, T, 320, 5, 5)
    tokens: Tensor | None  # (B, T, N, d)
    times: Tensor     # (B, T)
    pool: Taps        # (P, …) of the pooled frames; s16 and s32 too
    rgb: Tensor       # (P, 3, 2G, 2G)
    evidence: Tensor  # (P, E, G, G)
    ltrb: Tensor      # (P, 4, G, G)
    last: Tensor      # (B) pooled frame that is the last one seen
    ids: Tensor       # (B, S)
    weights: Tensor   # (B, S)
    block: Tensor     # (B, S) number of the question, −1 padding
    place: Tensor     # (B, S) position within the question
    queries: Queries
    region: RegionRows
    mask: MaskRows
    tracks: Tracks
    moment: MomentRows
    alignment: Alignment
    kinds: list[list[str]]


class Batcher:
    def __init__(self, cache: FeatureCache, teacher: Teacher, photos: FeatureCache | None = None, noise: float = 0.15, memory: TokenMemory | None = None) -> None:
        self.cache, self.teacher, self.rng, self.photos, self.noise, self.memory = cache, teacher, teacher.rng, photos, noise, memory
        self.tracked = TRACKED
        words = vocabulary()
        self.left, self.right = words.id('left'), words.id('right')

    def draw(self, size: int) -> Batch:
        lessons: list[tuple[Lesson, Shard, int]] = []
        while len(lessons) < size:
            picked = self.pick()
            if picked[0].questions:
                lessons.append(picked)
        return self.collate(lessons)

    def pick(self) -> tuple[Lesson, Shard, int]:
        source = self.photos if self.photos is not None and self.rng.random() < self.teacher.mix['photo'] else self.cache
        shard, row = source[self.rng.randrange(len(source))]
        return self.teacher.lesson(shard.clips[row]), shard, row

    def collate(self, lessons: list[tuple[Lesson, Shard, int]]) -> Batch:
        rng = self.rng
        seen16, seen32, tokens, times, lasts = [], [], [], [], []
        pool: dict[str, list[np.ndarray]] = {name: [] for name in (*TAPS, 'rgb', 'evidence', 'ltrb')}
        align = AlignmentBuilder()
        rows = RowBuilder()
        for number, (lesson, shard, row) in enumerate(lessons):
            clip, flip = lesson.clip, lesson.flip
            order = -1 if flip else 1
            stored16, stored32 = shard.arrays['s16'][row], shard.arrays['s32'][row]
            if self.memory is not None:
                tokens.append(self.memory.tokens(self.cache, shard, row, flip)[torch.from_numpy(lesson.seen)])
            else:
                seen16.append(self.cache.features('s16', stored16)[..., ::order][lesson.seen])
                seen32.append(self.cache.features('s32', stored32)[..., ::order][lesson.seen])
            times.append(clip.times[lesson.seen] - clip.times[lesson.seen[-1]])
            track = choose_track(lesson, rng) if rng.random() < self.tracked else None
            slots = sorted({lesson.last, *(look.slot for q in lesson.questions for query in q.queries for look in query.looks), *(track.slots if track else ())})
            base = len(pool['s8'])
            place = {slot: base + i for i, slot in enumerate(slots)}
            lasts.append(place[lesson.last])
            for slot in slots:
                frame = int(clip.kept[slot])
                pool['s4'].append(self.cache.features('s4', shard.arrays['s4'][row][slot])[..., ::order])
                pool['s8'].append(self.cache.features('s8', shard.arrays['s8'][row][slot])[..., ::order])
                pool['s16'].append(self.cache.features('s16', stored16[frame])[..., ::order])
                pool['s32'].append(self.cache.features('s32', stored32[frame])[..., ::order])
                pool['rgb'].append(shard.arrays['rgb'][row][slot].astype(np.float32)[..., ::order] / 127.5 - 1)
                evidence, ltrb = self.evidence(lesson, shard, slot, frame)
                if flip:
                    evidence, ltrb = evidence[..., ::-1], ltrb[[2, 1, 0, 3]][..., ::-1]
                pool['evidence'].append(evidence)
                pool['ltrb'].append(ltrb)
            align.add(lesson, slots, base)
            rows.add(lesson, number, place, track, rng)
        text = pack_text([lesson for lesson, _, _ in lessons], self.left, self.right)
        tensors = {name: torch.from_numpy(np.ascontiguousarray(np.stack(parts))) for name, parts in pool.items()}
        s16, s32 = (torch.from_numpy(np.ascontiguousarray(np.stack(seen))) if seen else None for seen in (seen16, seen32))
        if self.noise:
            generator = torch.Generator().manual_seed(rng.randrange(2 ** 31))
            for tensor in (s16, s32, tensors['s8'], tensors['s4']):
                if tensor is not None:
                    tensor *= 1 + torch.randn(*tensor.shape[:-2], 1, 1, generator=generator) * self.noise
        return Batch(s16, s32, torch.stack(tokens) if tokens else None, torch.from_numpy(np.stack(times)), Taps(tensors['s4'], tensors['s8'], tensors['s16'], tensors['s32']), tensors['rgb'], tensors['evidence'],
                     tensors['ltrb'], torch.tensor(lasts), *text, rows.queries(), rows.regions(), rows.masks(), rows.tracks(), rows.moments(), align.finish(),
                     [[q.kind for q in lesson.questions] for lesson, _, _ in lessons])

    def evidence(self, lesson: Lesson, shard: Shard, slot: int, frame: int) -> tuple[np.ndarray, np.ndarray]:
        clip = lesson.clip
        maps, ltrb = np.zeros((EVIDENCE_CHANNELS, 20, 20), np.float32), np.zeros((4, 20, 20), np.float32)
        row = clip.evidence if slot == len(clip.kept) - 1 else clip.evidence_first if slot == 0 else -1
        if row >= 0:
            maps = shard.arrays['evidence'][row].astype(np.float32) / 255
            ltrb = shard.arrays['ltrb'][row].astype(np.float32)
        if self.noise:
            false_alarms(maps, self.rng)
        if lesson.renaming is not None:
            thing = clip.things[lesson.renaming.thing]
            if thing.visible[frame]:
                put_evidence(maps, ltrb, lesson.renaming.noun, thing.boxes[frame], lesson.renaming, self.rng)
        return maps, ltrb


def flipped(boxes: np.ndarray) -> np.ndarray:
    return np.stack([1 - boxes[..., 2], boxes[..., 1], 1 - boxes[..., 0], boxes[..., 3]], -1)


def pack_text(lessons: list[Lesson], left: int, right: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Ids, weights, question number and place, each (B, S), padded."""
    size = max(sum(len(q.ids) for q in lesson.questions) for lesson in lessons)
    shape = (len(lessons), size)
    ids, weights, block, place = torch.zeros(shape, dtype=torch.long), torch.zeros(shape), torch.full(shape, -1), torch.zeros(shape, dtype=torch.long)
    for b, lesson in enumerate(lessons):
        at = 0
        for number, asked in enumerate(lesson.questions):
            words = asked.ids
            if lesson.flip:
                words = [right if w == left else left if w == right else w for w in words]
            end = at + len(words)
            ids[b, at:end] = torch.tensor(words)
            weights[b, at:end] = torch.tensor(asked.weights)
            block[b, at:end] = number
            place[b, at:end] = torch.arange(len(words))
            at = end
    return ids, weights, block, place


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
                if track is not None and (track.question, track.query) == (n, m):
                    tracked = index
                if query.task == 'moment':
                    frames = len(clip.times)
                    spans = [(start, min(end, frames - 1)) for start, end in query.spans]
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
        return Queries(torch.tensor([b for b, _, _ in self.all], dtype=torch.long), torch.tensor([p for _, p, _ in self.all], dtype=torch.long),
                       torch.tensor([q.noun for _, _, q in self.all], dtype=torch.long), torch.tensor([q.colour for _, _, q in self.all], dtype=torch.long))

    def regions(self) -> RegionRows:
        rows = sorted(self.region, key=lambda row: row[1])
        boxes = [torch.from_numpy(np.ascontiguousarray(row[2])) for row in rows]
        owner = [torch.full((len(b),), i) for i, b in enumerate(boxes)]
        return RegionRows(*column(rows), torch.cat(boxes) if boxes else torch.zeros(0, 4), torch.cat(owner) if owner else torch.zeros(0, dtype=torch.long))

    def masks(self) -> MaskRows:
        rows = sorted(self.mask, key=lambda row: row[1])
        return MaskRows(*column(rows), torch.from_numpy(np.stack([row[2] for row in rows])) if rows else torch.zeros(0, 40, 40))

    def tracks(self) -> Tracks:
        rows = self.track
        if not rows:
            empty = torch.zeros(0, dtype=torch.long)
            return Tracks(empty, torch.zeros(0, 4), torch.zeros(0, 3, 3), empty, torch.zeros(0, TRACK_STEPS, dtype=torch.long), torch.zeros(0, TRACK_STEPS, 40, 40))
        stack = lambda i: torch.from_numpy(np.stack([row[i] for row in rows]))
        return Tracks(torch.tensor([row[0] for row in rows]), stack(1), stack(2), torch.tensor([row[3] for row in rows]), torch.tensor([row[4] for row in rows]), stack(5))

    def moments(self) -> MomentRows:
        return MomentRows(*column(self.moment), [row[2] for row in self.moment])


def column(rows: list[tuple[int, int, object]] | list) -> tuple[Tensor, Tensor]:
    return torch.tensor([row[0] for row in rows], dtype=torch.long), torch.tensor([row[1] for row in rows], dtype=torch.long)


def mask_of(lesson: Lesson, things: list[int], slot: int) -> np.ndarray:
    """(2G, 2G) float share."""
    total = np.zeros((40, 40), np.float32)
    for thing in things:
        total = np.maximum(total, lesson.clip.things[thing].masks[slot].astype(np.float32) / 255)
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


class AlignmentBuilder:
    """Which noun, which colour and which centre is in every cell."""

    def __init__(self) -> None:
        self.coarse: list[np.ndarray] = []
        self.fine: list[np.ndarray] = []
        self.colour: list[np.ndarray] = []
        self.centres: list[np.ndarray] = []
        self.centre_of: list[int] = []
        self.present: list[np.ndarray] = []
        self.sure: list[np.ndarray] = []
        side = (np.arange(5) + 0.5) / 5
        self.x, self.y = np.tile(side, 5), np.repeat(side, 5)

    def add(self, lesson: Lesson, slots: list[int], base: int) -> None:
        clip = lesson.clip
        nouns = [vocabulary().place_of(thing.noun) for thing in clip.things]
        if lesson.renaming is not None:
            nouns[lesson.renaming.thing] = UNSURE
        coarse = np.stack([self.coarse_cells(lesson, nouns, frame) for frame in range(len(clip.times))])
        self.coarse.append(coarse[lesson.seen])
        for i, slot in enumerate(slots):
            frame = int(clip.kept[slot])
            fine, colour = np.full((20, 20), NOTHING), np.full((20, 20), UNSURE)
            best = np.full((20, 20), 0.35, np.float32)
            for thing, noun in zip(clip.things, nouns):
                if not thing.visible[frame]:
                    continue
                share = thing.masks[slot].astype(np.float32).reshape(20, 2, 20, 2).mean((1, 3)) / 255
                fine[(share > 0.05) & (fine == NOTHING)] = UNSURE
                mine = share > best
                best[mine] = share[mine]
                fine[mine] = noun
                colour[mine] = COLOURS.index(thing.colour) if thing.colour in COLOURS else UNSURE
                box = thing.boxes[frame]
                self.centres.append(flipped(box) if lesson.flip else box)
                self.centre_of.append(base + i)
            self.fine.append(fine[:, ::-1] if lesson.flip else fine)
            self.colour.append(colour[:, ::-1] if lesson.flip else colour)
        words = vocabulary()
        present, sure = np.zeros(len(words.nouns), np.float32), np.ones(len(words.nouns), np.float32)
        frame = int(clip.kept[lesson.last])
        for thing, noun in zip(clip.things, nouns):
            if noun == UNSURE:
                continue
            if thing.clear[frame]:
                present[noun] = 1
            elif thing.visible[frame] and not present[noun]:
                sure[noun] = 0
        sure[present > 0] = 1
        if clip.photo:
            sure[[vocabulary().place_of(noun) for noun in UNSURE_NOUNS]] = 0
            sure[present > 0] = 1
        if lesson.renaming is not None:
            thing = clip.things[lesson.renaming.thing]
            sure[vocabulary().place_of(thing.noun)] = 0
            new = vocabulary().place_of(lesson.renaming.noun)
            present[new] = float(thing.visible[frame])
            sure[new] = float(thing.clear[frame] or not thing.visible[frame])
        self.present.append(present)
        self.sure.append(sure)

    def coarse_cells(self, lesson: Lesson, nouns: list[int], frame: int) -> np.ndarray:
        """(25): the thing that covers most of the cell, if it covers a fifth of it or has its middle there; unsure where two nouns share it."""
        cells = np.full(25, NOTHING)
        best = np.zeros(25, np.float32)
        for thing, noun in zip(lesson.clip.things, nouns):
            if not thing.visible[frame]:
                continue
            x0, y0, x1, y1 = flipped(thing.boxes[frame]) if lesson.flip else thing.boxes[frame]
            cover = (np.clip(np.minimum(x1, self.x + 0.1) - np.maximum(x0, self.x - 0.1), 0, None) * np.clip(np.minimum(y1, self.y + 0.1) - np.maximum(y0, self.y - 0.1), 0, None)) * 25
            middle = (np.abs((x0 + x1) / 2 - self.x) <= 0.1) & (np.abs((y0 + y1) / 2 - self.y) <= 0.1)
            score = cover + middle * 0.5
            mine = (score > best) & ((cover > 0.2) | middle)
            cells[(cover > 0.02) & (cells == NOTHING)] = UNSURE
            cells[mine] = noun
            best[mine] = score[mine]
        return cells

    def finish(self) -> Alignment:
        tensor = lambda parts: torch.from_numpy(np.ascontiguousarray(np.stack(parts)))
        centres = tensor(self.centres).float() if self.centres else torch.zeros(0, 4)
        return Alignment(tensor(self.coarse), tensor(self.fine), tensor(self.colour), centres, torch.tensor(self.centre_of, dtype=torch.long), tensor(self.present), tensor(self.sure))
