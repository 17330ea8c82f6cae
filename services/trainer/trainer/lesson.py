"""One clip as it is taught: which frames the language model sees, what it is asked, and what the heads must find in which frames.

Two modes. `whole`: the 16 frames of the clip and its own questions. `live`: the model sees the clip up to an earlier frame k (the first frame
repeated before its start, as in a young stream), and the heads are supervised on other frames too: embeddings must *stand* (docs/design/model.md,
standing embeddings). There the questions are made here, from what is visible at k.
"""
from dataclasses import dataclass, field
import random

import numpy as np

from trainer.contrasts import contrasts
from trainer.feature_cache import CachedClip
from trainer.photo_lists import Imagined, imagined_for
from trainer.rename import Renaming, renamed, renaming_for
from trainer.tokenizer import answer_ids, prompt_ids
from trainer.vocabulary import vocabulary

TRIGGERS = {'region': '<region>', 'mask': '<mask>', 'track': '<mask>', 'moment': '<moment>'}
PLACED = ('place', 'relation')  # told apart by what holds in the last frame seen: not to be asked of other frames
FORCED_SHARE = 0.5
HARD = {'motion': 2.0, 'count': 2.0, 'list': 4.0, 'moment': 2.0}  # the weight of answers that come late
LIST_TEXTS = ('what do you see ?', 'list what you see', 'name all things', 'what is in the picture ?')
FIRST_WORD = 4.0  # the weight of an answer's first token: it says yes or no


@dataclass
class Look:
    """One frame that a head must get right for a query."""
    slot: int                 # which kept frame
    things: list[int]         # those of the query's things that are to be found there; [] = absent


@dataclass
class Query:
    """A task embedding: where it is read and what it must find."""
    position: int             # of the task token in its question's ids
    task: str                 # 'region', 'mask' or 'moment'
    noun: int                 # index in the vocabulary's nouns, −1 where none is named
    phrase: str               # what the task state must name, beside its noun (trainer/said.py)
    things: list[int] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    spans: list[tuple[float, float]] = field(default_factory=list)
    track: bool = False       # may be followed through the kept frames


@dataclass
class Question:
    ids: list[int]
    weights: list[float]      # of predicting ids[i] from what is before it
    queries: list[Query]
    kind: str


@dataclass
class Lesson:
    clip: CachedClip
    seen: np.ndarray          # (T,) the frame numbers that the language model sees, clamped at the first
    last: int                 # slot of the last of them
    questions: list[Question]
    renaming: Renaming | None
    flip: bool
    imagined: list[Imagined] = field(default_factory=list)  # on a photograph, beside what is there

    def list_things(self, nouns: list[str], rng: random.Random) -> None:
        """One question more: what is there."""
        if nouns:
            self.questions.append(question(rng.choice(LIST_TEXTS), ' , '.join(nouns), 'list', [], stage_weight=HARD['list']))


def expand(answer: str) -> list[int]:
    """Answer text → ids with every trigger followed by its task token."""
    words = vocabulary()
    ids: list[int] = []
    for token in answer_ids(answer):
        ids.append(token)
        name = words.tokens[token]
        if name in ('<region>', '<mask>', '<moment>'):
            ids.append(words.id(f'{name[:-1]}_task>'))
    return ids


def question(text: str, answer: str, kind: str, queries: list[Query], forced: bool = False, stage_weight: float = 1.0) -> Question:
    """Queries must come in the order of the triggers."""
    words = vocabulary()
    prompt, reply = prompt_ids(text), [*expand(answer), words.id('<eos>')]
    if forced:
        reply = reply[:-1]
    ids = prompt + reply
    tasks = {words.id(f'<{task}_task>') for task in ('region', 'mask', 'moment')}
    places = [i for i, token in enumerate(ids) if token in tasks]
    assert len(places) == len(queries), f'{answer}: {len(places)} triggers, {len(queries)} queries'
    for query, place in zip(queries, places):
        query.position = place
    weights = [0.0] * len(prompt) + [0.0 if forced or token in tasks else stage_weight for token in reply]
    if not forced:
        weights[len(prompt)] *= FIRST_WORD
    return Question(ids, weights, queries, kind)


