"""The ablation's exam as cached features: test clips of the seen art styles and of the one never trained on, each with the evidence of its last frame."""
from pathlib import Path
import shutil

from trainer.backbones.nano_encoder import NanoEncoder
from trainer.data.clip import Clip, SpriteWorld, WorldConfig
from trainer.data.splits import Split
from trainer.feature_cache import FeatureCache, build_cache

STYLES = ('seen', 'held-out')
SHARD = 40


class StyledWorld:
    """SpriteWorld in one style, whichever split is asked for."""

    def __init__(self, style: str) -> None:
        self.world, self.style = SpriteWorld(WorldConfig.load('spriteworld-v1')), style

    def clip(self, split: Split, index: int) -> Clip:
        return self.world.clip(split, index, 'held-out' if self.style == 'held-out' else 'seen')


def exam_cache(features: Path, style: str, clips: int, own: NanoEncoder | None = None) -> FeatureCache:
    """features: the folder of caches; the one called `train` gives the 8-bit ranges. Clips that are there already are kept."""
    folder = features / f'ablate-{style}'
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / 'ranges.npz').exists():
        shutil.copy(features / 'train' / 'ranges.npz', folder / 'ranges.npz')
    if len(FeatureCache(folder)) < clips:
        build_cache(folder, StyledWorld(style), 'test', -(-clips // SHARD) * SHARD, shard=SHARD, evidence_share=1.0, own=own)
    return FeatureCache(folder)
