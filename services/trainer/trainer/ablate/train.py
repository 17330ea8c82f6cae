"""Trains one arm from the common start; a stopped run goes on from its checkpoint."""
from dataclasses import dataclass, field, replace
from pathlib import Path
import random
import time

import torch
from torch import Tensor

from trainer.ablate.arms import BASE, Arm
from trainer.ablate.eyes import put_in
from trainer.ablate.lessons import ArmBatcher
from trainer.ablate.model import ArmModel
from trainer.ablate.settings import Settings
from trainer.checkpoint import Progress, load, save
from trainer.feature_cache import FeatureCache
from trainer.objective import look_and_read
from trainer.progress import ProgressLine
from trainer.stages import rate_at
from trainer.token_memory import TokenMemory

SAVE_SECONDS = 120.0


@dataclass
class Bench:
    """Where an ablation works: checkpoints in `folder`, clips from `cache`."""
    folder: Path
    cache: FeatureCache
    settings: Settings
    seed: int
    eyes: dict[str, Tensor] = field(default_factory=dict)  # frozen in every arm, or (`settings.learning`) their encoder; none: every arm trains its own
    half: bool = False
    memory: TokenMemory | None = None                      # shared by arms that share their eyes

    def model(self) -> ArmModel:
        torch.manual_seed(self.seed)
        model = ArmModel(self.settings.config)
        put_in(model, self.eyes, self.settings.learning)
        if self.eyes and not self.settings.learning and self.memory is None:
            self.memory = TokenMemory(model.backbone.neck, self.half)
        return model

    def checkpoint(self, arm: Arm) -> Path:
        return self.folder / self.settings.fingerprint() / f'{arm.name}-seed{self.seed}.pt'


def started(bench: Bench) -> ArmModel:
    """The model after stage 0, which every arm of a seed begins from."""
    model, _ = trained(bench, BASE, bench.settings.base_steps, None)
    return model


def trained(bench: Bench, arm: Arm, steps: int, start: ArmModel | None, until: int | None = None) -> tuple[ArmModel, float]:
    """→ the model after `steps`, and the CPU seconds that it took. `until`: stop there, to go on later."""
    model = bench.model()
    if start is not None:
        model.load_state_dict(start.state_dict())
    optimiser = torch.optim.AdamW([parameter for parameter in model.parameters() if parameter.requires_grad], lr=bench.settings.rate, betas=(0.9, 0.98), weight_decay=0.05)
    batcher = ArmBatcher(bench.cache, arm, bench.settings, bench.seed + (0 if start is None else 1000), bench.memory)
    path, rng = bench.checkpoint(arm), random.Random(bench.seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    done = load(path, model, optimiser, rng) if path.exists() else Progress(arm.name, 0, 0, 0.0)
    line = ProgressLine(f'{arm.name} seed {bench.seed}', steps, done.step)
    spent, began, saved = done.seconds, time.process_time(), time.monotonic()
    last = steps if until is None else until
    weights = replace(arm.weights(), align=1.0) if bench.settings.learning and start is None else arm.weights()
    for step in range(done.step, last):
        for group in optimiser.param_groups:
            group['lr'] = rate_at(step, steps, bench.settings.rate, longest_warm=50, floor=0.05 if start else 0.5)
        torch.manual_seed(bench.seed * 100_000 + step)  # the alignment loss samples empty cells
        batch = batcher.at(step)
        with torch.autocast('cpu', torch.bfloat16, enabled=bench.half):
            parts = arm.way.losses(model, batch, look_and_read(model, batch), weights)
        loss = torch.stack(list(parts.values())).sum()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        line.update(step + 1, float(loss.detach()), parts)
        if time.monotonic() - saved > SAVE_SECONDS or step + 1 == last:
            save(path, model, optimiser, Progress(arm.name, step + 1, step + 1, spent + time.process_time() - began), rng)
            saved = time.monotonic()
    return model.eval(), spent + time.process_time() - began
