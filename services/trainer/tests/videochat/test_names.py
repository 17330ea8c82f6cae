"""The published checkpoint, without its weights: names and bytes on the meta device."""
import gzip
from pathlib import Path

import pytest
import torch

pytest.importorskip('peft', reason='the extra `videochat` is not installed')
pytest.importorskip('sam2', reason='the module `sam2` is not installed (docs/models.md)')

from trainer.backbones.videochat.checkpoint import stored_bytes
from trainer.backbones.videochat.config import VIDEOCHAT
from trainer.backbones.videochat.model import VideoChat

NAMES = Path(__file__).parent / 'fixtures' / 'parameter-names.txt.gz'
TOTAL = 16_202_736_564  # `total_size` of the published index


@pytest.fixture(scope='module')
def model() -> VideoChat:
    with torch.device('meta'):
        return VideoChat(VIDEOCHAT)


def test_state_dict_has_exactly_the_published_names(model: VideoChat) -> None:
    published = gzip.decompress(NAMES.read_bytes()).decode().split()
    assert len(published) == 2594
    assert sorted(model.state_dict()) == sorted(published)


def test_bytes_are_the_published_total(model: VideoChat) -> None:
    assert sum(stored_bytes(model).values()) == TOTAL


def test_buffers_are_three_and_explain_the_total(model: VideoChat) -> None:
    """With floating buffers in fp32 the total would be 516 bytes more: they are stored in bf16 like everything else, positions in int64."""
    stored = model.state_dict()
    buffers = {name: tensor.dtype for name, tensor in model.named_buffers() if name in stored}
    assert buffers == {
        'qformer.bert.embeddings.position_ids': torch.int64,
        'cg_criterion.empty_weight': torch.float32,
        'sam.sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix': torch.float32,
    }
    floating = sum(stored[name].numel() for name, dtype in buffers.items() if dtype == torch.float32)
    assert 2 * floating == 516
