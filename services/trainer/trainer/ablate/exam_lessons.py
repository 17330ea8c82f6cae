"""A test clip as exam lessons: all its questions at the last frame, and one thing asked for early and looked for later."""
from dataclasses import dataclass

import numpy as np

from trainer.ablate.arms import MASK, Arm
from trainer.data.ask import Target
from trainer.feature_cache import CachedClip
from trainer.lesson import TRIGGERS, Lesson, Look, Query, Question, question
from trainer.vocabulary import vocabulary


@dataclass
class Asked:
    """A query of the exam and what it counts for: 'region', 'mask', 'moment', 'track', 'standing' or 'per-frame'."""
    query: Query
    part: str
    by: str = 'name'


def main_lesson(clip: CachedClip, arm: Arm) -> tuple[Lesson, list[Asked]]:
    """The clip's own questions as they are asked, and every phrase in them again with a forced trigger."""
    last = len(clip.kept) - 1
    lesson = Lesson(clip, np.arange(len(clip.times)), last, [], None, False)
    asked: list[Asked] = []
    for ask in clip.asks:
        queries = [query_of(clip, target, last) for target in ask.targets if target.present]
        made = question(ask.text, ask.answer, ask.kind, queries)
        taught = arm.way.taught(made, lesson) if ask.kind != 'caption' and arm.keeps(made) else None
        if taught is not None:
            lesson.questions.append(taught)
            for query in taught.queries:
                query.looks = []  # for the words alone; its heads are asked with a forced trigger
                asked.append(Asked(query, 'words'))
        for target in ask.targets:
            query = query_of(clip, target, last)
            if query.task in arm.teaches:
                asked.append(Asked(query, query.task, 'lookalike' if target.lookalike else target.by))
                lesson.questions.append(forced(target.phrase, target.task, query))
    early = early_thing(clip)
    if early is not None and arm.standing:
        asked.append(Asked(name_query(clip, early[0], 'region', [last]), 'per-frame'))
        lesson.questions.append(forced(f'the {clip.things[early[0]].noun}', 'region', asked[-1].query))
    return lesson, asked


def early_lesson(clip: CachedClip, arm: Arm) -> tuple[Lesson, list[Asked]] | None:
    """The model sees the clip up to where a thing is first clear; its embeddings are used on the frames from there to the end."""
    early = early_thing(clip)
    if early is None or MASK not in arm.teaches or arm.way.writes:
        return None
    thing, slot = early
    last = len(clip.kept) - 1
    frames = len(clip.times)
    seen = np.clip(np.arange(frames) + int(clip.kept[slot]) - (frames - 1), 0, None)
    phrase = f'the {clip.things[thing].noun}'
    standing, track = name_query(clip, thing, 'region', [last]), name_query(clip, thing, 'mask', list(range(slot, last + 1)))
    lesson, asked = Lesson(clip, seen, slot, [forced(phrase, 'mask', track)], None, False), [Asked(track, 'track')]
    if arm.standing:
        lesson.questions.append(forced(phrase, 'region', standing))
        asked.append(Asked(standing, 'standing'))
    return lesson, asked


def early_thing(clip: CachedClip) -> tuple[int, int] | None:
    """A thing, the only one of its noun, clear at the end and clear early on → its index and the first kept frame where it is."""
    nouns = [thing.noun for thing in clip.things]
    for i, thing in enumerate(clip.things):
        slots = [slot for slot in range(len(clip.kept) // 2) if thing.clear[clip.kept[slot]]]
        if nouns.count(thing.noun) == 1 and thing.clear[clip.kept[-1]] and slots:
            return i, slots[0]
    return None


def forced(phrase: str, task: str, query: Query) -> Question:
    return question(phrase, f'<p> {phrase} {TRIGGERS[task]}', f'forced-{task}', [query], forced=True)


def query_of(clip: CachedClip, target: Target, slot: int) -> Query:
    task = 'mask' if target.task == 'track' else target.task
    looks = [] if task == 'moment' else [look(clip, target.things, slot)]
    return Query(-1, task, vocabulary().place_of(target.noun), target.phrase, target.things, looks, target.spans)


def name_query(clip: CachedClip, thing: int, task: str, slots: list[int]) -> Query:
    looks = [look(clip, [thing], slot) for slot in slots]
    return Query(-1, task, vocabulary().place_of(clip.things[thing].noun), '', [thing], looks)


def look(clip: CachedClip, things: list[int], slot: int) -> Look:
    return Look(slot, [thing for thing in things if clip.things[thing].visible[clip.kept[slot]]])
