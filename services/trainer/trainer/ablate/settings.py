"""What all arms of the ablation share: the same eyes, one start, one number of steps, the same clips in the same order."""
from dataclasses import asdict, dataclass, field
import hashlib
import json

from trainer.config import NANO, NanoConfig
from trainer.stages import mix

# Drawn for every arm alike; the arm then keeps what it is taught. No photographs, no renamed things, no contrasts: they serve the product, not the claims.
MIX = mix(live=0.25, rename=0.0, contrast=0.0, photo=0.0, caption=0.5, asked=0.9, forced=0.6, standing=0.4)


@dataclass(frozen=True)
class Settings:
    base_steps: int = 250     # stage 0, shared by all arms of a seed
    steps: int = 300          # of every arm
    batch: int = 6            # clips a step
    questions: int = 10       # drawn for a clip at most
    rate: float = 1e-3
    shards: int = 20          # of the feature cache: a hundred clips each
    exam_clips: int = 120     # of each style
    config: NanoConfig = NANO
    eyes: str = ''            # fingerprint of the eyes that all arms share; empty: every arm trains its own
    learning: bool = False    # of those eyes the encoder alone is shared: neck and noun space begin anew, are named in stage 0, and learn in every arm
    mix: dict[str, float] = field(default_factory=lambda: dict(MIX))

    def fingerprint(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:12]
