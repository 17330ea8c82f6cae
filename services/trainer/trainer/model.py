"""The whole model: a backbone, and the heads that make its task tokens mean something (TPO, arXiv 2412.19326, section 3.1)."""
import torch
from torch import Tensor, nn

from trainer.backbones.nano import Nano
from trainer.config import NanoConfig
from trainer.heads.conditioning import Conditioning, StateReader
from trainer.heads.mask import MaskHead
from trainer.heads.moment import MomentHead
from trainer.heads.region import RegionHead
from trainer.vocabulary import Vocabulary


class TpoModel(nn.Module):
    def __init__(self, config: NanoConfig, words: Vocabulary | None = None) -> None:
        super().__init__()
        self.config = config
        self.backbone = Nano(config, words)
        nouns = self.backbone.nouns
        self.reader = StateReader(config, nouns)
        self.region = RegionHead(config, Conditioning(config, nouns, self.reader))
        self.mask = MaskHead(config, Conditioning(config, nouns, self.reader))
        self.moment = MomentHead(config, nouns, self.reader, self.backbone.words.grid)

    def heads(self) -> dict[str, nn.Module]:
        return {'region': self.region, 'mask': self.mask, 'moment': self.moment}

    def trained(self) -> dict[str, Tensor]:
        """Every trained tensor by name; shared ones once."""
        return dict(self.named_parameters())

    def read(self, prefix: Tensor, text: Tensor, block: Tensor, place: Tensor) -> Tensor:
        """Several questions behind one picture in one pass: each sees the prefix and itself.

        prefix (B, P, d), text (B, S, d), block (B, S) number of the question (−1 padding), place (B, S) → hidden of the text (B, S, d).
        """
        b, p, _ = prefix.shape
        s = text.shape[1]
        row = torch.arange(p, device=text.device)
        positions = torch.cat([row.expand(b, -1), p + place], 1)
        own = (block[:, :, None] == block[:, None, :]) & (place[:, :, None] >= place[:, None, :])
        mask = torch.zeros(b, p + s, p + s, dtype=torch.bool)
        mask[:, :, :p] = True
        mask[:, :p, p:] = False
        mask[:, p:, p:] = own
        hidden = self.backbone.decoder(torch.cat([prefix, text], 1), positions, mask[:, None])
        return hidden[:, p:]
