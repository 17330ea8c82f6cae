"""What all arms of the ablation share: one small model, one start, one number of steps, the same clips in the same order."""
from dataclasses import asdict, dataclass, field, replace
import hashlib
import json

from trainer.config import NANO, NanoConfig
from trainer.stages import mix

# A third of nano's width and half its depth: an arm must fit into minutes of one core.
SMALL = replace(NANO, name='ablation', width=64, layers=2, heads=4, mlp=192, features=24, match=32, fine=24, skip=8, memory=16)
# Drawn for every arm alike; the arm then keeps what it is taught. No photographs, no renamed things: they serve the product, not the claims.
MIX = mix(live=0.25, rename=0.0, photo=0.0, caption=0.5, asked=0.9, forced=0.6, standing=0.4)


@dataclass(frozen=True)
class Settings:
    base_steps: int = 1000    # stage 0, shared by all arms of a seed
    steps: int = 1000         # of every arm
    batch: int = 6            # clips a step
    questions: int = 10       # drawn for a clip at most
    rate: float = 2e-3
    shards: int = 20          # of the feature cache: a hundred clips each
    exam_clips: int = 120     # of each style
    config: NanoConfig = SMALL
    mix: dict[str, float] = field(default_factory=lambda: dict(MIX))

    def fingerprint(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:12]
