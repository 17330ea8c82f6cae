"""How `small` sees and hears."""
from random import Random

import torch

from trainer.backbones.pretrained.objective import hear
from trainer.backbones.pretrained.speak import Speaker
from trainer.backbones.small.clips import LiveClips
from trainer.backbones.small.lessons import CachedTeacher
from trainer.backbones.small.model import Small, pooling
from trainer.backbones.small.packed_taps import COUNT, pack, unpack
from trainer.vocabulary import vocabulary


@torch.no_grad()
def test_frames_and_what_the_encoder_found_in_them_are_the_same_to_it(model: Small, clips: LiveClips) -> None:
    frames = torch.from_numpy(clips.world.clip('train', 0).frames)
    seen, kept = model.encode(frames[None]), model.encode(clips[0].packed[None])
    assert clips[0].packed.shape == (16, COUNT)
    assert torch.allclose(seen.visual, kept.visual, atol=1e-5) and torch.allclose(seen.features, kept.features, atol=1e-5)
    assert seen.visual.shape == (1, 16, 25, 576) and seen.features.shape == (1, 16, 128, 20, 20)


@torch.no_grad()
def test_taps_come_out_of_a_pack_as_they_went_in(model: Small) -> None:
    taps = model.eyes(torch.randint(0, 256, (2, 160, 160, 3), dtype=torch.uint8))
    assert all(torch.equal(there, back) for there, back in zip((taps.s8, taps.s16, taps.s32), unpack(pack(taps))))


@torch.no_grad()
def test_the_prefix_has_four_tokens_of_earlier_frames_and_all_of_the_last(model: Small, clips: LiveClips) -> None:
    visual = model.encode(clips[0].packed[None]).visual
    prefix = model.prefix(visual)
    assert prefix.shape == (1, 4 * 15 + 25 + 1, 576)
    assert torch.allclose(prefix[0, 60:85], visual[0, -1], atol=1e-6)
    corner = visual[0, 0].unflatten(0, (5, 5))
    wanted = sum(weight * corner[line, column] for line, column, weight in [(0, 0, 4), (0, 1, 4), (1, 0, 4), (1, 1, 4), (0, 2, 2), (1, 2, 2), (2, 0, 2), (2, 1, 2), (2, 2, 1)]) / 25
    assert torch.allclose(prefix[0, 0], wanted, atol=1e-5) and torch.allclose(pooling().sum(1), torch.ones(4))


@torch.no_grad()
def test_questions_that_share_a_pass_over_the_pictures_are_heard_as_if_each_had_its_own(model: Small, clips: LiveClips) -> None:
    lessons = [lesson for number in range(2) for lesson in CachedTeacher(model.language, 16, Random(number), clips[number].packed).lessons(clips[number].clip, True, 6)]
    frames = [clips[0].packed, clips[1].packed]
    owner = torch.tensor([next(place for place, packed in enumerate(frames) if packed is lesson.frames) for lesson in lessons])
    sight = model.encode(torch.stack(frames))
    together = hear(model, sight, lessons, owner)
    for row in (0, 5, len(lessons) - 1):
        lesson, ids = lessons[row], lambda ids: model.embed(torch.tensor([ids]))
        alone = model.hear(torch.cat([ids(lesson.before), model.prefix(sight.visual)[owner[row], None], ids([*lesson.after, *lesson.answer])], 1))
        count = len(lesson.after) + len(lesson.answer)
        assert torch.allclose(together[row, :count], alone[0, -count:], atol=2e-4)


@torch.no_grad()
def test_a_state_in_serving_is_the_state_in_training(model: Small, clips: LiveClips) -> None:
    frames = torch.from_numpy(clips.world.clip('train', 0).frames)
    speaker, language = Speaker(model), model.language
    sight = speaker.see(frames)
    before, after = language.prompt('the dog')
    ids = lambda ids: model.embed(torch.tensor([ids]))
    whole = model.decode(torch.cat([ids(before), model.prefix(sight.visual), ids([*after, *language.forced('the dog', 'region')])], 1))
    assert torch.allclose(speaker.force(sight, 'the dog', 'region').state[0], whole.hidden[0, -1], atol=2e-4)


@torch.no_grad()
def test_a_word_of_the_language_model_is_called_by_its_name(model: Small) -> None:
    """A token that is the row of a word is named by that word."""
    table, encode = model.published.get_input_embeddings().weight, model.language.encode
    for noun in ('dog', 'car', 'banana'):
        nouns, _ = model.naming.tokens(table[encode(f' {noun}')].mean(0))
        assert vocabulary().nouns[int(nouns.argmax())] == noun
