"""The one training loop. A stage is a row of `STAGES`; nothing here knows which."""
from collections.abc import Callable
from dataclasses import dataclass
import json
from pathlib import Path
import random
import time

import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from trainer.batch import Batch, Batcher
from trainer.checkpoint import Progress, load, save, save_weights
from trainer.feature_cache import Eyes, FeatureCache, OtherEyes, refuse_other_eyes
from trainer.frozen_runner import FrozenRunner
from trainer.lesson import Teacher
from trainer.model import TpoModel
from trainer.objective import Weights, objective
from trainer.preference.batcher import CorrectionBatcher
from trainer.progress import ProgressLine
from trainer.stages import STAGES, Stage, rate_at
from trainer.stills import StillBatch, StillSource, stills_loss
from trainer.token_memory import TokenMemory


@dataclass
class Run:
    """How a run is made, beside its model and stages."""
    folder: Path
    cache: Path
    steps: int                       # of all stages together
    photos: Path | None = None       # a cache of photographs
    batch: int = 8
    seed: int = 1
    decay: float = 0.05
    clip: float = 1.0
    log_every: int = 10
    save_seconds: float = 180.0
    evaluate_seconds: float = 600.0
    rank: int = 0
    world: int = 1
    stop_after: float = float('inf')  # seconds
    half: bool = False               # bfloat16 where it is fast and safe (autocast); weights and optimiser stay float32
    eyes: Eyes | None = None         # for fresh pictures; the real ones where none are given
    corrections: Path | None = None  # a cache of corrected clips, for the stage `preference`


Evaluate = Callable[[TpoModel, int], dict[str, float]]


class Objective(torch.nn.Module):
    """The loss as a module, so that DistributedDataParallel sees one forward."""

    def __init__(self, model: TpoModel, half: bool = False) -> None:
        super().__init__()
        self.model, self.half = model, half

    def forward(self, batch: Batch | StillBatch, weights: Weights) -> dict[str, Tensor]:
        device = next(self.model.parameters()).device.type
        with torch.autocast(device, torch.bfloat16, enabled=self.half):
            if isinstance(batch, StillBatch):
                return stills_loss(self.model, batch.eyes, batch.stills, weights.align)
            return objective(self.model, batch, weights)


def train(model: TpoModel, stages: list[Stage], run: Run, evaluate: Evaluate | None = None, resume: bool = True) -> Progress:
    """Runs the stages one after the other; goes on from `run.folder/checkpoint.pt` if it is there."""
    run.folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(run.seed * 1000 + run.rank)
    torch.manual_seed(run.seed * 1000 + run.rank)
    reading = any(not stage.stills for stage in stages)
    if reading and model.config.own_encoder and any(stage.stills for stage in stages):
        raise OtherEyes('The stage look trains the encoder whose features the other stages read from the cache. Train look alone, then `fovea-train data cache --eyes` with its weights, then the others.')
    log = Log(run) if run.rank == 0 else None
    checkpoint = run.folder / 'checkpoint.pt'
    done = Progress('', 0, 0, 0.0)
    pending = list(stages)
    shares = sum(stage.share for stage in stages) or 1.0
    resuming = resume and checkpoint.exists()
    if resuming:
        done = load(checkpoint, model)
        names = [stage.name for stage in stages]
        assert done.stage in names, f'{checkpoint} stopped in stage {done.stage}, which is not among {names}.'
        pending = pending[names.index(done.stage):]
    caches = Caches(run, model) if reading else None
    for stage in pending:
        steps = max(1, round(run.steps * stage.share / shares))
        optimiser = optimiser_of(model, stage, run)
        first = 0
        if resuming:
            done = load(checkpoint, model, optimiser, rng)
            first, resuming = done.step, False
            if run.rank:
                rng.seed(run.seed * 1000 + run.rank + done.total)  # the checkpoint holds the first rank's draw
        source = StillSource(run.eyes or FrozenRunner(evidence=False), run.seed * 100 + run.rank, first) if caches is None or stage.stills else caches.lessons(stage, rng)
        forward = wrapped(model, run)
        line = ProgressLine(stage.name, steps, first) if log else None
        saved = evaluated = time.monotonic()
        for step in range(first, steps):
            began = time.monotonic()
            rate = rate_at(step, steps, stage.rate, floor=stage.floor)
            for group in optimiser.param_groups:
                group['lr'] = rate * group['factor']
            parts = forward(source.draw(run.batch), stage.weights)
            loss = torch.stack(list(parts.values())).sum()
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), run.clip)
            optimiser.step()
            done = Progress(stage.name, step + 1, done.total + 1, done.seconds + time.monotonic() - began)
            if log and line:
                log.add(stage.name, done.total, parts, loss, norm, rate)
                line.update(step + 1, float(loss.detach()), parts)
                now = time.monotonic()
                if now - saved > run.save_seconds or step + 1 == steps:
                    save(checkpoint, model, optimiser, done, rng)
                    saved = now
                if evaluate and (now - evaluated > run.evaluate_seconds or step + 1 == steps):
                    log.evaluation(stage.name, done, evaluate(model, done.total))
                    evaluated = time.monotonic()
                    if caches:
                        caches.clips.refresh()
            if done.seconds > run.stop_after:
                if log:
                    save(checkpoint, model, optimiser, done, rng)
                return done
        if log:
            save_weights(run.folder / f'after-{stage.name}.safetensors', model, done.total)  # what `fovea-train report` examines
    return done


