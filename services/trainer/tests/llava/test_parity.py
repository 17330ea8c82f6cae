"""LLaVA-OneVision against transformers' own forward pass, and the shapes of the published sizes."""
import pytest
import torch

pytest.importorskip('peft', reason='the extra `llava` is not installed')

from transformers import LlavaOnevisionConfig, LlavaOnevisionForConditionalGeneration, Qwen2Config

from trainer.backbones.llava_onevision.load import tiny_tokenizer
from trainer.backbones.llava_onevision.model import LlavaOnevision
from trainer.backbones.llava_onevision.settings import LLAVA, TINY
from trainer.backbones.pretrained.words import Language
from trainer.parity.llava import llava_rows


def test_logits_words_and_states_are_transformers_own() -> None:
    rows = llava_rows()
    assert len(rows) == 13
    assert not [row for row in rows if not row.holds]


def test_a_frame_of_the_published_sizes_is_196_tokens_and_the_video_ends_in_one_newline() -> None:
    """The 0.5B shape on the meta device: 384 px, 27×27 patches, pooled to 14×14."""
    half_b = Qwen2Config(vocab_size=152000, hidden_size=896, intermediate_size=4864, num_hidden_layers=24, num_attention_heads=14, num_key_value_heads=2, tie_word_embeddings=True)
    with torch.device('meta'):
        model = LlavaOnevision(LlavaOnevisionForConditionalGeneration(LlavaOnevisionConfig(text_config=half_b)), Language(tiny_tokenizer(), TINY), LLAVA)
        sight = model.encode(torch.zeros(1, 16, 384, 384, 3, dtype=torch.uint8))
        assert sight.visual.shape == (1, 16, 196, 896)
        assert sight.features.shape == (1, 16, 1152, 27, 27)
        assert model.prefix(sight.visual).shape == (1, 3137, 896)
