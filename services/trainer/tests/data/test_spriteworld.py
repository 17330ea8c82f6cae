"""The exam's promises (model card: spriteworld/v1), counted on clips."""
import hashlib
from collections import Counter

import numpy as np
import pytest

from trainer.data import appearance, grounding, sprites
from trainer.data.clip import Clip, SpriteWorld, WorldConfig
from trainer.data.splits import is_reserved
from trainer.data.view import runs

COUNT = 130  # clips a split


@pytest.fixture(scope='module')
def world() -> SpriteWorld:
    return SpriteWorld(WorldConfig.load('spriteworld-v1', size=96))


@pytest.fixture(scope='module')
def clips(world: SpriteWorld) -> dict[str, list[Clip]]:
    return {
        'train': [world.clip('train', i) for i in range(COUNT)],
        'dev': [world.clip('dev', i) for i in range(COUNT)],
        'test': [world.clip('test', i) for i in range(COUNT)],
        'held-out': [world.clip('test', i, 'held-out') for i in range(COUNT // 2)],
    }


@pytest.fixture(scope='module')
def every(clips: dict[str, list[Clip]]) -> list[Clip]:
    return [clip for part in clips.values() for clip in part]


def test_a_clip_is_the_same_every_time(world: SpriteWorld) -> None:
    a, b = world.clip('test', 7), SpriteWorld(world.config).clip('test', 7)
    assert np.array_equal(a.frames, b.frames)
    assert a.asks == b.asks
    assert not np.array_equal(a.frames, world.clip('test', 8).frames)


def test_the_size_of_the_picture_does_not_change_the_world() -> None:
    small, large = (SpriteWorld(WorldConfig.load('spriteworld-v1', size=s)).clip('dev', 3) for s in (96, 192))
    assert [t.noun for t in small.things] == [t.noun for t in large.things]
    assert WorldConfig(size=96).hash == WorldConfig(size=192).hash != WorldConfig(frames=8).hash


def test_at_least_120_classes_and_four_training_styles(world: SpriteWorld) -> None:
    assert len(world.nouns) >= 120
    assert len(world.seen) >= 4
    assert all(sum(noun in sprites.nouns_of(s) for s in world.seen) >= 2 for noun in world.nouns), 'every noun needs two training styles'


def test_the_held_out_style_is_never_trained_on(world: SpriteWorld, clips: dict[str, list[Clip]]) -> None:
    assert {t.style for c in clips['held-out'] for t in c.things} == {'twemoji'}
    assert 'twemoji' not in {t.style for part in ('train', 'dev', 'test') for c in clips[part] for t in c.things}
    with pytest.raises(AssertionError, match='never trained on'):
        world.clip('train', 0, 'held-out')


def test_two_to_six_things(every: list[Clip]) -> None:
    numbers = Counter(len(c.things) for c in every)
    assert set(numbers) <= {2, 3, 4, 5, 6}
    assert all(numbers[n] for n in (2, 3, 4, 5, 6))


def test_shares_of_the_exam(every: list[Clip]) -> None:
    single = [t for c in every for a in c.asks if a.kind in ('region', 'mask', 'track') for t in a.targets if len(t.things) == 1]
    grounded = [a for c in every for a in c.asks if a.targets]
    tracks = [c.things[i] for c in every for a in c.asks if a.kind == 'track' for t in a.targets for i in t.things]
    assert np.mean([t.lookalike for t in single]) >= 0.30
    assert np.mean([any(not t.present for t in a.targets) for a in grounded]) >= 0.25
    assert 0.4 <= np.mean([c.camera != 'fixed' for c in every]) <= 0.6
    assert np.mean([max((b - a for a, b in runs(~t.visible[:16]) if a > 0 and b < 16), default=0) >= 3 for t in tracks]) >= 0.20
    aspects = np.array([c.aspect for c in every])
    assert aspects.min() <= 0.76 and aspects.max() >= 1.77 and (np.abs(aspects - 1) < 0.01).mean() > 0.15


def test_every_way_of_telling_apart_is_asked(every: list[Clip]) -> None:
    ways = Counter(t.by for c in every for a in c.asks for t in a.targets if t.lookalike and t.things)
    assert min(ways[w] for w in ('colour', 'place', 'relation', 'motion', 'order')) >= 15, ways


def test_test_clips_share_no_seed_background_or_composition_with_training(world: SpriteWorld, clips: dict[str, list[Clip]]) -> None:
    share = world.config.reserved_pairs

    def pairs(part: str) -> set[tuple[str, str]]:
        return {(a.noun, b.noun) for c in clips[part] for a in c.things for b in c.things if a.noun < b.noun}

    for part in ('train', 'dev'):
        assert not any(is_reserved(a, b, share) for a, b in pairs(part))
    for part in ('test', 'held-out'):
        assert all(any(is_reserved(a.noun, b.noun, share) for a in c.things for b in c.things if a.noun < b.noun) for c in clips[part])
    for a, b in (('train', 'test'), ('train', 'dev'), ('dev', 'test'), ('train', 'held-out'), ('dev', 'held-out')):
        assert not {c.seed for c in clips[a]} & {c.seed for c in clips[b]}
        assert not {c.background for c in clips[a]} & {c.background for c in clips[b]}


def test_boxes_masks_and_visibility_agree(every: list[Clip]) -> None:
    for clip in every[::7]:
        for thing in clip.things:
            assert np.array_equal(thing.masks.any((1, 2)), thing.visible)
            for t in np.flatnonzero(thing.visible):
                rows, columns = np.nonzero(thing.masks[t])
                assert np.allclose(thing.boxes[t] * 96, (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1), atol=1e-3)
        assert not (sum(t.masks.astype(int) for t in clip.things) > 1).any(), 'a pixel belongs to one thing'


def test_answers_carry_a_trigger_for_what_is_there_and_none_else(every: list[Clip]) -> None:
    for clip in every:
        for ask in clip.asks:
            triggers = [word for word in ask.answer.split() if word in ('<region>', '<mask>', '<moment>')]
            assert triggers == [grounding.TRIGGER[t.task] for t in ask.targets if t.present], ask
            assert all(f'<p> {t.phrase} ' in ask.answer for t in ask.targets if t.present), ask
            assert ask.text == ask.text.lower() and '  ' not in ask.text + ask.answer
            for t in ask.targets:
                assert t.phrase in ask.text or ask.kind == 'moment'
                assert all(clip.things[i].noun == t.noun for i in t.things)
                if t.task in ('region', 'mask'):
                    assert all(clip.things[i].clear[ask.frame] for i in t.things)
                assert all(0 <= a < b <= 16 for a, b in t.spans)


def test_an_absent_noun_is_nowhere_in_the_clip(every: list[Clip]) -> None:
    for clip in every:
        for ask in clip.asks:
            for t in ask.targets:
                if not t.things and not t.lookalike:
                    assert t.noun not in [thing.noun for thing in clip.things]


def test_a_direction_holds_in_the_picture_too(every: list[Clip]) -> None:
    """The camera is slow beside the things: whoever judges by the picture alone says the same."""
    for clip in every:
        for thing in clip.things:
            shown = np.flatnonzero(thing.visible)
            if thing.program not in ('move', 'hide', 'cross') or len(shown) < 8:
                continue
            middle = (thing.full[:, :2] + thing.full[:, 2:]) / 2
            step = (middle[shown[-1]] - middle[shown[0]])
            axis, sign = {'left': (0, -1), 'right': (0, 1), 'up': (1, -1), 'down': (1, 1)}[thing.motion]
            assert step[axis] * sign > 0.1, (clip.seed, thing.noun, thing.motion, step)


def test_frames_after_the_question_bring_entries_and_exits() -> None:
    world = SpriteWorld(WorldConfig.load('spriteworld-v1', size=64, after=8))
    changes = 0
    for i in range(40):
        clip = world.clip('train', i)
        assert len(clip.frames) == 24 and all(a.frame == 15 for a in clip.asks)
        changes += sum(bool(t.visible[15] != t.visible[-1]) for t in clip.things)
    assert changes >= 15


def test_the_exam_is_frozen() -> None:
    """Changing what the test split asks is a new exam: a new config with a new name, not an edit."""
    world = SpriteWorld(WorldConfig.load('spriteworld-v1'))
    told = [[(t.noun, t.style, t.colour, t.program) for t in clip.things] + [(a.text, a.answer) for a in clip.asks]
            for clip in (world.clip('test', i, style) for i in range(5) for style in ('seen', 'held-out'))]
    assert world.config.hash == '54659855'
    assert hashlib.blake2b(repr(told).encode(), digest_size=4).hexdigest() == '09c67593'


def test_another_hand_draws_the_same_thing_a_little_differently() -> None:
    picture = sprites.sprite('noto', 'dog', 0)
    warped = appearance.warped(picture, np.random.default_rng(0), 0.06)
    before, after = picture[..., 3] > 127, warped[..., 3] > 127
    overlap = (before & after).sum() / (before | after).sum()
    assert warped.shape == picture.shape and 0.7 < overlap < 0.995
