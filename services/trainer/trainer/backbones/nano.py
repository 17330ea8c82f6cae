"""The nano backbone: pretrained eyes, trained as far as shapes go, a trained neck, words with evidence, a small decoder. About 4 M trained parameters."""
import torch
from torch import Tensor, nn

from trainer.backbones.backbone import Decoded, Seen
from trainer.backbones.evidence import noun_matrix
from trainer.backbones.nano_decoder import NanoDecoder
from trainer.backbones.nano_embed import NanoEmbed
from trainer.backbones.nano_encoder import NanoEncoder
from trainer.backbones.nano_eyes import FrozenEyes, NanoEyes
from trainer.backbones.nano_neck import NanoNeck
from trainer.backbones.nano_nouns import NounSpace
from trainer.backbones.nano_texture import Texture
from trainer.config import NanoConfig
from trainer.vocabulary import COLOURS, Vocabulary, vocabulary


class Nano(nn.Module):
    """Implements `Backbone`. The frozen eyes are handed in, so that training on cached features needs none."""

    def __init__(self, config: NanoConfig, words: Vocabulary | None = None) -> None:
        super().__init__()
        words = words or vocabulary()
        self.config = config
        self.encoder = NanoEncoder() if config.own_encoder else None
        self.neck = NanoNeck(config, len(COLOURS))
        self.nouns = NounSpace(config, noun_matrix(list(words.nouns)))
        self.texture = Texture()
        self.words = NanoEmbed(config, self.nouns, words)
        self.decoder = NanoDecoder(config)

    def encode(self, frames: Tensor, frozen: FrozenEyes) -> Seen:
        """frames: uint8 (B, T, S, S, 3)."""
        b, t = frames.shape[:2]
        visual, s8, s4 = NanoEyes(self.config, frozen, self.encoder, self.neck, self.nouns, self.texture)(frames.flatten(0, 1))
        return Seen(visual.unflatten(0, (b, t)), s8.unflatten(0, (b, t))[:, -1], s4.unflatten(0, (b, t))[:, -1])

    def prefix(self, visual: Tensor, times: Tensor) -> Tensor:
        return self.words.prefix(visual, times)

    def embed(self, ids: Tensor, visual: Tensor, times: Tensor) -> Tensor:
        return self.words(ids, visual, times)

    def decode(self, embeds: Tensor, lengths: Tensor, prefix: Tensor, cache: list[tuple[Tensor, Tensor]]) -> Decoded:
        hidden, news = self.decoder.step(embeds, lengths, prefix, cache)
        return Decoded(self.logits(hidden), hidden, news)

    def logits(self, hidden: Tensor) -> Tensor:
        return hidden @ self.words.table().T * (self.words.sharpness * self.config.width ** -0.5) + self.words.bias

    def empty_cache(self, batch: int) -> list[tuple[Tensor, Tensor]]:
        c = self.config
        shape = (batch, c.heads, c.cache, c.width // c.heads)
        return [(torch.zeros(shape), torch.zeros(shape)) for _ in range(c.layers)]
