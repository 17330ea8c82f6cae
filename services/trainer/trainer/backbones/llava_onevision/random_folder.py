"""A Hugging Face folder in the sizes of LLaVA-OneVision 0.5B, its weights random: for trying the whole line and for measuring, where the real ones are not at hand.

    python -m trainer.backbones.llava_onevision.random_folder OUT [SEED]
"""
from pathlib import Path
import sys

from tokenizers import AddedToken, Tokenizer
import torch
from transformers import LlavaOnevisionConfig, LlavaOnevisionForConditionalGeneration, Qwen2Config, SiglipVisionConfig

from trainer.export.decoder_cli import SHAPE_HALF_B
from trainer.tokenizer import build_tokenizer
from trainer.vocabulary import vocabulary

PLACEHOLDERS = ('<image>', '<video>', '<|im_start|>', '<|im_end|>')


def write_random_folder(folder: Path, seed: int = 0) -> None:
    torch.manual_seed(seed)
    tokenizer = words()
    vision = SiglipVisionConfig(hidden_size=1152, intermediate_size=4304, num_hidden_layers=26, num_attention_heads=16, image_size=384, patch_size=14, vision_use_head=False)
    config = LlavaOnevisionConfig(vision_config=vision, text_config=Qwen2Config(**SHAPE_HALF_B), tie_word_embeddings=True,
                                  image_token_index=tokenizer.token_to_id('<image>'), video_token_index=tokenizer.token_to_id('<video>'))
    # In bfloat16, as published: the file is half as large.
    torch.set_default_dtype(torch.bfloat16)
    model = LlavaOnevisionForConditionalGeneration(config)
    torch.set_default_dtype(torch.float32)
    model.save_pretrained(folder)
    tokenizer.save(str(folder / 'tokenizer.json'))


def words() -> Tokenizer:
    """The published tokenizer cannot be made here; SpriteWorld's words stand in for it."""
    tokenizer = build_tokenizer(vocabulary())
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in PLACEHOLDERS])
    return tokenizer


if __name__ == '__main__':
    write_random_folder(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
