"""LLaVA-OneVision as a backbone: pictures to tokens and maps, ids to embeddings, embeddings to logits and states; heads on the SigLIP map.

Built on transformers' modules, called one by one, so that real checkpoints load as they are and heads see what the connector sees.
"""
from typing import NamedTuple

from peft import LoraConfig, get_peft_model
import torch
from torch import Tensor, nn
from transformers import Cache, LlavaOnevisionForConditionalGeneration

from trainer.backbones.llava_onevision.settings import Settings
from trainer.backbones.llava_onevision.words import Language, Words
from trainer.heads.shared.mask import SharedMaskHead
from trainer.heads.shared.moment import SharedMomentHead
from trainer.heads.shared.region import SharedRegionHead

LORA = r'.*language_model.*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)'


class Sight(NamedTuple):
    visual: Tensor    # (B, T, N, d) what the language model reads of every frame
    features: Tensor  # (B, T, D, G, G) the vision tower's map of every frame


class Spoken(NamedTuple):
    logits: Tensor    # (B, S, V)
    hidden: Tensor    # (B, S, d) after the final norm


class LlavaOnevision(nn.Module):
    def __init__(self, published: LlavaOnevisionForConditionalGeneration, language: Language, settings: Settings) -> None:
        super().__init__()
        self.settings, self.language, self.sizes = settings, language, published.config
        needed = max(language.ids) + 1
        if needed > published.get_input_embeddings().weight.shape[0]:
            published.resize_token_embeddings(needed, mean_resizing=False)
        mean_in, mean_out = (table.weight.detach().float().mean(0) for table in (published.get_input_embeddings(), published.get_output_embeddings()))
        lora = LoraConfig(r=settings.lora_rank, lora_alpha=settings.lora_alpha, lora_dropout=settings.lora_dropout, target_modules=LORA)
        self.lm = get_peft_model(published, lora)
        self.words = Words(language.ids, mean_in, mean_out)
        d, channels, width = self.width, self.sizes.vision_config.hidden_size, settings.head_width
        self.heads = nn.ModuleDict({'region': SharedRegionHead(channels, d, width), 'mask': SharedMaskHead(channels, d, width), 'moment': SharedMomentHead(d, d, width)})

    @property
    def width(self) -> int:
        return self.sizes.text_config.hidden_size

    @property
    def picture(self) -> int:
        return self.sizes.vision_config.image_size

    @property
    def published(self) -> LlavaOnevisionForConditionalGeneration:
        """The Hugging Face model, LoRA inside."""
        return self.lm.base_model.model

    def encode(self, frames: Tensor) -> Sight:
        """frames: uint8 (B, T, H, W, 3) at the tower's size."""
        core, sizes = self.published.model, self.sizes
        b, t = frames.shape[:2]
        pixels = (frames.flatten(0, 1).permute(0, 3, 1, 2).to(self.dtype) / 127.5) - 1     # (B·T, 3, H, W)
        layers = core.vision_tower(pixels, output_hidden_states=True).hidden_states
        chosen = sizes.vision_feature_layer
        read = layers[chosen] if isinstance(chosen, int) else torch.cat([layers[layer] for layer in chosen], -1)
        if sizes.vision_feature_select_strategy == 'default':
            read = read[:, 1:]
        visual = core.apply_pooling(core.multi_modal_projector(read))                      # (B·T, N, d)
        side = self.picture // sizes.vision_config.patch_size
        maps = read[..., :sizes.vision_config.hidden_size].transpose(1, 2).unflatten(-1, (side, side)).float()
        return Sight(visual.unflatten(0, (b, t)), maps.unflatten(0, (b, t)))

    def prefix(self, visual: Tensor) -> Tensor:
        """visual (B, T, N, d) → (B, T·N + 1, d): all frames in turn, one newline at the end."""
        newline = self.published.model.image_newline.to(visual).expand(visual.shape[0], 1, -1)
        return torch.cat([visual.flatten(1, 2), newline], 1)

    def embed(self, ids: Tensor) -> Tensor:
        """ids (B, S) → (B, S, d)."""
        return self.words.embed(self.published.get_input_embeddings()(ids), ids)

    def decode(self, embeds: Tensor, mask: Tensor | None = None, cache: Cache | None = None) -> Spoken:
        """mask (B, S) with 1 where a position counts; a cache goes on growing."""
        hidden = self.published.model.language_model(inputs_embeds=embeds, attention_mask=mask, cache=cache, use_cache=cache is not None).last_hidden_state
        return Spoken(self.words.score(self.published.lm_head(hidden), hidden), hidden)

    @property
    def dtype(self) -> torch.dtype:
        return self.published.model.image_newline.dtype

    def describe(self) -> str:
        vision, text = self.sizes.vision_config, self.sizes.text_config
        side = -(-(vision.image_size // vision.patch_size) // 2)
        return f'{vision.image_size} px, {side * side} visual tokens a frame, {text.num_hidden_layers} layers of {text.hidden_size}, vocabulary {text.vocab_size}'


def part_of(name: str) -> str:
    """Which part of the model a parameter belongs to: what a stage names."""
    if name.startswith(('heads.', 'words.')):
        return '.'.join(name.split('.')[:2])
    if 'lora_' in name:
        return 'lora'
    if 'vision_tower' in name:
        return 'vision'
    if 'multi_modal_projector' in name or 'image_newline' in name:
        return 'connector'
    return 'base'
