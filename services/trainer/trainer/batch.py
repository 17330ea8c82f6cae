"""Lessons → tensors. Everything a training step needs, from cached features; no network is run here."""
from dataclasses import dataclass
import random

import numpy as np
import torch
from torch import Tensor

from trainer.alignment import Alignment, AlignmentBuilder
from trainer.backbones.evidence import EVIDENCE_CHANNELS
from trainer.backbones.lite0 import Taps
from trainer.feature_cache import TAPS, CachedClip, FeatureCache, Shard
from trainer.going import going_of
from trainer.lesson import Lesson, Teacher
from trainer.photo_lists import imagine, listed_in
from trainer.rename import false_alarms, put_evidence
from trainer.rows import MaskRows, MomentRows, Queries, RegionRows, RowBuilder, Tracks, choose_track
from trainer.token_memory import TokenMemory
from trainer.vocabulary import vocabulary

TRACKED = 0.45  # share of lessons in which a thing is followed


@dataclass
class Batch:
    s16: Tensor | None  # (B, T, 112, 10, 10) of the frames seen; or, where the neck rests,
    s32: Tensor | None  # (B, T, 320, 5, 5)
    tokens: Tensor | None  # (B, T, N, d)
    times: Tensor     # (B, T)
    pool: Taps        # (P, …) of the pooled frames; s16 and s32 too
    rgb: Tensor       # (P, 3, 4G, 4G)
    evidence: Tensor  # (P, E, G, G)
    ltrb: Tensor      # (P, 4, G, G)
    last: Tensor      # (B) pooled frame that is the last one seen
    heard: Tensor     # (B) 1 where its evidence is what the pretrained eyes said, 0 where it was not cached
    photograph: Tensor  # (B) 1 where nothing is drawn on the last frame
    ids: Tensor       # (B, S)
    weights: Tensor   # (B, S)
    block: Tensor     # (B, S) number of the question, −1 padding
    place: Tensor     # (B, S) position within the question
    going: Tensor     # (B, S, N) which way what a word means goes in each cell, −1 unknown or no noun
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
        seen16, seen32, tokens, times, lasts, heard, photographs = [], [], [], [], [], [], []
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
            heard.append(float(evidence_row(clip, lesson.last) >= 0))
            photographs.append(float(clip.photo))
            for slot in slots:
                frame = int(clip.kept[slot])
                pool['s4'].append(self.cache.features('s4', shard.arrays['s4'][row][slot])[..., ::order])
                pool['s8'].append(self.cache.features('s8', shard.arrays['s8'][row][slot])[..., ::order])
                pool['s16'].append(self.cache.features('s16', stored16[frame])[..., ::order])
                pool['s32'].append(self.cache.features('s32', stored32[frame])[..., ::order])
                pool['rgb'].append(shard.arrays['rgb'][row][slot].astype(np.float32)[..., ::order] / 127.5 - 1)
                evidence, ltrb = self.evidence(lesson, shard, slot, frame)
                if clip.photo and slot == lesson.last and heard[-1]:
                    lesson.list_things(listed_in(evidence), rng)
                if flip:
                    evidence, ltrb = evidence[..., ::-1], ltrb[[2, 1, 0, 3]][..., ::-1]
                pool['evidence'].append(evidence)
                pool['ltrb'].append(ltrb)
            align.add(lesson, slots, base)
            rows.add(lesson, number, place, track, rng)
        text = pack_text([lesson for lesson, _, _ in lessons], self.left, self.right)
        going = torch.from_numpy(np.stack([going_of(lesson, ids.numpy()) for (lesson, _, _), ids in zip(lessons, text[0])]))
        tensors = {name: torch.from_numpy(np.ascontiguousarray(np.stack(parts))) for name, parts in pool.items()}
        s16, s32 = (torch.from_numpy(np.ascontiguousarray(np.stack(seen))) if seen else None for seen in (seen16, seen32))
        if self.noise:
            generator = torch.Generator().manual_seed(rng.randrange(2 ** 31))
            for tensor in (s16, s32, tensors['s8'], tensors['s4']):
                if tensor is not None:
                    tensor *= 1 + torch.randn(*tensor.shape[:-2], 1, 1, generator=generator) * self.noise
        return Batch(s16, s32, torch.stack(tokens) if tokens else None, torch.from_numpy(np.stack(times)), Taps(tensors['s4'], tensors['s8'], tensors['s16'], tensors['s32']), tensors['rgb'], tensors['evidence'],
                     tensors['ltrb'], torch.tensor(lasts), torch.tensor(heard), torch.tensor(photographs), *text, going, rows.queries(), rows.regions(), rows.masks(), rows.tracks(), rows.moments(), align.finish(),
                     [[q.kind for q in lesson.questions] for lesson, _, _ in lessons])

    def evidence(self, lesson: Lesson, shard: Shard, slot: int, frame: int) -> tuple[np.ndarray, np.ndarray]:
        clip = lesson.clip
        maps, ltrb = np.zeros((EVIDENCE_CHANNELS, 20, 20), np.float32), np.zeros((4, 20, 20), np.float32)
        row = evidence_row(clip, slot)
        if row >= 0:
            maps = shard.arrays['evidence'][row].astype(np.float32) / 255
            ltrb = shard.arrays['ltrb'][row].astype(np.float32)
        if self.noise:
            false_alarms(maps, self.rng)
        if lesson.renaming is not None:
            thing = clip.things[lesson.renaming.thing]
            if thing.visible[frame]:
                put_evidence(maps, ltrb, lesson.renaming.noun, thing.boxes[frame], lesson.renaming, self.rng)
        if slot == lesson.last:
            imagine(maps, ltrb, lesson.imagined, self.rng)
        return maps, ltrb


def evidence_row(clip: CachedClip, slot: int) -> int:
    """Where the evidence of a kept frame lies in its shard, −1 where it is not cached."""
    return clip.evidence if slot == len(clip.kept) - 1 else clip.evidence_first if slot == 0 else -1


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
