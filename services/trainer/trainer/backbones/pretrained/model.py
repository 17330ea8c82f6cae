"""A published language model under LoRA with TPO's words and heads. A family says how it sees: `encode`, `prefix`, and where its decoder is.

Heads read one map of every frame and the visual tokens; whatever finds those, their query is the last hidden state at their task token.
"""
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext
from typing import ClassVar, NamedTuple

from peft import LoraConfig, get_peft_model
import torch
from torch import Tensor, nn
from transformers import Cache, PreTrainedModel

from trainer.backbones.pretrained.settings import Settings
from trainer.backbones.pretrained.words import Language, Words
from trainer.heads.shared.mask import SharedMaskHead
from trainer.heads.shared.moment import SharedMomentHead
from trainer.heads.shared.region import SharedRegionHead


class Sight(NamedTuple):
    visual: Tensor    # (B, T, N, d) what there is to read of every frame
    features: Tensor  # (B, T, D, G, G) the map of every frame that heads point in


class Spoken(NamedTuple):
    logits: Tensor    # (B, S, V)
    hidden: Tensor    # (B, S, d) after the final norm


class Pretrained(nn.Module, ABC):
    adapted: ClassVar[str]                       # which projections carry LoRA, as a pattern of their names
    map_role: ClassVar[str] = 'features.s16'     # what the map is called in a bundle

    def __init__(self, published: PreTrainedModel, language: Language, settings: Settings, channels: int, grid: int) -> None:
        """channels, grid: of the map that heads point in."""
        super().__init__()
        self.settings, self.language, self.sizes = settings, language, published.config
        needed = max(*language.ids, language.box) + 1
        if needed > published.get_input_embeddings().weight.shape[0]:
            published.resize_token_embeddings(needed, mean_resizing=False)
        mean_in, mean_out = (table.weight.detach().float().mean(0) for table in (published.get_input_embeddings(), published.get_output_embeddings()))
        lora = LoraConfig(r=settings.lora_rank, lora_alpha=settings.lora_alpha, lora_dropout=settings.lora_dropout, target_modules=self.adapted)
        self.lm = get_peft_model(published, lora)
        self.words = Words(language.ids, mean_in, mean_out)
        d, width = self.width, settings.head_width
        self.box = box_encoder(published.get_input_embeddings().weight, d)
        self.heads = nn.ModuleDict({'region': SharedRegionHead(channels, d, width), 'mask': SharedMaskHead(channels, d, width, grid), 'moment': SharedMomentHead(d, d, width)})

    @abstractmethod
    def encode(self, frames: Tensor) -> Sight:
        """frames: uint8 (B, T, H, W, 3) at `picture`."""

    @abstractmethod
    def prefix(self, visual: Tensor) -> Tensor:
        """visual (B, T, N, d) → (B, P, d): what the language model reads of all frames."""

    @property
    @abstractmethod
    def picture(self) -> int:
        """The side of the frames it takes."""

    @property
    @abstractmethod
    def decoder(self) -> nn.Module:
        """The language model without its head, LoRA inside."""

    @abstractmethod
    def part_of(self, name: str) -> str:
        """Which part a parameter belongs to: what a stage names. 'base' is what no stage trains."""

    def name_losses(self, states: Tensor, nouns: list[str]) -> dict[str, Tensor]:
        """What a family wants of task states (Q, d) beside what their heads want; a noun for each. Nothing, unless it says so."""
        return {}

    @property
    def width(self) -> int:
        return self.sizes.get_text_config().hidden_size

    @property
    def published(self) -> PreTrainedModel:
        """The Hugging Face model, LoRA inside."""
        return self.lm.base_model.model

    def embed(self, ids: Tensor, boxes: Tensor | None = None) -> Tensor:
        """ids (B, S) → (B, S, d). boxes (n, 4) xyxy 0–1: what each `<box>` stands for, in turn."""
        embeds = self.words.embed(self.published.get_input_embeddings()(ids), ids)
        return embeds if boxes is None else embeds.masked_scatter((ids == self.language.box)[..., None], self.box(boxes).to(embeds))

    def hear(self, embeds: Tensor, cache: Cache | None = None) -> Tensor:
        """→ hidden (B, S, d). A cache goes on growing. Rows may be padded behind: nothing looks there."""
        with self.in_half():
            return self.decoder(inputs_embeds=embeds, cache=cache, use_cache=cache is not None).last_hidden_state

    def score(self, hidden: Tensor) -> Tensor:
        """hidden (…, d) → logits (…, V)."""
        return self.words.score(self.published.get_output_embeddings()(hidden), hidden)

    def decode(self, embeds: Tensor, cache: Cache | None = None) -> Spoken:
        hidden = self.hear(embeds, cache)
        return Spoken(self.score(hidden), hidden)

    def in_half(self) -> AbstractContextManager[None]:
        """Products in bfloat16 where the language model is: only what no stage trains is stored so."""
        return torch.autocast(self.words.ids.device.type, torch.bfloat16) if self.dtype == torch.bfloat16 else nullcontext()

    @property
    def dtype(self) -> torch.dtype:
        return self.published.get_input_embeddings().weight.dtype


def box_encoder(table: Tensor, width: int) -> nn.Sequential:
    """A box as a word (the shape of TPO's `loc_encoder`); at the beginning it lies where words lie."""
    encoder = nn.Sequential(nn.Linear(4, width // 2), nn.ReLU(), nn.Linear(width // 2, width))
    with torch.no_grad():
        encoder[2].weight.mul_(5 * table.float().std())   # as it is drawn, its outputs spread by about a fifth
        encoder[2].bias.copy_(table.float().mean(0))
    return encoder


def lora_or_words(name: str) -> str | None:
    """The parts that every family has, or None."""
    if name.startswith('box.'):
        return 'box'
    if name.startswith(('heads.', 'words.')):
        return '.'.join(name.split('.')[:2])
    return 'lora' if 'lora_' in name else None
