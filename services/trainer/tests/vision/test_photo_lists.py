"""Lists of photographs: what is taught is what the noun space finds, put things among it."""
import random

import numpy as np
import pytest
import torch

from trainer.backbones.evidence import EVIDENCE_CHANNELS
from trainer.backbones.nano_nouns import NounSpace
from trainer.config import NANO
from trainer.data.ask import Ask
from trainer.feature_cache import CachedClip
from trainer.model import TpoModel
from trainer.photo_lists import imagine, imagined_for, listed_in
from trainer.rename import channels_of, known_nouns
from trainer.vocabulary import vocabulary


def photograph_of(asks: list[Ask]) -> CachedClip:
    return CachedClip(np.arange(8), [], asks, 0, np.arange(16, dtype=np.float32), photo=True)


def evidence_of(seed: int) -> np.ndarray:
    rng = random.Random(seed)
    maps, ltrb = np.random.default_rng(seed).random((EVIDENCE_CHANNELS, 20, 20)).astype(np.float32) * 0.2, np.zeros((4, 20, 20), np.float32)
    imagine(maps, ltrb, imagined_for(photograph_of([]), rng), rng)
    return maps


@pytest.fixture(scope='module')
def nouns() -> NounSpace:
    torch.manual_seed(0)
    return TpoModel(NANO).backbone.nouns


@torch.no_grad()
def listed(nouns: NounSpace, maps: np.ndarray, photograph: bool) -> tuple[torch.Tensor, torch.Tensor]:
    visual = torch.randn(1, 1, NANO.coarse ** 2, sum(nouns.widths))
    nouns.split(visual).evidence.copy_(torch.nn.functional.max_pool2d(torch.from_numpy(maps)[None], 4).flatten(2).transpose(1, 2)[:, None])
    nouns.split(visual).photograph.fill_(50.0 if photograph else -50.0)
    return nouns.listed(visual)[0], nouns.presence(visual)[0]


@pytest.mark.parametrize('seed', range(8))
def test_what_is_taught_of_a_photograph_is_what_the_model_finds_in_it(nouns: NounSpace, seed: int) -> None:
    maps = evidence_of(seed)
    score, _ = listed(nouns, maps, photograph=True)
    found = {vocabulary().nouns[int(place)] for place in (score > 0).nonzero()[:, 0]}
    assert listed_in(maps) == sorted(found)


def test_on_a_drawing_the_pretrained_eyes_are_not_heard_for_lists(nouns: NounSpace) -> None:
    score, presence = listed(nouns, evidence_of(1), photograph=False)
    assert torch.equal(score, presence)


def test_a_cell_speaks_for_its_surest_noun_alone() -> None:
    maps = np.zeros((EVIDENCE_CHANNELS, 20, 20), np.float32)
    truck, car = (vocabulary().nouns[vocabulary().place_of(noun)] for noun in ('truck', 'car'))
    for noun, sure in ((truck, 0.9), (car, 0.8)):
        maps[channels_of(noun)[0], 9, 9] = sure / 0.75
    assert listed_in(maps) == [truck]


def test_nothing_is_imagined_that_a_question_speaks_of() -> None:
    asked = [Ask('exist', f'is there a {noun} ?', 'no', 15) for noun in known_nouns() if noun != 'dog']
    drawn = [thing.naming.noun for seed in range(60) for thing in imagined_for(photograph_of(asked), random.Random(seed))]
    assert set(drawn) <= {'dog'}
