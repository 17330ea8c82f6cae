"""LLaVA-OneVision as a backbone: pictures to tokens and maps; heads on the SigLIP map.

Built on transformers' modules, called one by one, so that real checkpoints load as they are and heads see what the connector sees.
"""
import torch
from torch import Tensor, nn
from transformers import LlavaOnevisionForConditionalGeneration

from trainer.backbones.pretrained.model import Pretrained, Sight, lora_or_words
from trainer.backbones.pretrained.settings import Settings
from trainer.backbones.pretrained.words import Language


class LlavaOnevision(Pretrained):
    adapted = r'.*language_model.*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)'

    def __init__(self, published: LlavaOnevisionForConditionalGeneration, language: Language, settings: Settings) -> None:
        vision = published.config.vision_config
        super().__init__(published, language, settings, vision.hidden_size, vision.image_size // vision.patch_size)

    @property
    def picture(self) -> int:
        return self.sizes.vision_config.image_size

    @property
    def decoder(self) -> nn.Module:
        return self.published.model.language_model

    def part_of(self, name: str) -> str:
        return part_of(name)

    def encode(self, frames: Tensor) -> Sight:
        with self.in_half():
            return self.seen(frames)

    def seen(self, frames: Tensor) -> Sight:
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
        return Sight(visual.to(self.dtype).unflatten(0, (b, t)), maps.unflatten(0, (b, t)))

    def prefix(self, visual: Tensor) -> Tensor:
        """→ (B, T·N + 1, d): all frames in turn, one newline at the end."""
        newline = self.published.model.image_newline.to(visual).expand(visual.shape[0], 1, -1)
        return torch.cat([visual.flatten(1, 2), newline], 1)

    def describe(self) -> str:
        vision, text = self.sizes.vision_config, self.sizes.text_config
        side = -(-(vision.image_size // vision.patch_size) // 2)
        return f'{vision.image_size} px, {side * side} visual tokens a frame, {text.num_hidden_layers} layers of {text.hidden_size}, vocabulary {text.vocab_size}'


def part_of(name: str) -> str:
    if part := lora_or_words(name):
        return part
    if 'vision_tower' in name:
        return 'vision'
    if 'multi_modal_projector' in name or 'image_newline' in name:
        return 'connector'
    return 'base'
