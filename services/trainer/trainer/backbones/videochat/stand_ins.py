"""Features for CG-DETR where its two encoders are not: so small that they only try the training out. A clip is its brightness in sixteen places and when it is; a word
is a random vector of its own. (Real ones: `Features` of lessons.py.)
"""
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from trainer.backbones.videochat.config import VideoChatConfig
from trainer.backbones.videochat.lessons import Features
from trainer.data.clip import Clip
from trainer.parity.seeded import seeded

SIDE = 4


def stand_ins(config: VideoChatConfig) -> Features:
    assert config.moment.clip == SIDE * SIDE + 2, f'{config.name} wants clips of {config.moment.clip} numbers; stand-ins have {SIDE * SIDE + 2}.'

    def features(clip: Clip, request: str) -> tuple[Tensor, Tensor]:
        grey = torch.from_numpy(clip.frames.mean(-1).astype(np.float32) / 255)                                # (T, H, W)
        seen = (F.adaptive_avg_pool2d(grey, SIDE).flatten(1) - 0.5) * 4                                       # (T, 16)
        start = torch.arange(len(seen))[:, None] / len(seen)
        return torch.stack([seeded(word, config.width) for word in request.lower().split()[:config.moment.words - 1]]), torch.cat([seen, start, start + 1 / len(seen)], 1)

    return features
