"""A stand-in for the frozen eyes: fixed random projections of the small picture. Fast, deterministic, and informative enough to be learnt from."""
import numpy as np

from trainer.feature_cache import SIDES, TAPS


class RandomEyes:
    name = 'imagenet'  # of a config without an encoder of its own

    def __init__(self) -> None:
        generator = np.random.default_rng(0)
        self.projections = {name: generator.normal(size=(channels, 27)).astype(np.float32) for name, channels in TAPS.items()}

    def look(self, frames: np.ndarray) -> list[np.ndarray]:
        """uint8 (B, 160, 160, 3) → s4, s8, s16, s32, rgb, in the shapes of the real encoder."""
        count = len(frames)
        taps = []
        for name in TAPS:
            side = SIDES[name]
            cell = 160 // side
            blocks = frames.reshape(count, side, cell, side, cell, 3).astype(np.float32) / 255
            mean, spread = blocks.mean((2, 4)), blocks.std((2, 4))
            around = np.concatenate([mean, spread, np.roll(mean, 1, 1), np.roll(mean, -1, 1), np.roll(mean, 1, 2), np.roll(mean, -1, 2), mean ** 2, spread ** 2, mean * spread], -1)
            taps.append(np.einsum('bhwk,ck->bchw', around, self.projections[name]))
        rgb = frames.reshape(count, 80, 2, 80, 2, 3).mean((2, 4)).transpose(0, 3, 1, 2).astype(np.float32)
        return [*taps, rgb]

    def find(self, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        from trainer.backbones.evidence import EVIDENCE_CHANNELS
        return np.zeros((len(frames), EVIDENCE_CHANNELS, 20, 20), np.float32), np.zeros((len(frames), 4, 20, 20), np.float32)
