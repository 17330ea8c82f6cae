"""The three stages on a tiny random LLaVA-OneVision: the loss falls, and gradients are where a stage wants them, by name."""
from pathlib import Path
from random import Random

import pytest
from safetensors.torch import load_file
import torch

pytest.importorskip('peft', reason='the extra `llava` is not installed')

from trainer.backbones.pretrained.lessons import Lesson, Teacher
from trainer.backbones.llava_onevision.load import load_llava, tiny_llava, tiny_tokenizer
from trainer.backbones.llava_onevision.model import LlavaOnevision, part_of
from trainer.backbones.pretrained.objective import objective
from trainer.backbones.task_weights import Weights
from trainer.backbones.llava_onevision.settings import TINY
from trainer.backbones.llava_onevision.stages import STAGES
from trainer.backbones.llava_onevision.train import train
from trainer.backbones.staged import Run, StoppedError, keep_in_fp32, optimiser_of, run_stage
from trainer.data.clip import Clip, SpriteWorld
from trainer.data.config import WorldConfig
from trainer.parity.llava import plain

STEPS = {'assign': 30, 'heads': 50, 'together': 40}
TIMES = {'assign': 100.0, 'heads': 50.0, 'together': 30.0}   # the published rates are for pretrained weights
HEADS = {'heads.region', 'heads.mask', 'heads.moment'}
WORDS = {'words.triggers', 'words.tasks', 'words.outputs'}


@pytest.fixture(scope='module')
def clips() -> list[Clip]:
    world = SpriteWorld(WorldConfig.load('spriteworld-v1', size=64))
    return [world.clip('train', number) for number in range(4)]


@pytest.fixture(scope='module')
def trained(tmp_path_factory: pytest.TempPathFactory, clips: list[Clip]) -> dict[str, tuple[dict[str, float], dict[str, float]]]:
    """All three stages in turn, each on the same few lessons at every step; by stage its parts before and after."""
    model, found = tiny_llava(), {}
    for name, stage in STAGES.items():
        taught = fixed(model, clips, stage.heads, stage.boxes)
        before = parts(model, taught, stage.weights)
        with open(tmp_path_factory.mktemp(name) / 'log', 'w') as log:
            run_stage(model, stage, lambda _: taught, STEPS[name], Run(Path(), STEPS[name], times=TIMES[name]), log, objective, part_of)
        found[name] = before, parts(model, taught, stage.weights)
    return found


def fixed(model: LlavaOnevision, clips: list[Clip], heads: bool, boxes: bool = False) -> list[Lesson]:
    """Asked questions, with heads a forced one of every sort, present and absent, and with boxes some about what is in one."""
    teacher = Teacher(model.language, model.settings.frames, Random(5))
    asked = [teacher.lesson(clip, heads=False) for clip in clips for _ in range(2)]
    targets = {(target.task, target.present): (clip, target) for clip in clips for ask in clip.asks for target in ask.targets}
    about_boxes = [teacher.boxed_lesson(clip) for clip in clips for _ in range(2)] if boxes else []
    return asked + about_boxes + ([teacher.forced_lesson(*pair) for pair in targets.values()] if heads else [])


@torch.no_grad()
def parts(model: LlavaOnevision, lessons: list[Lesson], weights: Weights) -> dict[str, float]:
    model.eval()
    sums: dict[str, float] = {}
    for name, value in objective(model, lessons, weights).items():
        sums[name.split('.')[0]] = sums.get(name.split('.')[0], 0.0) + float(value)
    return sums


@pytest.mark.parametrize('stage', list(STAGES))
def test_the_loss_of_every_stage_falls(trained: dict, stage: str) -> None:
    before, after = trained[stage]
    assert sum(after.values()) < sum(before.values()) * 0.97


@pytest.mark.parametrize('part', ['region', 'mask', 'moment'])
def test_stage_2_teaches_every_head(trained: dict, part: str) -> None:
    before, after = trained['heads']
    assert after[part] < before[part] * 0.95


def test_stage_1_has_no_head_loss(trained: dict) -> None:
    assert trained['assign'][0].keys() == {'text'}


@pytest.mark.parametrize(('stage', 'learns'), [
    ('assign', {'lora', 'words.triggers', 'words.outputs'}),
    ('heads', {'lora', *WORDS, *HEADS}),
    ('together', {'lora', *WORDS, *HEADS, 'box', 'connector', 'vision'}),
])
def test_gradients_are_where_the_stage_wants_them(clips: list[Clip], stage: str, learns: set[str]) -> None:
    model = warmed()
    optimiser_of(model, STAGES[stage], 1.0, part_of)
    torch.stack(list(objective(model, fixed(model, clips, STAGES[stage].heads, STAGES[stage].boxes), STAGES[stage].weights).values())).sum().backward()
    without = {name for name, parameter in model.named_parameters() if part_of(name) in learns and not reached(parameter)}
    assert without <= UNREAD
    assert {part_of(name) for name, parameter in model.named_parameters() if reached(parameter)} == learns


# The tower's last norm stands behind the layer that LLaVA-OneVision reads.
UNREAD = {f'lm.base_model.model.model.vision_tower.post_layernorm.{kind}' for kind in ('weight', 'bias')}


