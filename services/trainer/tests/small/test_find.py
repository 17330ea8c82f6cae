"""What heads are taught with while the language model rests."""
from pathlib import Path

import torch

from tests.small.conftest import warmed
from trainer.backbones.small.clips import LiveClips
from trainer.backbones.small.find import FindLessons, said
from trainer.backbones.staged import Run
from trainer.heads.shared.centred import Centred

NOUNS = ('dog', 'cat', 'car', 'banana', 'clock')


def test_what_states_have_in_common_is_taken_off() -> None:
    states = torch.randn(200, 6) * torch.tensor([0.01, 0.1, 1.0, 2.0, 3.0, 4.0]) + torch.arange(6) * 5
    centred = Centred(6)
    assert torch.equal(centred(states), states)
    centred.fit(states)
    assert torch.allclose(centred(states).mean(0), torch.zeros(6), atol=1e-4) and torch.allclose(centred(states).std(0), torch.ones(6), atol=1e-4)


def test_the_same_noun_before_other_pictures_is_nearer_than_other_nouns(clips: LiveClips) -> None:
    """Else nothing could be learnt from states of a few clips."""
    model = warmed()
    first, second = (said(model, clips[number].packed, NOUNS, 'region') for number in range(2))
    centre = torch.nn.functional.normalize
    near = centre(first - first.mean(0), dim=1) @ centre(second - second.mean(0), dim=1).T
    assert near.argmax(1).tolist() == list(range(len(NOUNS)))


def test_a_frame_is_asked_for_every_noun_in_it_and_for_two_that_are_not(clips: LiveClips) -> None:
    model = warmed()
    nouns = tuple(sorted({thing.noun for number in range(len(clips)) for thing in clips[number].clip.things} | set(NOUNS)))
    source = FindLessons(model, clips, Run(Path(), 1, batch=1, clips=len(clips)), 'find', nouns)
    frames = source(0)
    assert len(frames) == 4 and all(len(frame.queries) >= 3 for frame in frames)
    assert all((len(query.boxes) > 0) == bool(query.outline.max() > 0) for frame in frames for query in frame.queries)
    again = source(0)
    assert all(torch.equal(a.boxes, b.boxes) and torch.equal(a.region, b.region) for one, other in zip(frames, again) for a, b in zip(one.queries, other.queries))
    states = source.states.states['region'].flatten(0, 1)
    assert torch.allclose(model.heads['region'].centred(states).std(0).mean(), torch.tensor(1.0), atol=0.05)
