from dataclasses import replace
import json
from pathlib import Path

import pytest
import torch

from trainer.ablate.arms import ARMS
from trainer.ablate.claims import write_claims
from trainer.ablate.exam import sit
from trainer.ablate.eyes import LEARNING, fingerprint_of, read_eyes
from trainer.ablate.lessons import ArmBatcher
from trainer.ablate.model import ArmModel
from trainer.ablate.row import Row, finish, row_path
from trainer.ablate.scores import Scores
from trainer.ablate.settings import Settings
from trainer.ablate.train import Bench, started, trained
from trainer.ablate.ways import boxes_around
from trainer.checkpoint import save_weights
from trainer.config import TINY
from trainer.feature_cache import FeatureCache
from trainer.objective import look_and_read

SETTINGS = Settings(base_steps=2, steps=3, batch=3, exam_clips=4, config=TINY)


@pytest.fixture
def bench(cache_folder_small: Path, tmp_path: Path) -> Bench:
    return Bench(tmp_path, FeatureCache(cache_folder_small), SETTINGS, 1)


def test_every_arm_is_shown_the_same_frames_and_its_own_questions(bench: Bench):
    whole, text, region = (ArmBatcher(bench.cache, ARMS[name], SETTINGS, 1).at(7) for name in ('tpo', 'text-only', 'region'))
    assert torch.equal(whole.times, text.times) and torch.equal(whole.times, region.times)
    assert torch.equal(whole.alignment.present, text.alignment.present)
    assert len(text.queries.lesson) == 0 and len(region.moment.query) == 0 and len(region.mask.query) == 0 and len(region.region.query) > 0
    kinds = {kind for kinds in region.kinds for kind in kinds}
    assert kinds <= {'region', 'forced-region'}
    assert [[kind for kind in kinds if kind in ('region', 'forced-region')] for kinds in whole.kinds] == region.kinds


@pytest.mark.parametrize('name', ['text-only', 'textual', 'tpo', 'tpo-mlp', 'tpo-imitation'])
def test_an_arm_trains_its_own_parts_and_no_other(bench: Bench, name: str):
    arm, model = ARMS[name], started(bench)
    model.zero_grad()
    for step in range(3, 8):  # so that drawn tracks are among them
        batch = ArmBatcher(bench.cache, arm, SETTINGS, 1).at(step)
        torch.stack(list(arm.way.losses(model, batch, look_and_read(model, batch), arm.weights()).values())).sum().backward()
    reached = {key.split('.')[0] for key, parameter in model.named_parameters() if parameter.grad is not None and parameter.grad.abs().sum() > 0}
    assert reached == {'text-only': {'backbone'}, 'textual': {'backbone'}, 'tpo': {'backbone', 'reader', 'region', 'mask', 'moment'},
                       'tpo-mlp': {'backbone', 'reader', 'mlp', 'mask', 'moment'}, 'tpo-imitation': {'backbone', 'reader', 'region', 'mlp', 'mask', 'moment'}}[name]


def test_a_stopped_arm_goes_on_to_the_same_weights(bench: Bench, tmp_path: Path):
    start = started(bench)
    whole, _ = trained(bench, ARMS['region'], 3, start)
    stopping = replace(bench, folder=tmp_path / 'stopping')
    trained(stopping, ARMS['region'], 3, start, until=2)
    went_on, _ = trained(stopping, ARMS['region'], 3, start)
    assert all(torch.equal(value, went_on.state_dict()[key]) for key, value in whole.state_dict().items())


def test_shared_eyes_stay_as_they_are(bench: Bench, tmp_path: Path):
    other = ArmModel(TINY)
    save_weights(tmp_path / 'weights.safetensors', other, 1)
    eyes = read_eyes(tmp_path / 'weights.safetensors')
    model, _ = trained(replace(bench, eyes=eyes), ARMS['tpo'], 3, None)
    after = dict(model.named_parameters())
    moved = {name for name, value in eyes.items() if not torch.equal(value, after[name])}
    assert moved and all(name.startswith(LEARNING) for name in moved)
    assert fingerprint_of(eyes) == fingerprint_of(read_eyes(tmp_path / 'weights.safetensors')) != fingerprint_of({name: value + 1 for name, value in eyes.items()})


def test_where_the_neck_learns_stage_0_names_cells_and_every_arm_goes_on(bench: Bench, tmp_path: Path):
    save_weights(tmp_path / 'weights.safetensors', ArmModel(TINY), 1)
    learning = replace(bench, eyes=read_eyes(tmp_path / 'weights.safetensors'), settings=replace(SETTINGS, learning=True))
    assert learning.settings.fingerprint() != bench.settings.fingerprint()
    begun, first = learning.model().state_dict(), started(learning).state_dict()
    after = trained(learning, ARMS['text-only'], 3, started(learning))[0].state_dict()
    for name in ('backbone.neck.match_far.weight', 'backbone.nouns.vectors'):
        assert not torch.equal(begun[name], first[name]) and not torch.equal(first[name], after[name])
    assert learning.memory is None and finish(learning, ARMS['text-only'], {'seen': bench.cache, 'held-out': bench.cache}).learning


@pytest.mark.parametrize('name', ['tpo', 'tpo-mlp', 'tpo-imitation', 'textual'])
def test_an_arm_trains_in_half_precision(bench: Bench, name: str):
    model, _ = trained(replace(bench, half=True), ARMS[name], 3, None)
    assert all(torch.isfinite(value).all() and value.dtype == torch.float32 for value in model.parameters())


@pytest.mark.parametrize('name', ['textual', 'tpo', 'moment'])
def test_an_exam_scores_what_the_arm_is_taught(bench: Bench, name: str):
    scores = Scores()
    sit(started(bench), ARMS[name], bench.cache, 4, scores)
    found = scores.means()
    families = {'textual': {'qa', 'trigger', 'region', 'moment'}, 'tpo': {'qa', 'trigger', 'region', 'moment', 'mask', 'track', 'standing', 'per-frame'}, 'moment': {'moment'}}
    assert {key.split('.')[0] for key in found} <= families[name] and 'moment.miou' in found
    assert all(0 <= value <= 1 and count > 0 for value, count in found.values())


def test_rows_become_a_page_and_are_found_again(bench: Bench, tmp_path: Path):
    row = finish(bench, ARMS['text-only'], {'seen': bench.cache, 'held-out': bench.cache})
    path = row_path(tmp_path / 'rows', ARMS['text-only'], 1, SETTINGS.fingerprint())
    row.write(path)
    assert json.loads(path.read_text())['arm'] == 'text-only'
    assert Row.read(path).scores['seen']['qa'][1] == row.scores['seen']['qa'][1]
    write_claims(tmp_path / 'rows', tmp_path / 'claims.md')
    page = (tmp_path / 'claims.md').read_text()
    assert '| conversation alone |' in page and '**Open:** no row yet for `textual`, `tpo`.' in page
    assert 'claims.png' not in page  # one arm compares nothing
    replace(row, arm='tpo').write(row_path(tmp_path / 'rows', ARMS['tpo'], 1, SETTINGS.fingerprint()))
    write_claims(tmp_path / 'rows', tmp_path / 'claims.md')
    assert 'claims.png' in (tmp_path / 'claims.md').read_text() and (tmp_path / 'claims.png').stat().st_size > 1000


def test_boxes_around_masks_by_hand():
    target = torch.zeros(2, 4, 8)
    target[1, 1:3, 2:6] = 1
    rows, boxes = boxes_around(target)
    assert rows.tolist() == [1] and boxes.tolist() == [[0.25, 0.25, 0.75, 0.75]]
