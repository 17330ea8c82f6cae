from dataclasses import replace
import json
from pathlib import Path
import subprocess
import sys

import pytest
import torch

from trainer.checkpoint import CheckpointMismatch, load, load_weights, save_weights
from trainer.config import TINY
from trainer.loop import Run, train
from trainer.model import TpoModel
from trainer.stages import STAGES, Stage, rate_at


def stage(name: str = 'together') -> Stage:
    return replace(STAGES[name], share=1.0)


def fresh() -> TpoModel:
    torch.manual_seed(5)
    return TpoModel(TINY)


def run_of(folder: Path, cache: Path, **changes) -> Run:
    return Run(folder, cache, **({'steps': 6, 'batch': 2, 'log_every': 1, 'save_seconds': 0.0} | changes))


def losses(folder: Path) -> list[float]:
    return [row['loss'] for row in map(json.loads, (folder / 'metrics.jsonl').read_text().splitlines()) if 'loss' in row]


def test_the_same_seed_gives_the_same_curve_to_the_bit(cache_folder_small: Path, tmp_path: Path):
    for name in ('a', 'b'):
        train(fresh(), [stage()], run_of(tmp_path / name, cache_folder_small, steps=3))
    assert losses(tmp_path / 'a') == losses(tmp_path / 'b')


def test_a_stopped_run_goes_on_with_the_same_curve(cache_folder_small: Path, tmp_path: Path):
    train(fresh(), [stage('base'), stage()], run_of(tmp_path / 'whole', cache_folder_small, steps=6))
    for _ in range(6):  # stopped after every single step
        train(fresh(), [stage('base'), stage()], run_of(tmp_path / 'pieces', cache_folder_small, steps=6, stop_after=0.0))
    assert losses(tmp_path / 'pieces') == losses(tmp_path / 'whole')


def test_training_lowers_the_loss(cache_folder_small: Path, tmp_path: Path):
    everything = replace(stage(), trains=('backbone', 'reader', 'region', 'mask', 'moment'))
    train(fresh(), [everything], run_of(tmp_path, cache_folder_small, steps=32))
    curve = losses(tmp_path)
    assert sum(curve[-8:]) < 0.9 * sum(curve[:8])


def test_a_stage_changes_only_what_it_trains(cache_folder_small: Path, tmp_path: Path):
    model = fresh()
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    train(model, [stage('assign')], run_of(tmp_path, cache_folder_small, steps=2))
    changed = {name for name, value in model.named_parameters() if not torch.equal(value, before[name])}
    assert changed and all(name.startswith(('backbone.decoder', 'backbone.words', 'backbone.nouns.blend', 'backbone.nouns.weigh')) for name in changed)


def test_warm_up_and_cosine():
    rates = [rate_at(step, 100, 1.0) for step in range(100)]
    assert rates[0] == 1 / 20 and max(rates) == 1.0 and rates.index(1.0) == 19
    assert rates[-1] < 0.03 and all(a >= b for a, b in zip(rates[20:], rates[21:]))


def test_two_processes_train_together(cache_folder_small: Path, tmp_path: Path):
    """torchrun on the CPU: both ranks end with the same weights."""
    script = tmp_path / 'pair.py'
    script.write_text(f'''
import sys, torch
from pathlib import Path
from dataclasses import replace
from trainer.config import TINY
from trainer.distributed import close_world, open_world
from trainer.loop import Run, train
from trainer.model import TpoModel
from trainer.stages import STAGES
torch.set_num_threads(1)
rank, world = open_world()
torch.manual_seed(5)
model = TpoModel(TINY)
train(model, [replace(STAGES["together"], share=1.0)], Run(Path({str(tmp_path / "run")!r}), Path({str(cache_folder_small)!r}), 2, batch=2, log_every=1, rank=rank, world=world))
torch.save(model.state_dict(), {str(tmp_path)!r} + f"/rank{{rank}}.pt")
close_world()
''')
    subprocess.run([sys.executable, '-m', 'torch.distributed.run', '--nproc_per_node=2', '--master_port=29613', str(script)], check=True, capture_output=True, timeout=500)
    first, second = (torch.load(tmp_path / f'rank{rank}.pt') for rank in (0, 1))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_checkpoint_of_another_config_is_refused(cache_folder_small: Path, tmp_path: Path):
    train(fresh(), [stage()], run_of(tmp_path, cache_folder_small, steps=1))
    other = TpoModel(replace(TINY, name='other', width=24))
    with pytest.raises(CheckpointMismatch, match='checkpoint.pt was trained with config'):
        load(tmp_path / 'checkpoint.pt', other)


def test_committed_weights_go_round_in_half_precision(tmp_path: Path):
    model = fresh()
    save_weights(tmp_path / 'weights.safetensors', model, 12)
    copy = TpoModel(TINY)
    assert load_weights(tmp_path / 'weights.safetensors', copy) == 12
    for (name, a), (_, b) in zip(model.named_parameters(), copy.named_parameters()):
        assert torch.equal(a.half().float(), b), name
