"""Visual tokens of clips, for stages in which the neck no longer learns: computed when a clip is first taught, then remembered.

A clip's tokens are 16 × 25 × 192 numbers, 150 KB in half precision: some thousand clips, each in both mirrorings, fit into memory.
"""
import numpy as np
import torch
from torch import Tensor

from trainer.backbones.nano_neck import NanoNeck
from trainer.feature_cache import FeatureCache, Shard


class TokenMemory:
    def __init__(self, neck: NanoNeck, half: bool = False) -> None:
        self.neck, self.half = neck, half
        self.known: dict[tuple[int, int, bool], Tensor] = {}

    @torch.no_grad()
    def tokens(self, cache: FeatureCache, shard: Shard, row: int, flip: bool) -> Tensor:
        """All frames of a clip: (T, N, d)."""
        key = (id(shard), row, flip)  # shards live as long as their cache
        if key not in self.known:
            s16, s32 = (torch.from_numpy(np.ascontiguousarray(cache.features(name, shard.arrays[name][row])[..., ::-1 if flip else 1])) for name in ('s16', 's32'))
            with torch.autocast('cpu', torch.bfloat16, enabled=self.half):
                self.known[key] = self.neck.tokens(self.neck.deep(s16, s32)).half()
        return self.known[key].float()