class Teacher:
    """Draws lessons. `mix` says how much of each sort of question a stage is taught."""

    def __init__(self, rng: random.Random, mix: dict[str, float], most: int = 9) -> None:
        self.rng, self.mix, self.most = rng, mix, most
        self.shared = -1  # the kept frame that this lesson's standing queries look at, −1 before there is one

    def lesson(self, clip: CachedClip) -> Lesson:
        rng = self.rng
        frames = len(clip.times)
        live, self.shared = rng.random() < self.mix['live'] and not clip.photo, -1
        if clip.photo:
            slot = 0 if rng.random() < 0.5 and steady(clip) else len(clip.kept) - 1
        elif live:
            slot = 0 if rng.random() < 0.35 else rng.randrange(len(clip.kept))
        else:
            slot = len(clip.kept) - 1
        k = int(clip.kept[slot])
        seen = np.clip(np.arange(frames) + k - (frames - 1), 0, None)
        renaming = renaming_for(clip, k, rng) if rng.random() < self.mix['rename'] and not clip.photo else None
        questions = self.live_questions(clip, slot, renaming) if live else self.whole_questions(clip, slot, renaming)
        questions += [] if clip.photo or not self.mix.get('contrast') else self.contrasting(clip, seen, slot, renaming)
        rng.shuffle(questions)
        imagined = imagined_for(clip, rng) if clip.photo else []
        return Lesson(clip, seen, slot, questions[:self.most], renaming, rng.random() < self.mix['flip'], imagined)

    def whole_questions(self, clip: CachedClip, last: int, renaming: Renaming | None) -> list[Question]:
        rng, found = self.rng, []
        for ask in rng.choice([clip.asks, *clip.more]):
            if ask.kind == 'caption' and rng.random() > self.mix['caption']:
                continue
            if renaming is not None:
                changed = renamed(ask, renaming)
                if changed is None:
                    continue
                ask = changed
            queries = [self.query(clip, target.task, target.phrase, target.noun, target.things, last, target.by, target.spans) for target in ask.targets]
            if rng.random() < self.mix['asked']:
                present = [query for query, target in zip(queries, ask.targets) if target.present]
                if present and not self.mix['triggers']:
                    continue
                found.append(question(ask.text, ask.answer, ask.kind, present, stage_weight=HARD.get(ask.kind, 1.0)))
            for target in ask.targets:
                if rng.random() < FORCED_SHARE * self.mix['forced'] * (1.6 if target.task == 'moment' else 1.0):  # a clip has one moment and many regions
                    query = self.query(clip, target.task, target.phrase, target.noun, target.things, last, target.by, target.spans)
                    found.append(self.forced(target.phrase, target.task, query))
        return found

    def forced(self, phrase: str, task: str, query: Query) -> Question:
        text = phrase if self.rng.random() < 0.6 else phrase.removeprefix('the ')
        return question(text, f'<p> {text} {TRIGGERS[task]}', f'forced-{task}', [query], forced=True)

    def query(self, clip: CachedClip, task: str, phrase: str, noun: str, things: list[int], slot: int, by: str, spans: list[tuple[float, float]]) -> Query:
        head = 'mask' if task == 'track' else task
        looks = [] if task == 'moment' else [Look(slot, self.visible(clip, things, slot))]
        if head != 'moment' and by not in PLACED and self.rng.random() < self.mix['standing']:
            other = self.other_slot(clip, things, slot)
            if other is not None:
                looks.append(Look(other, self.visible(clip, things, other)))
        return Query(-1, head, vocabulary().place_of(noun), phrase, things, looks, spans, track=head == 'mask')

    def visible(self, clip: CachedClip, things: list[int], slot: int) -> list[int]:
        frame = clip.kept[slot]
        return [thing for thing in things if clip.things[thing].visible[frame]]

    def other_slot(self, clip: CachedClip, things: list[int], slot: int) -> int | None:
        """Another kept frame; three times in four one where presence differs, if there is one. Never one where the thing is hardly to be seen."""
        def state(other: int) -> int:
            frame = clip.kept[other]
            clear = [bool(clip.things[t].clear[frame]) for t in things]
            hardly = [bool(clip.things[t].visible[frame]) and not clip.things[t].clear[frame] for t in things]
            return -1 if any(hardly) else int(any(clear))

        slots = (0, len(clip.kept) - 1) if clip.photo else range(len(clip.kept))  # where a photograph's evidence is known
        others = [s for s in slots if s != slot and state(s) >= 0]
        different = [s for s in others if state(s) != state(slot)]
        shared = [s for s in others if s == self.shared]
        if shared and not different:
            return self.shared  # the same second frame for all queries of a lesson where it can be: a frame's maps are what costs
        if different and self.rng.random() < 0.75:
            self.shared = self.rng.choice(different)
        elif others and not shared:
            self.shared = self.rng.choice(others)
        return self.shared if others else None

    def live_questions(self, clip: CachedClip, slot: int, renaming: Renaming | None) -> list[Question]:
        """Simple questions about what is to be seen at kept frame `slot`, all answers true there."""
        rng, frame, name_of = self.rng, int(clip.kept[slot]), self.name_of
        groups = groups_of(clip, renaming)
        found: list[Question] = []
        settled = settled_of(clip, groups, frame)
        absent = rng.sample([noun for noun in vocabulary().nouns if noun not in groups], 4)
        for noun, things in groups.items():
            task = rng.choice(('region', 'region', 'mask')) if len(things) == 1 else 'region'
            phrase = f'the {name_of(noun)}' if len(things) == 1 else rng.choice((f'all {name_of(noun, True)}', f'the {name_of(noun, True)}'))
            thing = clip.things[things[0]]
            if len(things) == 1 and thing.colour and rng.random() < 0.3:
                phrase = f'the {thing.colour} {name_of(noun)}'
            found += self.pointed(clip, phrase, task, noun, things, slot, noun in settled)
            if len(things) > 1 and len({clip.things[i].colour for i in things}) == len(things) and all(clip.things[i].colour for i in things):
                i = rng.choice(things)
                found += self.pointed(clip, f'the {clip.things[i].colour} {name_of(noun)}', rng.choice(('region', 'mask')), noun, [i], slot, noun in settled)
            if noun in settled and rng.random() < 0.3:
                number = sum(bool(clip.things[i].visible[frame]) for i in things)
                found.append(question(f'how many {name_of(noun, True)} are there ?', NUMBERS[number], 'count', []))
            if noun in settled and rng.random() < 0.3:
                present = any(clip.things[i].visible[frame] for i in things)
                found.append(question(f'is there {article(name_of(noun))} ?', 'yes' if present else 'no', 'exist', []))
        for noun in absent[:2]:
            found += self.pointed(clip, f'the {name_of(noun)}', rng.choice(('region', 'region', 'mask')), noun, [], slot, True)
        found.append(question(f'is there {article(name_of(absent[2]))} ?', 'no', 'exist', []))
        if len(settled) == len(groups) and rng.random() < 0.5:
            there = sorted(name for name in groups if any(clip.things[i].visible[frame] for i in groups[name]))
            if there:
                found.append(question(rng.choice(LIST_TEXTS), ' , '.join(there), 'list', []))
        return found

    def contrasting(self, clip: CachedClip, seen: np.ndarray, slot: int, renaming: Renaming | None) -> list[Question]:
        frame, groups = int(clip.kept[slot]), groups_of(clip, renaming)
        plain = {noun: groups[noun] for noun in sorted(settled_of(clip, groups, frame))}
        found: list[Question] = []
        for contrast in contrasts(clip, seen, frame, plain, self.name_of, self.mix['contrast'], self.rng):
            found += self.pointed(clip, contrast.phrase, self.rng.choice(('region', 'mask')), contrast.noun, contrast.things, slot, True, 0.8)
        return found

    def name_of(self, noun: str, plural: bool = False) -> str:
        options = [form for form, many in vocabulary().forms_of(noun).items() if many == plural]
        return noun if not options or (not plural and self.rng.random() < 0.5) else self.rng.choice(options)

    def pointed(self, clip: CachedClip, phrase: str, task: str, noun: str, things: list[int], slot: int, settled: bool, asked: float = 0.4) -> list[Question]:
        """The forced form always; the asked form where the answer at the last frame is beyond dispute."""
        rng = self.rng
        query = self.query(clip, task, phrase, noun, things, slot, 'name', [])
        if not settled:
            query.looks = query.looks[1:]
        made = [self.forced(phrase, task, query)] if self.mix['triggers'] and self.mix['forced'] else []
        if settled and rng.random() < asked and self.mix['triggers']:
            present = bool(self.visible(clip, things, slot))
            said = self.query(clip, task, phrase, noun, things, slot, 'name', [])
            text = rng.choice({'region': ('where is {} ?', 'find {}', 'show me {}', 'locate {}'), 'mask': ('segment {}', 'outline {}', 'follow {}')}[task]).format(phrase)
            answer = f'<p> {phrase} {TRIGGERS[task]}' if present else f'there is no {phrase.removeprefix("the ").removeprefix("all ")}'
            made.append(question(text, answer, task, [said] if present else []))
        return made


NUMBERS = ('zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight')


def groups_of(clip: CachedClip, renaming: Renaming | None) -> dict[str, list[int]]:
    """Noun → the things of it that are ever to be seen."""
    groups: dict[str, list[int]] = {}
    for i, thing in enumerate(clip.things):
        if thing.visible.any():
            groups.setdefault(renaming.noun if renaming and i == renaming.thing else thing.noun, []).append(i)
    return groups


def settled_of(clip: CachedClip, groups: dict[str, list[int]], frame: int) -> set[str]:
    """The nouns of which nothing is hardly to be seen in the frame."""
    return {noun for noun, things in groups.items() if not any(clip.things[i].visible[frame] and not clip.things[i].clear[frame] for i in things)}


def steady(clip: CachedClip) -> bool:
    """Whether the first frame shows clearly what the last one shows."""
    return all(thing.clear[0] == thing.clear[-1] == thing.visible[0] == thing.visible[-1] for thing in clip.things)


def article(words: str) -> str:
    return ('an ' if words[0] in 'aeiou' else 'a ') + words
