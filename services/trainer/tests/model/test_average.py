from pathlib import Path

import pytest
from safetensors.torch import load_file
import torch
from typer.testing import CliRunner

from trainer.checkpoint import load_weights, save_weights
from trainer.cli import app
from trainer.config import NANO, TINY
from trainer.model import TpoModel


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    paths = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        paths.append(tmp_path / f'{seed}.safetensors')
        save_weights(paths[-1], TpoModel(TINY), 7)
    return paths


def test_the_mean_of_weights_is_weights_again(two: list[Path], tmp_path: Path) -> None:
    out = tmp_path / 'mean.safetensors'
    done = CliRunner().invoke(app, ['average', *map(str, two), '--out', str(out), '--shares', '1,3'])
    assert done.exit_code == 0, done.output
    one, other, mean = (load_file(path)['backbone.words.words'].float() for path in (*two, out))
    assert torch.allclose(mean, one * 0.25 + other * 0.75, atol=2e-3)
    assert load_weights(out, TpoModel(TINY)) == 7


def test_weights_of_another_model_have_no_mean_with_these(two: list[Path], tmp_path: Path) -> None:
    save_weights(tmp_path / 'nano.safetensors', TpoModel(NANO), 7)
    done = CliRunner().invoke(app, ['average', str(two[0]), str(tmp_path / 'nano.safetensors'), '--out', str(tmp_path / 'mean.safetensors')])
    assert done.exit_code == 1 and 'checkpoint-mismatch' in done.output and not (tmp_path / 'mean.safetensors').exists()


def test_a_share_for_each_is_asked_for(two: list[Path], tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ['average', *map(str, two), '--out', str(tmp_path / 'mean.safetensors'), '--shares', '1'])
    assert done.exit_code == 2 and 'a share for each' in ' '.join(done.output.replace('│', ' ').split())
