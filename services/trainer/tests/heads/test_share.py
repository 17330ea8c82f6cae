"""The heads hear of a noun's share of a cell: what another noun explains better is not this one."""
import torch

from trainer.backbones.evidence import EVIDENCE_CHANNELS
from trainer.backbones.nano_eyes import HeadMap
from trainer.config import TINY
from trainer.heads.conditioning import LEAST, Conditioning, Named
from trainer.model import TpoModel
from trainer.said import EVENTS, MOTIONS, SIDES
from trainer.vocabulary import COLOURS

G = TINY.grid
DOG, WOLF = 5, 9


def shares(model: TpoModel, cells: dict[int, dict[int, float]], noun: int) -> torch.Tensor:
    """The last heat, cell by cell, of a map whose cells (by number) show mixes of nouns, for a state that names one noun."""
    match = torch.zeros(1, TINY.match, G, G)
    for at, mix in cells.items():
        match[0, :, at // G, at % G] = sum(share * model.backbone.nouns.unit()[which] for which, share in mix.items())
    flat = lambda channels: torch.zeros(1, channels, G, G)
    maps = HeadMap(flat(TINY.features), match, flat(len(COLOURS) + 1), flat(1), flat(4), model.backbone.nouns.anything_in(match), flat(EVIDENCE_CHANNELS), flat(4), flat(1))
    conditioning: Conditioning = model.region.conditioning
    logits = torch.full((1, len(model.backbone.nouns.vectors)), -50.0)
    logits[0, noun] = 50.0
    rest = (len(COLOURS) + 1, len(SIDES) + 1, len(MOTIONS) + 1, len(EVENTS) + 1, logits.shape[1] + 1, TINY.coarse ** 2)
    conditioning.reader.forward = lambda state: Named(logits, *(torch.zeros(1, size) for size in rest))  # type: ignore[method-assign]
    return conditioning(maps, torch.zeros(1, TINY.width))[1][0, -1].flatten()


@torch.no_grad()
def test_a_cell_that_another_noun_explains_better_is_not_this_noun_s() -> None:
    torch.manual_seed(0)
    model = TpoModel(TINY)
    dog, wolf = (shares(model, {44: {DOG: 1.0}, 77: {DOG: 1.0, WOLF: 0.8}}, noun) for noun in (DOG, WOLF))
    assert dog[44] > -0.1 and dog[77] > -0.7
    assert wolf[77] < -1 and wolf[44] < wolf[77] and wolf.min() >= LEAST
