"""Parameters that modules share stand in a checkpoint under every name; a file in which they differ is refused."""
from pathlib import Path
import random

import pytest
import torch

from trainer.checkpoint import CheckpointMismatch, Progress, load, save
from trainer.config import TINY
from trainer.model import TpoModel


def saved(path: Path) -> Path:
    model = TpoModel(TINY)
    save(path, model, torch.optim.AdamW(model.parameters()), Progress('look', 1, 1, 0.0), random.Random(0))
    return path


def test_a_whole_checkpoint_is_loaded(tmp_path: Path) -> None:
    assert load(saved(tmp_path / 'whole.pt'), TpoModel(TINY)).step == 1


def test_one_put_together_by_a_single_name_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / 'torn.pt')
    state = torch.load(path, weights_only=False)
    state['model']['backbone.nouns.vectors'] = state['model']['backbone.nouns.vectors'] + 1
    torch.save(state, path)
    with pytest.raises(CheckpointMismatch, match=r'backbone\.nouns\.vectors and .*nouns\.vectors are one parameter and differ'):
        load(path, TpoModel(TINY))
