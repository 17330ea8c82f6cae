"""Folders as Hugging Face saves them, and what was trained on top."""
from pathlib import Path

import pytest
import torch

pytest.importorskip('peft', reason='the extra `llava` is not installed')

from safetensors.torch import load_file, save_file

from trainer.backbones.llava_onevision.load import load_llava, tiny_llava, tiny_tokenizer
from trainer.backbones.llava_onevision.model import LlavaOnevision, part_of
from trainer.backbones.llava_onevision.settings import TINY
from trainer.backbones.pretrained.checkpoint import FolderError, load_trained, save_trained
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


def test_what_was_trained_comes_back_and_the_language_model_is_not_saved(tmp_path: Path, model: LlavaOnevision) -> None:
    save_trained(model, tmp_path / 'trained.safetensors', 7)
    assert not [name for name in load_file(tmp_path / 'trained.safetensors') if part_of(name) == 'base']
    other = tiny_llava(seed=2)
    load_trained(other, tmp_path / 'trained.safetensors')
    assert torch.equal(other.words.tasks, model.words.tasks)
