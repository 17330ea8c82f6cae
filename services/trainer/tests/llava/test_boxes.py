"""A question may name boxes: each `<box>` is a word made of four numbers."""
from random import Random

import pytest
import torch

pytest.importorskip('peft', reason='the extra `llava` is not installed')

from trainer.backbones.llava_onevision.load import tiny_llava
from trainer.backbones.pretrained.lessons import Lesson, Teacher
from trainer.backbones.pretrained.objective import objective
from trainer.backbones.pretrained.speak import Speaker
from trainer.backbones.task_weights import Weights
from trainer.data.clip import SpriteWorld
from trainer.data.config import WorldConfig

LEFT, RIGHT = torch.tensor([[0.1, 0.2, 0.4, 0.6]]), torch.tensor([[0.6, 0.2, 0.9, 0.6]])


@pytest.fixture(scope='module')
def world() -> SpriteWorld:
    return SpriteWorld(WorldConfig.load('spriteworld-v1', size=64))


def test_lessons_ask_what_is_in_a_box_and_know_it(world: SpriteWorld) -> None:
    language, clip = tiny_llava().language, world.clip('train', 0)
    teacher = Teacher(language, 8, Random(1))
    lessons = [teacher.boxed_lesson(clip) for _ in range(40)]
    nouns = {thing.noun for thing in clip.things}
    for lesson in lessons:
        assert lesson.after.count(language.box) == 1 and lesson.boxes is not None and lesson.boxes.shape == (1, 4)
        for pointing in lesson.pointings:
            overlap = pointing.masks[0][mask_rows(lesson.boxes[0]), :][:, mask_columns(lesson.boxes[0])].sum() / pointing.masks[0].sum()
            assert overlap > 0.7
    said = {language.shown(lesson.answer).split()[0] for lesson in lessons}
    assert said <= {*(noun.split()[0] for noun in nouns), 'yes', 'no', 'the'} and {'yes', 'no', 'the'} <= said
    assert any(lesson.boxes is not None for _ in range(4) for lesson in teacher.lessons(clip, True, 8, boxes=True))
    assert all(lesson.boxes is None for lesson in teacher.lessons(clip, True, 8))


def mask_rows(box: torch.Tensor) -> slice:
    return slice(int(box[1] * 64), int(box[3] * 64) + 1)


def mask_columns(box: torch.Tensor) -> slice:
    return slice(int(box[0] * 64), int(box[2] * 64) + 1)


@torch.no_grad()
def test_each_box_stands_in_its_place() -> None:
    model = tiny_llava().eval()
    ids = torch.tensor([[5, model.language.box, 7, model.language.box]])
    embeds = model.embed(ids, torch.cat([LEFT, RIGHT]))
    assert torch.allclose(embeds[0, 1], model.box(LEFT)[0]) and torch.allclose(embeds[0, 3], model.box(RIGHT)[0])
    assert torch.equal(embeds[0, [0, 2]], model.embed(ids)[0, [0, 2]])


@torch.no_grad()
def test_a_new_box_lies_where_words_lie() -> None:
    model = tiny_llava()
    table = model.published.get_input_embeddings().weight
    assert 0.5 < float(model.box(torch.rand(50, 4)).std() / table.std()) < 2


def test_a_box_decides_the_answer_once_it_was_taught(world: SpriteWorld) -> None:
    """Two boxes of one picture, two answers: the trigger that each calls for. A random language model under LoRA learns little more."""
    torch.manual_seed(0)
    model, clip = tiny_llava().train(), world.clip('train', 0)
    language, frames = model.language, None
    lessons = []
    for box, task in ((LEFT, 'region'), (RIGHT, 'mask')):
        before, after = language.prompt('what is in <box> ?')
        answer = language.answer(f'<{task}>')[:1]
        frames = frames if frames is not None else torch.from_numpy(clip.frames[::2])
        lessons.append(Lesson(frames, torch.from_numpy(clip.times[::2] - clip.times[-1]), before, after, answer, [True], [], boxes=box))
    learns = [parameter for name, parameter in model.named_parameters() if model.part_of(name) in ('box', 'lora', 'words.outputs')]
    optimiser = torch.optim.AdamW(learns, 5e-3)
    for _ in range(40):
        optimiser.zero_grad()
        objective(model, lessons, Weights())['text'].backward()
        optimiser.step()
    assert all(parameter.grad is not None and bool(parameter.grad.abs().sum() > 0) for parameter in model.box.parameters())
    speaker = Speaker(model)
    sight = speaker.see(frames)
    first = [speaker.ask(sight, 'what is in <box> ?', box).ids[0] for box in (LEFT, RIGHT)]
    assert first == [lesson.answer[0] for lesson in lessons]
