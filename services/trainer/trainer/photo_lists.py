"""What a photograph shows is listed as the pretrained eyes say it; for a lesson they are made to say more.

No list of a photograph is known to be whole, for it shows more than was boxed. What has to be learnt is another thing: on photographs the list is
what `NounSpace.listed` makes of the evidence. So findings of a few random nouns are put into a photograph's evidence, and the list that is taught
is read off that evidence by the same rule.
"""
from dataclasses import dataclass
from functools import cache
import random

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from trainer.backbones.evidence import noun_matrix
from trainer.backbones.nano_nouns import SEEN_FROM, surest_in_a_cell
from trainer.config import NANO
from trainer.feature_cache import CachedClip
from trainer.rename import Renaming, known_nouns, mentions, naming_of, put_evidence
from trainer.vocabulary import vocabulary

LONGEST = 5  # nouns of a list


@dataclass(frozen=True)
class Imagined:
    box: np.ndarray    # (4,)
    naming: Renaming


def imagined_for(clip: CachedClip, rng: random.Random) -> list[Imagined]:
    """Up to two things that a photograph does not show; none that its questions speak of."""
    asks = [ask for asks in (clip.asks, *clip.more) for ask in asks]
    nouns = [noun for noun in rng.sample(known_nouns(), rng.choice((0, 0, 0, 1, 1, 2))) if not any(mentions(ask, noun) for ask in asks)]
    return [Imagined(box_in(rng), naming_of(-1, '', noun, rng)) for noun in nouns]


def box_in(rng: random.Random) -> np.ndarray:
    width, height = rng.uniform(0.12, 0.7), rng.uniform(0.12, 0.7)
    x, y = rng.uniform(0, 1 - width), rng.uniform(0, 1 - height)
    return np.array([x, y, x + width, y + height], np.float32)


def imagine(maps: np.ndarray, ltrb: np.ndarray, things: list[Imagined], rng: random.Random) -> None:
    """Into one frame's evidence (E, G, G) and boxes (4, G, G), in place."""
    for thing in things:
        put_evidence(maps, ltrb, thing.naming.noun, thing.box, thing.naming, rng)


def listed_in(maps: np.ndarray) -> list[str]:
    """The nouns that `NounSpace.listed` finds in a photograph of evidence (E, G, G), the surest few, in alphabetical order."""
    cells = F.max_pool2d(torch.from_numpy(maps)[None], maps.shape[1] // NANO.coarse).flatten(2)
    surest = surest_in_a_cell(noun_channels() @ cells)[0]
    return sorted(vocabulary().nouns[place] for place in surest.topk(LONGEST).indices.tolist() if surest[place] > SEEN_FROM)


@cache
def noun_channels() -> Tensor:
    return noun_matrix(vocabulary().nouns)