@pytest.mark.parametrize('task', ['region', 'mask', 'moment'])
def test_a_heads_loss_alone_reaches_language_model_connector_and_tower_through_its_task_token(clips: list[Clip], task: str) -> None:
    """TPO's point: the preference of a head trains the multimodal model. Features of the head are cut off, so that only the state is left as a way."""
    model = warmed()
    optimiser_of(model, STAGES['together'], 1.0, part_of)
    teacher = Teacher(model.language, model.settings.frames, Random(1))
    lesson = next(teacher.forced_lesson(clip, target) for clip in clips for ask in clip.asks for target in ask.targets if target.present and teacher.pointing(clip, target, 0).task == task)
    encode = model.encode
    model.encode = lambda frames: with_cut_features(encode(frames))
    weights = {name: float(name == task) for name in ('region', 'mask', 'moment')}
    torch.stack(list(objective(model, [lesson], Weights(text=0.0, **weights)).values())).sum().backward()
    got = {name for name, parameter in model.named_parameters() if reached(parameter)}
    assert 'words.tasks' in got and f'heads.{task}' in {part_of(name) for name in got}
    assert {f'lm.base_model.model.model.language_model.layers.{layer}.self_attn.v_proj.lora_{kind}.default.weight' for layer in (0, 1) for kind in 'AB'} <= got
    assert 'lm.base_model.model.model.multi_modal_projector.linear_1.weight' in got
    assert 'lm.base_model.model.model.image_newline' in got
    assert 'lm.base_model.model.model.vision_tower.embeddings.patch_embedding.weight' in got
    assert not [name for name in got if part_of(name) == 'base' or part_of(name) in HEADS - {f'heads.{task}'}]


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As it is published: to be loaded in bf16 for a GPU. Shown on a CPU."""
    folder = tmp_path_factory.mktemp('published')
    plain(tiny_llava()).save_pretrained(folder)
    tiny_tokenizer().save(str(folder / 'tokenizer.json'))
    return folder


def test_a_model_in_bf16_trains_in_fp32_beside_a_frozen_rest_in_bf16(folder: Path, clips: list[Clip]) -> None:
    model = load_llava(folder, TINY, torch.bfloat16).train()
    keep_in_fp32(model, part_of)
    optimiser_of(model, STAGES['together'], 1.0, part_of)
    torch.stack(list(objective(model, fixed(model, clips, heads=True, boxes=True), STAGES['together'].weights).values())).sum().backward()
    assert model.published.lm_head.weight.dtype == torch.bfloat16
    assert {parameter.dtype for name, parameter in model.named_parameters() if part_of(name) != 'base'} == {torch.float32}
    assert {part_of(name) for name, parameter in model.named_parameters() if reached(parameter)} == set(STAGES['together'].rates)


def test_a_model_in_bf16_moves_as_much_as_one_in_fp32(folder: Path, clips: list[Clip]) -> None:
    """At the paper's own rates: steps so small are lost where numbers are kept in bf16."""
    whole, half = (moved(load_llava(folder, TINY, dtype), clips) for dtype in (torch.float32, torch.bfloat16))
    assert whole.keys() == half.keys() == STAGES['together'].rates.keys()
    assert all(half[part] > whole[part] - 0.03 for part in whole), (whole, half)


def moved(model: LlavaOnevision, clips: list[Clip]) -> dict[str, float]:
    """Part → the share of its numbers that a dozen steps changed."""
    keep_in_fp32(model, part_of)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    lessons = fixed(model, clips, heads=True, boxes=True)
    with open('/dev/null', 'w') as log:
        run_stage(model, STAGES['together'], lambda _: lessons, 12, Run(Path(), 12), log, objective, part_of)
    changed = {name: (parameter != before[name]).flatten() for name, parameter in model.named_parameters()}
    return {part: float(torch.cat([each for name, each in changed.items() if part_of(name) == part]).float().mean()) for part in STAGES['together'].rates}


def with_cut_features(sight):  # noqa: ANN001, ANN201 — Sight in, Sight out
    return sight._replace(features=sight.features.detach())


def warmed() -> LlavaOnevision:
    """LoRA begins at zero and lets nothing through to its other half: a little noise."""
    model = tiny_llava().train()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if 'lora_B' in name:
                parameter.normal_(std=0.05)
    return model


def reached(parameter: torch.nn.Parameter) -> bool:
    return parameter.grad is not None and bool(parameter.grad.abs().sum() > 0)


def test_the_command_trains_a_stage_and_the_next_goes_on(tmp_path: Path) -> None:
    from typer.testing import CliRunner
    from trainer.cli import app
    train_with = lambda stage: CliRunner().invoke(app, ['train', stage, '--config', 'llava-onevision-tiny', '--steps', '2', '--batch', '2', '--run', str(tmp_path), '--device', 'cpu'])
    first, second, wrong = train_with('assign'), train_with('heads'), train_with('look')
    assert first.exit_code == 0 and 'assign: loss' in first.output
    assert second.exit_code == 0 and 'Goes on from' in second.output
    assert wrong.exit_code == 2


def test_a_run_that_stopped_goes_on_to_the_same_curve(tmp_path: Path) -> None:
    """Stopped after every step: optimiser, warm-up, lessons and random numbers go on where they were, over the stages' ends too."""
    names, sizes = list(STAGES), {'steps': 6, 'batch': 1, 'clips': 3}
    whole = train(tiny_llava(), names, Run(tmp_path / 'whole', **sizes))
    for _ in range(5):
        try:
            parts = train(tiny_llava(), names, Run(tmp_path / 'parts', **sizes, minutes=0))
        except StoppedError:
            continue
        break
    assert {name: curve for name, curve in whole.items() if name in parts} == parts
    weights = [load_file(tmp_path / run / 'trained.safetensors') for run in ('whole', 'parts')]
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())
