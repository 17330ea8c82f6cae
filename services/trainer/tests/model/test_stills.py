from dataclasses import replace
import json
from pathlib import Path

import numpy as np
import torch

from trainer.alignment import NOTHING, UNSURE
from trainer.config import TINY
from trainer.loop import Run, train
from trainer.model import TpoModel
from trainer.stages import STAGES
from trainer.stills import StillSource, alignment_of

from .random_eyes import RandomEyes


def test_the_same_number_gives_the_same_pictures_and_the_next_gives_others():
    first, again, later = (StillSource(RandomEyes(), 1, n).draw(2).stills for n in (4, 4, 5))
    assert all(np.array_equal(a.frame, b.frame) for a, b in zip(first, again))
    assert not np.array_equal(first[0].frame, later[0].frame)


def test_outlines_know_where_things_are_and_end():
    still = StillSource(RandomEyes(), 2, 0).draw(1).stills[0]
    covered, edge = still.outline
    assert np.allclose(covered.reshape(20, 2, 20, 2).mean((1, 3))[still.shares.sum(0) > 0.99], 1)
    assert edge[(covered > 0) & (covered < 1)].all() and not edge[covered == 0].any()


def test_the_style_of_the_exam_is_never_drawn():
    assert 'twemoji' not in StillSource(RandomEyes(), 1, 0).styles and len(StillSource(RandomEyes(), 1, 0).styles) >= 4


def test_truths_of_a_picture_fit_its_things():
    stills = StillSource(RandomEyes(), 2, 0).draw(4).stills
    truth = alignment_of(stills)
    for i, still in enumerate(stills):
        assert set(truth.fine[i].unique().tolist()) <= {NOTHING, UNSURE, *still.nouns}
        assert set(truth.present[i].nonzero()[:, 0].tolist()) == set(still.nouns)
        for box in still.boxes:
            assert 0 <= box[0] < box[2] <= 1 and 0 <= box[1] < box[3] <= 1


def test_looking_changes_the_neck_alone_and_lowers_its_loss(cache_folder_small: Path, tmp_path: Path):
    torch.manual_seed(0)
    model = TpoModel(TINY)
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    train(model, [replace(STAGES['look'], share=1.0)], Run(tmp_path, cache_folder_small, 30, batch=2, log_every=1, eyes=RandomEyes()))
    changed = {name for name, value in model.named_parameters() if not torch.equal(value, before[name])}
    assert changed and all(name.startswith(('backbone.neck', 'backbone.nouns')) for name in changed)
    losses = [json.loads(line)['loss'] for line in (tmp_path / 'metrics.jsonl').read_text().splitlines()]
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5])


def test_nouns_that_are_never_drawn_keep_their_vectors_apart():
    from trainer.objective import drawn, unpushed
    truth = alignment_of(StillSource(RandomEyes(), 3, 0).draw(2).stills)
    vectors = torch.randn(len(drawn()), 8, requires_grad=True)
    unpushed(vectors, truth).sum().backward()
    assert vectors.grad is not None and (vectors.grad[~drawn()] == 0).all() and (vectors.grad[drawn()] != 0).all()
