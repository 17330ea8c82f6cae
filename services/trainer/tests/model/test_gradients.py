from dataclasses import replace

import torch

from trainer.batch import Batch
from trainer.config import TINY
from trainer.model import TpoModel
from trainer.objective import Weights, objective


def names_with_gradient(model: torch.nn.Module) -> set[str]:
    return {name for name, parameter in model.named_parameters() if parameter.grad is not None and parameter.grad.abs().sum() > 0}


def only(**kept: float) -> Weights:
    return Weights(**({'text': 0.0, 'align': 0.0, 'presence': 0.0, 'name': 0.0, 'region': 0.0, 'mask': 0.0, 'track': 0.0, 'moment': 0.0} | kept))


def test_every_head_alone_teaches_the_language_model_and_the_connector(batch: Batch):
    for task in ('region', 'mask', 'moment'):
        torch.manual_seed(0)
        model = TpoModel(TINY)
        torch.stack([value for value in objective(model, batch, only(**{task: 1.0})).values()]).sum().backward()
        reached = names_with_gradient(model)
        for name in ('backbone.decoder.layers.0.qkv.weight', 'backbone.neck.connector.0.weight', 'backbone.words.words'):
            assert name in reached, f'{task} does not reach {name}'


def test_with_a_thawed_encoder_the_region_loss_reaches_language_model_connector_and_encoder():
    from trainer.backbones.nano_eyes import FrozenEyes, HeadMap, NanoEyes, split_map
    from trainer.losses.region import RegionTargets, region_loss

    torch.manual_seed(0)
    model, frozen = TpoModel(replace(TINY, own_encoder=True)), FrozenEyes(TINY)
    visual, s8, _ = NanoEyes(TINY, frozen, model.backbone.encoder, model.backbone.neck, model.backbone.nouns, model.backbone.texture)(torch.randint(0, 256, (2, 160, 160, 3), dtype=torch.uint8))
    clip = visual[:1].expand(TINY.frames, -1, -1)[None]
    times = torch.linspace(-3750, 0, TINY.frames)[None]
    ids = torch.tensor([[3, 20, 40, 5, 8]])
    text = model.backbone.embed(ids, clip, times)
    hidden = model.read(model.backbone.prefix(clip, times), text, torch.zeros(1, 5, dtype=torch.long), torch.arange(5)[None])
    maps: HeadMap = split_map(s8[1:], TINY)
    parts = region_loss(model.region.maps(maps, hidden[:, -1]), RegionTargets(torch.tensor([[0.2, 0.2, 0.5, 0.6]]), torch.tensor([0])))
    torch.stack(list(parts.values())).sum().backward()
    reached = names_with_gradient(model)
    assert {'backbone.decoder.layers.0.qkv.weight', 'backbone.neck.connector.0.weight', 'backbone.encoder.stem.weight', 'backbone.encoder.blocks.10.project.weight'} <= reached
    assert not names_with_gradient(frozen)
