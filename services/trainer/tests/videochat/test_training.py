"""The three stages on a tiny random VideoChat: the loss falls, and gradients are where a stage wants them, by name."""
from pathlib import Path

import pytest
import torch

pytest.importorskip('peft', reason='the extra `videochat` is not installed')
pytest.importorskip('sam2', reason='the module `sam2` is not installed (docs/models.md)')

from trainer.backbones.staged import Run, optimiser_of, run_stage
from trainer.backbones.videochat.config import VIDEOCHAT_TINY as C
from trainer.backbones.videochat.language_model import decoder
from trainer.backbones.videochat.model import VideoChat
from trainer.backbones.task_weights import Weights
from trainer.backbones.videochat.objective import Lesson, Moment, objective
from trainer.backbones.videochat.stages import HEADS, STAGES, part_of
from trainer.backbones.videochat.tiny import tiny_videochat
from trainer.backbones.videochat.train import in_mixed_precision
from trainer.parity.seeded import seeded

STEPS = {'assign': 25, 'heads': 40, 'together': 25}
TIMES = {'assign': 200.0, 'heads': 30.0, 'together': 50.0}   # the published rates are for pretrained weights


def taught() -> list[Lesson]:
    """One of each head, two of different videos for moments, one with a given box, one of words alone."""
    of, visual = tiny_videochat().ids.of, C.queries + C.extra_queries
    clips = seeded('clips', 12, C.moment.clip)
    clips[4:8] += 2
    found = Moment(seeded('words', 5, C.width), clips, torch.tensor([[4 / 12, 8 / 12]]), video='one')
    other_clips = seeded('other clips', 10, C.moment.clip)
    other_clips[:3] -= 2
    other_found = Moment(seeded('other words', 4, C.width), other_clips, torch.tensor([[0.0, 0.3]]), video='two')
    box, other = torch.tensor([0.2, 0.3, 0.5, 0.7]), torch.tensor([0.5, 0.1, 0.9, 0.4])

    def lesson(name: str, prompt: list[int], answer: list[int], **truth: object) -> Lesson:
        ids = [1, *[0] * visual, *prompt, *answer, 2]
        place, size = len(ids) - 2, len(ids)
        spoken = [index > visual + len(prompt) and (index != place or len(answer) != 2) for index in range(size)]
        placed = {key: [(place, value)] if key != 'given' else [value] for key, value in truth.items()}
        return Lesson(seeded(name, 3, C.frames, C.picture, C.picture), ids, [0 < index <= visual for index in range(size)], spoken, **placed)

    return [
        lesson('a', [7, 9, 11], [of('<box_begin>'), of('<boxes>')], boxes=box),
        lesson('b', [8, 9, 12], [of('<track_begin>'), of('<tracking>')], followed=other),
        lesson('c', [8, of('<track_box>')], [of('<track_begin>'), of('<tracking>')], followed=box, given=box),
        lesson('d', [7, 12, 19], [of('<time_begin>'), of('<temp>')], moments=found),
        lesson('f', [7, 13, 18], [of('<time_begin>'), of('<temp>')], moments=other_found),
        lesson('e', [16, 15, 17], [8, 9, 11]),
    ]


@pytest.fixture(scope='module')
def trained() -> dict[str, tuple[dict[str, float], dict[str, float]]]:
    model, lessons, found = tiny_videochat(with_sam=True), taught(), {}
    torch.manual_seed(2)
    for name, stage in STAGES.items():
        before = parts(model, lessons, stage.weights)
        with open('/dev/null', 'w') as log:
            run_stage(model, stage, lambda _: lessons, STEPS[name], Run(Path(), STEPS[name], times=TIMES[name]), log, objective, part_of)
        found[name] = before, parts(model, lessons, stage.weights)
    return found


@torch.no_grad()
def parts(model: VideoChat, lessons: list[Lesson], weights: Weights) -> dict[str, float]:
    model.eval()
    sums: dict[str, float] = {}
    for name, value in objective(model, lessons, weights).items():
        sums[name.split('.')[0]] = sums.get(name.split('.')[0], 0.0) + float(value)
    return sums


@pytest.mark.parametrize('stage', list(STAGES))
def test_the_loss_of_every_stage_falls(trained: dict, stage: str) -> None:
    before, after = trained[stage]
    assert sum(after.values()) < sum(before.values()) * 0.97


@pytest.mark.parametrize('head', HEADS)
def test_stage_2_teaches_every_head(trained: dict, head: str) -> None:
    before, after = trained['heads']
    assert after[head] < before[head] * 0.9


# In the checkpoint, and read by nothing: neither the answer nor a loss of CG-DETR's training.
UNREAD = ('cg_model.txt_proj_linear', 'cg_model.txt_position_embed')


