import numpy as np

from trainer.ablate.constants import constant_scores
from trainer.data.ask import Ask, Target
from trainer.feature_cache import CachedClip, CachedThing


def clip(box: tuple[float, float, float, float], answer: str, span: tuple[float, float]) -> CachedClip:
    masks = np.zeros((2, 40, 40), np.uint8)
    masks[:, :20, :20] = 255
    thing = CachedThing('dog', '', np.array([box] * 4, np.float32), np.ones(4, bool), np.ones(4, bool), masks, 'still', np.zeros((4, 3200), np.uint8))
    asks = [Ask('exist', 'is there a dog ?', answer, 3), Ask('region', 'find the dog', '', 3, [Target('region', 'the dog', [0], 'dog')]),
            Ask('region', 'find the cat', '', 3, [Target('region', 'the cat', [], 'cat')]), Ask('mask', 'outline the dog', '', 3, [Target('mask', 'the dog', [0], 'dog')]),
            Ask('moment', 'when does the dog move ?', '', 3, [Target('moment', 'the dog moves', [0], 'dog', [span])])]
    return CachedClip(np.array([0, 3]), [thing], asks, -1, np.arange(4.0))


def test_the_best_constants_by_hand():
    found = constant_scores([clip((0.0, 0.0, 0.5, 0.5), 'yes', (1.0, 3.0)), clip((0.0, 0.0, 0.5, 0.5), 'yes', (1.0, 3.0)), clip((0.75, 0.75, 1.0, 1.0), 'no', (1.0, 3.0))])
    assert found['qa.exist'] == (0.6667, 3) and found['region.acc50'] == (0.6667, 3)
    assert found['region.presence'] == (0.5, 6) and found['mask.miou'] == (1.0, 3) and found['moment.miou'] == (1.0, 3)
