"""Strict loading of shards, on a tiny checkpoint of the same structure."""
import json
from pathlib import Path

import pytest
import torch

pytest.importorskip('peft', reason='the extra `videochat` is not installed')
pytest.importorskip('sam2', reason='the module `sam2` is not installed (docs/models.md)')

from safetensors.torch import save_file

from trainer.backbones.model_folder import INDEX, FolderError
from trainer.backbones.videochat.checkpoint import load_videochat
from trainer.backbones.videochat.config import VIDEOCHAT_TINY
from trainer.backbones.videochat.model import VideoChat


@pytest.fixture(scope='module')
def weights() -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    model = VideoChat(VIDEOCHAT_TINY)
    return {name: tensor.to(torch.bfloat16).clone() if tensor.is_floating_point() else tensor.clone() for name, tensor in model.state_dict().items()}


def written(folder: Path, weights: dict[str, torch.Tensor], shards: int = 2) -> Path:
    names = sorted(weights)
    files = {name: f'model-{index % shards + 1:05}-of-{shards:05}.safetensors' for index, name in enumerate(names)}
    for file in set(files.values()):
        save_file({name: weights[name] for name in names if files[name] == file}, folder / file)
    (folder / INDEX).write_text(json.dumps({'metadata': {}, 'weight_map': files}))
    return folder


def test_shards_load_strictly_and_stay_bf16(tmp_path: Path, weights: dict[str, torch.Tensor]) -> None:
    model = load_videochat(written(tmp_path, weights), VIDEOCHAT_TINY)
    loaded = model.state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in weights.items())
    assert not [name for name, tensor in [*model.named_parameters(), *model.named_buffers()] if tensor.device.type == 'meta']
    with torch.no_grad():
        state = model.hidden(model.embed(torch.tensor([[1, 5, model.ids.of('<box_begin>'), model.ids.of('<boxes>')]])))[1][:, -1]
        assert torch.isfinite(model.box(state)).all()


def test_a_missing_and_an_unexpected_name_are_named(tmp_path: Path, weights: dict[str, torch.Tensor]) -> None:
    wrong = dict(weights)
    wrong['stranger.weight'] = wrong.pop('loc_decoder.0.weight')
    with pytest.raises(FolderError, match=r'missing loc_decoder\.0\.weight; unexpected stranger\.weight'):
        load_videochat(written(tmp_path, wrong), VIDEOCHAT_TINY)


def test_a_wrong_shape_is_named(tmp_path: Path, weights: dict[str, torch.Tensor]) -> None:
    with pytest.raises(FolderError, match=r'box_token has shape \[1, 1, 3\], expected \[1, 1, 64\]'):
        load_videochat(written(tmp_path, {**weights, 'box_token': torch.zeros(1, 1, 3)}), VIDEOCHAT_TINY)


def test_a_shard_that_did_not_arrive_is_named(tmp_path: Path, weights: dict[str, torch.Tensor]) -> None:
    written(tmp_path, weights)
    (tmp_path / 'model-00002-of-00002.safetensors').unlink()
    with pytest.raises(FolderError, match='model-00002-of-00002.safetensors is not there'):
        load_videochat(tmp_path, VIDEOCHAT_TINY)


def test_a_shard_that_was_cut_is_named(tmp_path: Path, weights: dict[str, torch.Tensor]) -> None:
    cut = written(tmp_path, weights) / 'model-00002-of-00002.safetensors'
    cut.write_bytes(cut.read_bytes()[:5000])
    with pytest.raises(FolderError, match=r'model-00002-of-00002\.safetensors cannot be read .* download it again'):
        load_videochat(tmp_path, VIDEOCHAT_TINY)


def test_the_command_says_what_was_taken_in(tmp_path: Path, weights: dict[str, torch.Tensor]) -> None:
    from typer.testing import CliRunner
    from trainer.cli import app
    folder = str(written(tmp_path, weights))
    good = CliRunner().invoke(app, ['import', 'videochat-tpo', folder, '--config', 'videochat-tiny'])
    assert good.exit_code == 0 and f'{len(weights)} tensors' in good.output
    bad = CliRunner().invoke(app, ['import', 'videochat-tpo', folder, '--headers'])
    assert bad.exit_code == 1 and 'expected' in bad.output
