"""The stages of `small` on real weights, two layers deep: the loss falls, and gradients are where a stage wants them, by name."""
from pathlib import Path

import pytest
import torch

from tests.small.conftest import warmed
from trainer.backbones.pretrained.objective import objective
from trainer.backbones.task_weights import Weights
from trainer.backbones.small.clips import LiveClips
from trainer.backbones.small.model import Small
from trainer.backbones.small.stages import ALIGN, NAMES, STAGES
from trainer.backbones.small.train import row
from trainer.backbones.staged import Run, optimiser_of, run_stage

STEPS = {'align': 20, 'assign': 8, 'find': 15, 'heads': 10, 'together': 8}
HEADS = {'heads.region', 'heads.mask', 'heads.moment'}


def taught(model: Small, clips: LiveClips, stage: str) -> tuple:
    """A stage with the same lessons at every step."""
    row_of, source, objective_of = row(model, stage, Run(Path(), 1, batch=2, clips=len(clips)), clips)
    lessons = source(0)
    return row_of, lambda _: lessons, objective_of


@pytest.fixture(scope='module')
def trained(tmp_path_factory: pytest.TempPathFactory, clips: LiveClips) -> dict[str, tuple[dict[str, float], dict[str, float]]]:
    """All stages in turn; by stage the parts of its loss before and after."""
    model, found = warmed(), {}
    for name in NAMES:
        stage, source, objective_of = taught(model, clips, name)
        measure = lambda: {part: float(value) for part, value in objective_of(model.eval(), source(0), stage.weights).items()}
        with torch.no_grad():
            before = measure()
        with open(tmp_path_factory.mktemp(name) / 'log', 'w') as log:
            run_stage(model, stage, source, STEPS[name], Run(Path(), STEPS[name]), log, objective_of, model.part_of)
        with torch.no_grad():
            found[name] = before, measure()
    return found


@pytest.mark.parametrize('stage', NAMES)
def test_the_loss_of_every_stage_falls(trained: dict, stage: str) -> None:
    before, after = trained[stage]
    assert sum(after.values()) < sum(before.values()) * 0.95


@pytest.mark.parametrize('part', ['region.heat', 'mask.bce', 'state.noun'])
def test_the_stage_of_the_heads_teaches_them(trained: dict, part: str) -> None:
    before, after = trained['heads']
    assert after[part] < before[part] * 0.95


@pytest.mark.parametrize('stage', NAMES)
def test_gradients_are_where_the_stage_wants_them(clips: LiveClips, stage: str) -> None:
    model = warmed()
    row_of, source, objective_of = taught(model, clips, stage)
    optimiser_of(model, row_of, 1.0, model.part_of)
    torch.stack(list(objective_of(model, source(0), row_of.weights).values())).sum().backward()
    reached = {name for name, parameter in model.named_parameters() if parameter.grad is not None and bool(parameter.grad.abs().sum() > 0)}
    assert {model.part_of(name) for name in reached} == set(row_of.rates)
    without = {name for name, parameter in model.named_parameters() if model.part_of(name) in row_of.rates and name not in reached}
    assert without <= UNREAD[stage]


# Alignment runs no language model: what only it reads, and the name of a state, stay. Later nothing is named but states.
NAMES_OF_CELLS = {'naming.nothing', 'naming.to_map.weight', 'naming.to_map.bias'}
# The first frame alone has no memory.
ALONE = {f'heads.mask.{part}.{kind}' for part in ('write', 'relevance') for kind in ('weight', 'bias')}
OF_STATES = {f'naming.{part}' for part in ('from_state.weight', 'from_state.bias', 'centred.mean', 'centred.scale')}
UNREAD = {'align': {'age', 'end', *OF_STATES}, 'assign': set(), 'find': ALONE, 'heads': NAMES_OF_CELLS, 'together': NAMES_OF_CELLS}


@pytest.mark.parametrize('task', ['region', 'mask', 'moment'])
def test_a_heads_loss_alone_reaches_lora_and_connector_through_its_task_token(clips: LiveClips, task: str) -> None:
    model = warmed()
    optimiser_of(model, STAGES['together'], 1.0, model.part_of)
    _, source, _ = taught(model, clips, 'together')
    lessons = [lesson for lesson in source(0) if any(pointing.task == task for pointing in lesson.pointings)]
    encode = model.encode
    model.encode = lambda frames: encode(frames)._replace(features=encode(frames).features.detach())
    weights = {name: float(name == task) for name in ('region', 'mask', 'moment')}
    parts = objective(model, lessons, Weights(text=0.0, **weights))
    torch.stack([value for name, value in parts.items() if name.startswith(task)]).sum().backward()
    got = {name for name, parameter in model.named_parameters() if parameter.grad is not None and bool(parameter.grad.abs().sum() > 0)}
    assert {f'lm.base_model.model.model.layers.{layer}.self_attn.v_proj.lora_{kind}.default.weight' for layer in (0, 1) for kind in 'AB'} <= got
    assert 'words.tasks' in got and 'connector.project.1.weight' in got
    assert {model.part_of(name) for name in got} & HEADS == {f'heads.{task}'}


def test_only_the_connector_the_neck_and_names_learn_before_words(clips: LiveClips) -> None:
    assert set(ALIGN.rates) == {'connector', 'neck', 'naming'}