class Caches:
    """The feature caches of a run, refused where they are another encoder's."""

    def __init__(self, run: Run, model: TpoModel) -> None:
        self.run, self.model = run, model
        self.clips = FeatureCache(run.cache)
        assert len(self.clips), f'{run.cache} has no clips yet: run `fovea-train data cache` first.'
        self.photos = FeatureCache(run.photos) if run.photos else None
        self.corrections = FeatureCache(run.corrections) if run.corrections else None
        for cache in (self.clips, self.photos, self.corrections):
            if cache is not None:
                refuse_other_eyes(cache, model.backbone.encoder)

    def lessons(self, stage: Stage, rng: random.Random) -> Batcher:
        teacher, memory = Teacher(rng, stage.mix), None if stage.names_cells else TokenMemory(self.model.backbone.neck, self.run.half)
        if self.corrections is not None:
            return CorrectionBatcher(self.corrections, self.clips, teacher, self.photos, memory=memory)
        return Batcher(self.clips, teacher, self.photos, memory=memory)


def optimiser_of(model: TpoModel, stage: Stage, run: Run) -> torch.optim.AdamW:
    """Only what the stage trains; vectors are not decayed; prefixes in `factors` have their own rate."""
    groups: dict[tuple[float, bool], list[torch.nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        trained = name.startswith(stage.trains)
        parameter.requires_grad_(trained)
        if not trained:
            continue
        factor = next((value for prefix, value in stage.factors.items() if name.startswith(prefix)), 1.0)
        groups.setdefault((factor, parameter.ndim > 1), []).append(parameter)
    return torch.optim.AdamW([{'params': parameters, 'factor': factor, 'weight_decay': run.decay if decayed else 0.0} for (factor, decayed), parameters in groups.items()],
                             lr=stage.rate, betas=(0.9, 0.98))


def wrapped(model: TpoModel, run: Run) -> torch.nn.Module:
    module = Objective(model, run.half)
    return DistributedDataParallel(module, find_unused_parameters=True) if run.world > 1 else module


class Log:
    """metrics.jsonl and TensorBoard, averaged over `log_every` steps."""

    def __init__(self, run: Run) -> None:
        from torch.utils.tensorboard import SummaryWriter
        self.run = run
        self.file = open(run.folder / 'metrics.jsonl', 'a')
        self.board = SummaryWriter(str(run.folder / 'tensorboard'))
        self.sums: dict[str, float] = {}
        self.count = 0
        self.since = time.monotonic()

    def add(self, stage: str, step: int, parts: dict[str, Tensor], loss: Tensor, norm: Tensor, rate: float) -> None:
        for name, value in {**parts, 'loss': loss, 'norm': norm}.items():
            self.sums[name] = self.sums.get(name, 0.0) + float(value.detach())
        self.count += 1
        if self.count < self.run.log_every:
            return
        means = {name: round(value / self.count, 5) for name, value in self.sums.items()}
        seconds = (time.monotonic() - self.since) / self.count
        self.write({'step': step, 'stage': stage, 'rate': rate, 'seconds': round(seconds, 4), **means})
        for name, value in means.items():
            self.board.add_scalar(f'train/{name}', value, step)
        self.sums, self.count, self.since = {}, 0, time.monotonic()

    def evaluation(self, stage: str, done: Progress, metrics: dict[str, float]) -> None:
        self.write({'step': done.total, 'stage': stage, 'trained': round(done.seconds), 'dev': metrics})
        for name, value in metrics.items():
            self.board.add_scalar(f'dev/{name}', value, done.total)

    def write(self, row: dict[str, object]) -> None:
        self.file.write(json.dumps(row) + '\n')
        self.file.flush()


def stages_named(names: list[str]) -> list[Stage]:
    return [STAGES[name] for name in names]
