"""The trained encoder begins as ImageNet's, learns, and its features are not mistaken for another's."""
from pathlib import Path

import numpy as np
import pytest
import torch

from trainer.backbones.lite0 import TAPS
from trainer.backbones.nano_encoder import NanoEncoder, name_of, pretrained
from trainer.backbones.nano_eyes import taps_of
from trainer.checkpoint import CheckpointMismatch, load_encoder, save_weights
from trainer.config import NANO, TINY
from trainer.feature_cache import FeatureCache, OtherEyes, refuse_other_eyes
from trainer.frozen_runner import FrozenRunner
from trainer.loop import Run, stages_named, train
from trainer.model import TpoModel

PIXELS = torch.rand(2, 3, 160, 160, generator=torch.Generator().manual_seed(0)) * 255


def test_untrained_it_sees_what_imagenet_s_sees() -> None:
    for own, frozen in zip(taps_of(PIXELS, NanoEncoder(), pretrained()), taps_of(PIXELS, None, pretrained())):
        assert torch.allclose(own, frozen, atol=1e-3)


def test_gradients_reach_its_first_layer_and_spare_what_is_lent() -> None:
    own = NanoEncoder()
    taps_of(PIXELS, own, pretrained()).s32.square().mean().backward()
    assert own.stem.weight.grad is not None and own.stem.weight.grad.abs().max() > 0
    assert all(parameter.grad is None for parameter in pretrained().parameters())


def test_the_runner_computes_what_the_module_computes() -> None:
    own = NanoEncoder().eval()
    with torch.no_grad():
        for parameter in own.parameters():
            parameter.mul_(1.02)
        wanted = taps_of(PIXELS.byte().float(), own, pretrained())
    frames = PIXELS.byte().permute(0, 2, 3, 1).contiguous().numpy()
    for found, tap in zip(FrozenRunner(own, evidence=False).look(frames), wanted):
        assert np.abs(found - tap.numpy()).max() < 1e-2 * float(tap.abs().max())
    assert len(wanted) == len(TAPS)


def test_weights_keep_it_and_half_precision_keeps_its_name(tmp_path: Path) -> None:
    model = TpoModel(NANO)
    assert model.backbone.encoder is not None
    with torch.no_grad():
        model.backbone.encoder.stem.weight.mul_(1.1)
    save_weights(tmp_path / 'weights.safetensors', model, 1)
    assert name_of(load_encoder(tmp_path / 'weights.safetensors')) == name_of(model.backbone.encoder) != name_of(NanoEncoder())


def test_weights_without_one_are_refused(tmp_path: Path) -> None:
    save_weights(tmp_path / 'weights.safetensors', TpoModel(TINY), 1)
    with pytest.raises(CheckpointMismatch, match='no encoder of its own'):
        load_encoder(tmp_path / 'weights.safetensors')


def test_another_encoder_s_features_are_refused_before_time_is_spent(cache_folder_small: Path, tmp_path: Path) -> None:
    with pytest.raises(OtherEyes, match='data cache --eyes'):
        refuse_other_eyes(FeatureCache(cache_folder_small), NanoEncoder())
    with pytest.raises(OtherEyes, match='holds features of the encoder imagenet'):
        train(TpoModel(NANO), stages_named(['together']), Run(tmp_path, cache_folder_small, 2))
    with pytest.raises(OtherEyes, match='Train look alone'):
        train(TpoModel(NANO), stages_named(['look', 'together']), Run(tmp_path, cache_folder_small, 2))
