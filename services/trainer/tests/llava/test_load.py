"""Folders as Hugging Face saves them, and what was trained on top."""
import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

pytest.importorskip('peft', reason='the extra `llava` is not installed')

from safetensors.torch import load_file, save_file

from trainer.backbones.llava_onevision.load import load_llava, tiny_llava, tiny_tokenizer
from trainer.backbones.llava_onevision.model import LlavaOnevision, part_of
from trainer.backbones.llava_onevision.settings import TINY
from trainer.backbones.model_folder import INDEX, FolderError
from trainer.backbones.pretrained.checkpoint import load_trained, save_trained
from trainer.cli import app
from trainer.parity.llava import plain


@pytest.fixture(scope='module')
def model() -> LlavaOnevision:
    return tiny_llava().eval()


@pytest.fixture
def folder(tmp_path: Path, model: LlavaOnevision) -> Path:
    """config.json, model.safetensors, tokenizer.json: the layout of the published 0.5B and 7B."""
    plain(model).save_pretrained(tmp_path)
    tiny_tokenizer().save(str(tmp_path / 'tokenizer.json'))
    return tmp_path


@torch.no_grad()
def test_a_saved_folder_loads_to_the_same_numbers(model: LlavaOnevision, folder: Path) -> None:
    loaded = load_llava(folder, TINY).eval()
    ids = torch.tensor([[20, 31, 44]])
    ours = [id for id in range(50, 900)]
    assert torch.equal(loaded.decode(loaded.embed(ids)).logits[..., ours], model.decode(model.embed(ids)).logits[..., ours])
    frames = torch.full((1, 2, 64, 64, 3), 90, dtype=torch.uint8)
    assert torch.equal(loaded.encode(frames).visual, model.encode(frames).visual)


def test_a_folder_without_a_tokenizer_is_refused(folder: Path) -> None:
    (folder / 'tokenizer.json').unlink()
    with pytest.raises(FolderError, match='has no tokenizer.json'):
        load_llava(folder, TINY)


def test_a_missing_weight_is_refused_by_name(folder: Path) -> None:
    tensors = load_file(folder / 'model.safetensors')
    gone = next(name for name in tensors if 'image_newline' in name)
    save_file({name: value for name, value in tensors.items() if name != gone}, folder / 'model.safetensors', metadata={'format': 'pt'})
    with pytest.raises(FolderError, match='missing keys: .*image_newline'):
        load_llava(folder, TINY)


@pytest.fixture
def sharded(tmp_path: Path, model: LlavaOnevision) -> Path:
    plain(model).save_pretrained(tmp_path, max_shard_size='200KB')
    tiny_tokenizer().save(str(tmp_path / 'tokenizer.json'))
    assert len(list(tmp_path.glob('*.safetensors'))) > 2
    return tmp_path


def test_a_shard_that_did_not_arrive_is_named(sharded: Path) -> None:
    gone = sorted(sharded.glob('*.safetensors'))[1]
    gone.unlink()
    with pytest.raises(FolderError, match=f'{gone.name} is not there; .* Download what is missing again'):
        load_llava(sharded, TINY)


def test_a_shard_that_was_cut_is_named_in_the_last_line(sharded: Path) -> None:
    """`fovea model import` shows no more than that line."""
    cut = sorted(sharded.glob('*.safetensors'))[1]
    cut.write_bytes(cut.read_bytes()[:5000])
    done = CliRunner().invoke(app, ['import', 'llava-onevision', str(sharded)])
    assert done.exit_code == 1
    assert f'{cut.name} cannot be read' in (last := done.stderr.splitlines()[-1]) and 'download it again' in last


def test_a_shard_of_another_download_is_told(sharded: Path) -> None:
    index = json.loads((sharded / INDEX).read_text())
    name, file = next(iter(index['weight_map'].items()))
    index['weight_map'][name] = next(other for other in index['weight_map'].values() if other != file)
    (sharded / INDEX).write_text(json.dumps(index))
    with pytest.raises(FolderError, match=f'holds no {name}, which .* expects there'):
        load_llava(sharded, TINY)


@pytest.mark.parametrize('name', ['config.json', 'tokenizer.json', INDEX])
def test_papers_that_were_cut_are_named(sharded: Path, name: str) -> None:
    (sharded / name).write_bytes((sharded / name).read_bytes()[:40])
    with pytest.raises(FolderError, match=f'{name} cannot be read'):
        load_llava(sharded, TINY)


def test_what_was_trained_comes_back_and_the_language_model_is_not_saved(tmp_path: Path, model: LlavaOnevision) -> None:
    save_trained(model, tmp_path / 'trained.safetensors', 7)
    assert not [name for name in load_file(tmp_path / 'trained.safetensors') if part_of(name) == 'base']
    other = tiny_llava(seed=2)
    load_trained(other, tmp_path / 'trained.safetensors')
    assert torch.equal(other.words.tasks, model.words.tasks)
