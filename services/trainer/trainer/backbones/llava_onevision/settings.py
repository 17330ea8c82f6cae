"""What TPO adds to a LLaVA-OneVision, and a configuration of it that is small enough for a test."""
from dataclasses import replace

from transformers import LlavaOnevisionConfig, Qwen2Config, SiglipVisionConfig

from trainer.backbones.pretrained.settings import Settings

LLAVA = Settings(
    'llava-onevision', frames=16, every_ms=250.0, lora_rank=16, lora_alpha=32, lora_dropout=0.1, head_width=256,
    template='<|im_start|>user <video>\n{{ text }}<|im_end|><|im_start|>assistant\n', visual='<video>', eos='<|im_end|>')
TINY = replace(LLAVA, name='llava-onevision-tiny', frames=8, every_ms=500.0, lora_rank=8, lora_alpha=16, lora_dropout=0.0, head_width=32,
               template='<bos><video>{{ text }}<answer>', eos='<eos>', recent=2, longest=16)
SETTINGS = {settings.name: settings for settings in (LLAVA, TINY)}


def tiny_config(vocabulary: int, video: int, image: int) -> LlavaOnevisionConfig:
    """SigLIP of 2 layers over 8×8 patches, Qwen2 of 2 layers: 16 visual tokens a frame."""
    vision = SiglipVisionConfig(hidden_size=48, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, image_size=64, patch_size=8, vision_use_head=False)
    text = Qwen2Config(vocab_size=vocabulary, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
                       max_position_embeddings=512, tie_word_embeddings=True)
    return LlavaOnevisionConfig(vision_config=vision, text_config=text, image_token_index=image, video_token_index=video, tie_word_embeddings=True)
