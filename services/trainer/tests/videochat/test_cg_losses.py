"""CG-DETR's training losses on hand-made answers; test_parity.py compares all of them with the public code."""
import math

import pytest
import torch
from torch import Tensor

pytest.importorskip('peft', reason='the extra `videochat` is not installed')

from trainer.backbones.videochat.cg_alignment import alignment, distillation, orthogonality
from trainer.backbones.videochat.cg_detr import CgDetr
from trainer.backbones.videochat.cg_loss import clip_labels
from trainer.backbones.videochat.cg_saliency import RANKS, margin_loss, ranked, saliency_losses
from trainer.backbones.videochat.cg_study import Study, study
from trainer.backbones.videochat.config import VIDEOCHAT_TINY as C
from trainer.parity.cg_case import LABELS, inputs
from trainer.parity.seeded import fill

ALL = torch.ones(1, 3, dtype=torch.bool)


def made(**given: Tensor) -> Study:
    """One row of three clips, two dummies, two words, width 2; nothing strange about it."""
    nothing = {
        'attention': torch.full((1, 3, 4), 0.25), 'on_words': torch.full((1, 3), 0.5), 'dummies': torch.eye(2)[None], 'prompts': torch.eye(2), 'sentence': torch.tensor([[1.0, 0.0]]),
        'dummy_sentence': torch.tensor([[0.0, 1.0]]), 'moment': torch.tensor([[1.0, 0.0]]), 'rest': torch.tensor([[0.0, 1.0]]), 'frames': torch.zeros(1, 3, 2), 'likeness': torch.zeros(1, 3, 4),
        'strange': torch.tensor([False]), 'strange_saliency': torch.zeros(0, 3), 'strange_on_words': torch.zeros(0, 3),
    }
    return Study(**{**nothing, **given})


def test_the_margin_counts_every_pair_of_a_better_and_a_worse_clip_twice() -> None:
    # Of the pairs (0 over 1) and (0 over 2), the first is short by 0.2 + 0.5 − 0.4 = 0.3, the second by nothing.
    assert float(margin_loss(torch.tensor([[0.4, 0.5, 0.1]]), torch.tensor([[1.0, 0.0, 0.0]]), ALL)) == pytest.approx(2 * 0.3 / 2)
    graded = margin_loss(torch.tensor([[0.4, 0.5, 0.1]]), torch.tensor([[3.0, 2.0, 0.0]]), ALL)
    assert float(graded) == pytest.approx(2 * 0.3 / 3), 'of three pairs one is short'


def test_the_margin_has_nothing_to_say_where_all_clips_are_alike_or_padded() -> None:
    assert float(margin_loss(torch.tensor([[0.4, 0.5, 0.1]]), torch.ones(1, 3), ALL)) == 0
    assert float(margin_loss(torch.tensor([[0.1, 0.5, 0.9]]), torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([[True, False, False]]))) == 0


def test_a_rank_contrasts_clips_of_at_least_that_rank_with_all() -> None:
    even = torch.zeros(1, 3)
    assert float(ranked(even, torch.tensor([[1.0, 0.0, 0.0]]), ALL)) == pytest.approx(math.log(3) / RANKS, rel=1e-4)
    assert float(ranked(even, torch.tensor([[4.0, 2.0, 0.0]]), ALL)) == pytest.approx(4 * math.log(3) / RANKS, rel=1e-4)
    sure = ranked(torch.tensor([[50.0, 0.0, 0.0]]), torch.tensor([[11.0, 0.0, 0.0]]), ALL)
    assert float(sure) == pytest.approx(0, abs=1e-4)


def test_words_of_another_video_are_to_be_met_with_silence() -> None:
    labels = torch.tensor([[1.0, 0.0, 0.0]])
    loud, quiet = (saliency_losses(torch.tensor([[1.0, 0.0, 0.0]]), made(strange=torch.tensor([True]), strange_saliency=torch.full((1, 3), value), strange_on_words=torch.full((1, 3), share)), labels, ALL)
                   for value, share in ((3.0, 0.9), (-3.0, 0.1)))
    assert float(quiet['curve']) < float(loud['curve']) - 8 and float(quiet['words']) < float(loud['words']) - 6


def test_a_moment_is_near_its_sentence_and_far_from_its_dummies() -> None:
    inside = torch.tensor([[True, False, False]])
    good, bad = made(), made(moment=torch.tensor([[0.0, 1.0]]), rest=torch.tensor([[1.0, 0.0]]))
    # Of one row: cross-entropy of (1, 0) for itself, and of (0, 1) for the rest with the dummies; every clip's likeness to the token is 1/2.
    assert float(alignment(good, inside, ALL)) == pytest.approx(2 * math.log(1 + math.exp(-1)) + math.log(2))
    assert float(alignment(bad, inside, ALL)) == pytest.approx(2 * math.log(1 + math.exp(1)) + math.log(2))


def test_attention_inside_a_moment_follows_likeness_which_is_not_moved() -> None:
    inside = torch.tensor([[True, False, False]])
    assert float(distillation(made(), inside)) == pytest.approx(0, abs=1e-4)
    likeness = torch.tensor([[[0.0, 0.0, 0.0, 3.0], [9.0, 0.0, 0.0, 0.0], [9.0, 0.0, 0.0, 0.0]]], requires_grad=True)
    attention = torch.full((1, 3, 4), 0.25, requires_grad=True)
    wanted = likeness[0, 0].detach().softmax(-1)
    loss = distillation(made(likeness=likeness, attention=attention), inside)
    assert float(loss) == pytest.approx(float((wanted * (wanted / 0.25).log()).sum()) / 4, rel=1e-3), 'clips outside do not count'
    loss.backward()
    assert likeness.grad is None and attention.grad is not None and float(attention.grad[0, 1:].abs().max()) == 0


def test_dummies_and_prompts_are_to_differ() -> None:
    assert float(orthogonality(made())) == 0
    assert float(orthogonality(made(dummies=torch.tensor([[[1.0, 0.0], [2.0, 0.0]]])))) == pytest.approx(0.5), 'of four places the two off the diagonal are 1'


def test_clips_are_inside_by_their_middle() -> None:
    assert clip_labels([torch.tensor([[0.25, 0.5]]), torch.zeros(0, 2)], 4).tolist() == [[0, 1, 0, 0], [0, 0, 0, 0]]


def test_no_row_beside_another_video_is_no_loss_of_it() -> None:
    given = inputs('mixed')
    model = CgDetr(C.moment, C.width).eval()
    fill(model)
    answer, reading = model.read(given.words, given.word_mask, given.clips, given.clip_mask, given.states[:, None])
    labels = torch.tensor(LABELS['mixed'])
    found = study(model, reading, labels > 0, torch.zeros(5, dtype=torch.bool))
    assert found.strange_saliency.shape == (0, 8)
    losses = saliency_losses(answer.saliency, found, labels, given.clip_mask.bool())
    assert all(torch.isfinite(value) for value in losses.values())
