"""VideoChat against its public inference code (numbers made by trainer/parity/videochat_reference.py)."""
import pytest
import torch

pytest.importorskip('peft', reason='the extra `videochat` is not installed')
pytest.importorskip('sam2', reason='the module `sam2` is not installed (docs/models.md)')

from safetensors.torch import load_file

from trainer.backbones.videochat.config import VIDEOCHAT_TINY
from trainer.backbones.videochat.model import VideoChat
from trainer.backbones.videochat.speak import answer
from trainer.parity.row import Row
from trainer.parity.seeded import fill
from trainer.parity.videochat import videochat_rows
from trainer.parity.videochat_case import FIXTURE


@pytest.fixture(scope='module')
def rows() -> list[Row]:
    return videochat_rows()


def test_every_number_is_the_public_codes(rows: list[Row]) -> None:
    assert len(rows) >= 11 + 12
    assert not [row for row in rows if not row.holds]


def test_answers_of_every_task_were_compared(rows: list[Row]) -> None:
    heads = [int(value) for name, value in load_file(FIXTURE).items() if name.endswith(' head')]
    assert set(heads) == {0, 1, 2}
    assert len([row for row in rows if row.what.endswith('state of the last trigger')]) == len(heads) < 12   # some answers point at nothing


@pytest.fixture(scope='module')
def model() -> VideoChat:
    model = VideoChat(VIDEOCHAT_TINY, with_sam=False).eval()
    fill(model)
    return model


@torch.no_grad()
def test_by_default_the_task_state_is_that_of_training(model: VideoChat) -> None:
    """Training reads `<box_begin><boxes>` and two more triggers in one text; decoding must give the same states, each of them."""
    ids = model.ids
    text = [1, 7, 9, ids.of('<box_begin>'), ids.of('<boxes>'), 11, ids.of('<track_begin>'), ids.of('<tracking>'), 12, ids.of('<time_begin>'), ids.of('<temp>'), 13]
    trained = model.hidden(model.embed(torch.tensor([text])))[1][0]
    said = [token for token in text[3:] if token not in ids.placeholders().values()]
    spoken = answer(model, model.embed(torch.tensor([text[:3]])), forced=said, most=len(said))
    assert [pointed.task for pointed in spoken.pointed] == ['region', 'mask', 'moment']
    for pointed, place in zip(spoken.pointed, (4, 7, 10)):
        assert torch.allclose(pointed.state, trained[place], atol=1e-4)


@torch.no_grad()
def test_compat_keeps_the_last_trigger_and_differs(model: VideoChat) -> None:
    ids = model.ids
    prompt = model.embed(torch.tensor([[1, 7, 9]]))
    said = [ids.of('<box_begin>'), 11, ids.of('<track_begin>'), 12]
    ours, theirs = (answer(model, prompt, compat=compat, forced=said, most=len(said)) for compat in (False, True))
    assert [pointed.task for pointed in theirs.pointed] == ['mask']
    assert not torch.allclose(ours.pointed[-1].state, theirs.pointed[-1].state, atol=1e-2)