@pytest.mark.parametrize('stage', list(STAGES))
def test_gradients_are_where_the_stage_wants_them(stage: str) -> None:
    model = warmed()
    optimiser_of(model, STAGES[stage], 1.0, part_of)
    torch.stack(list(objective(model, taught(), STAGES[stage].weights).values())).sum().backward()
    learns = set(STAGES[stage].rates)
    without = {name for name, parameter in model.named_parameters() if part_of(name) in learns and not reached(parameter) and not name.startswith(UNREAD)}
    assert without <= EXPECTED
    assert {part_of(name) for name, parameter in model.named_parameters() if reached(parameter)} == learns


# Words enter the Q-Former only with an instruction, and none is given; the content of CG-DETR's queries is zero before the first layer of its decoder.
EXPECTED = {
    *(f'cg_model.transformer.decoder.layers.0.sa_{part}_proj.weight' for part in ('qcontent', 'kcontent', 'v')),
    *(f'qformer.bert.encoder.layer.{layer}.{part}.{kind}' for layer in range(C.bridge_layers) for part in ('intermediate.dense', 'output.dense', 'output.LayerNorm') for kind in ('weight', 'bias')),
    'qformer.bert.embeddings.word_embeddings.weight', 'qformer.bert.embeddings.position_embeddings.weight',
}


@pytest.mark.parametrize(('head', 'place'), [('region', 0), ('mask', 1), ('moment', 3)])
def test_a_heads_loss_alone_trains_the_language_model_connector_and_tower(head: str, place: int) -> None:
    model = warmed()
    optimiser_of(model, STAGES['together'], 1.0, part_of)
    weights = Weights(text=0.0, **{name: float(name == head) for name in HEADS})
    torch.stack(list(objective(model, [taught()[place]], weights).values())).sum().backward()
    got = {name for name, parameter in model.named_parameters() if reached(parameter)}
    assert {part_of(name) for name in got} == {head, 'lora', 'connector', 'vision'}
    assert {'project_up.weight', 'extra_query_tokens', 'vision_encoder.encoder.patch_embed.proj.weight', 'lm.base_model.model.model.layers.0.self_attn.v_proj.lora_A.default.weight'} <= got
    assert {'region': 'box_token', 'mask': 'track_token', 'moment': 'temporal_token'}[head] in got


def test_a_checkpoint_in_bf16_trains_in_fp32_beside_a_frozen_rest_in_bf16() -> None:
    """Shown on a CPU; on a GPU it is the same code."""
    model = in_mixed_precision(warmed().to(torch.bfloat16))
    optimiser_of(model, STAGES['together'], 1.0, part_of)
    torch.stack(list(objective(model, taught(), STAGES['together'].weights).values())).sum().backward()
    assert {parameter.dtype for name, parameter in model.named_parameters() if part_of(name) != 'base'} == {torch.float32}
    assert decoder(model.lm).layers[0].self_attn.q_proj.base_layer.weight.dtype == torch.bfloat16
    assert {part_of(name) for name, parameter in model.named_parameters() if reached(parameter)} == set(STAGES['together'].rates)


def test_a_checkpoint_in_bf16_moves_as_much_as_one_in_fp32() -> None:
    """At the paper's own rates: steps so small are lost where numbers are kept in bf16."""
    whole, half = (moved(in_mixed_precision(warmed().to(torch.bfloat16).to(dtype))) for dtype in (torch.float32, torch.bfloat16))
    assert whole.keys() == half.keys() == STAGES['together'].rates.keys()
    assert all(half[part] > whole[part] - 0.03 for part in whole), (whole, half)


def moved(model: VideoChat) -> dict[str, float]:
    """Part → the share of its numbers that a dozen steps changed."""
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    lessons = taught()
    with open('/dev/null', 'w') as log:
        run_stage(model, STAGES['together'], lambda _: lessons, 12, Run(Path(), 12), log, objective, part_of)
    changed = {name: (parameter != before[name]).flatten() for name, parameter in model.named_parameters()}
    return {part: float(torch.cat([each for name, each in changed.items() if part_of(name) == part]).float().mean()) for part in STAGES['together'].rates}


def test_the_command_trains_on_spriteworld(tmp_path: Path) -> None:
    from typer.testing import CliRunner
    from trainer.cli import app
    done = CliRunner().invoke(app, ['train', 'all', '--config', 'videochat-tiny', '--steps', '6', '--batch', '2', '--run', str(tmp_path), '--device', 'cpu'])
    assert done.exit_code == 0, done.output
    assert 'together: loss' in done.output and (tmp_path / 'trained.safetensors').exists()


def warmed() -> VideoChat:
    """LoRA begins at zero and lets nothing through to its other half: a little noise. Dropout off, so that no branch is missing by chance."""
    model = tiny_videochat(with_sam=True).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if 'lora_B' in name:
                parameter.normal_(std=0.05)
    return model


def reached(parameter: torch.nn.Parameter) -> bool:
    return parameter.grad is not None and bool(parameter.grad.abs().sum() > 0)
