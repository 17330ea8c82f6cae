"""One step with every loss moves every trained parameter of the neck, the words, the language model and all heads, in nano as in tiny."""
import pytest
import torch

from trainer.batch import Batch
from trainer.config import NANO, TINY, NanoConfig
from trainer.model import TpoModel
from trainer.objective import Weights, objective
from trainer.stills import StillSource, stills_loss

from .random_eyes import RandomEyes


@pytest.mark.parametrize('config', [TINY, NANO], ids=lambda config: config.name)
def test_a_step_of_everything_reaches_every_parameter(config: NanoConfig, batch: Batch):
    torch.manual_seed(0)
    model = TpoModel(config)
    stills = StillSource(RandomEyes(), 1, 0).draw(1)
    torch.stack([*objective(model, batch, Weights(align=0.5)).values(), *stills_loss(model, stills.eyes, stills.stills, 1.0).values()]).sum().backward()
    silent = {name for name, parameter in model.named_parameters() if parameter.grad is None or not parameter.grad.abs().sum() > 0}
    assert silent == {'backbone.texture.weigh.weight', 'backbone.texture.weigh.bias'}  # fitted apart: trainer/photograph.py


@pytest.mark.parametrize('part', ['backbone.neck', 'backbone.nouns', 'backbone.words', 'backbone.decoder', 'reader', 'region', 'mask', 'moment'])
def test_the_parts_that_a_stage_names_exist(part: str):
    assert any(name.startswith(part + '.') for name, _ in TpoModel(TINY).named_parameters())
