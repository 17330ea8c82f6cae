"""What a phrase costs a frame: asked again with the language model, or with its embedding standing. Weights do not matter to it, sizes do."""
from collections.abc import Callable
import json
from pathlib import Path
from time import process_time

import torch

from trainer.backbones.nano_eyes import map_widths
from trainer.backbones.nano_neck import FOLDED
from trainer.config import NANO, NanoConfig
from trainer.model import TpoModel
from trainer.speak import Scene, Speaker

RUNS = 15


@torch.no_grad()
def phrase_costs(config: NanoConfig = NANO) -> dict[str, float]:
    """CPU milliseconds on one thread, the least of some runs: a busy machine makes them longer, never shorter."""
    torch.manual_seed(0)
    model = TpoModel(config)
    speaker = Speaker(model)
    cells, channels = sum(model.backbone.nouns.widths), sum(map_widths(config))
    frames, side = config.frames, config.grid
    scene = Scene(torch.randn(1, frames, config.coarse ** 2, cells), torch.arange(1 - frames, 1)[None] * config.every_ms, torch.randn(frames, channels, side, side),
                  torch.randn(frames, FOLDED + config.skip + 2, 2 * side, 2 * side))
    state = speaker.force(scene, 'the dog', 'region').state
    return {
        'language model: a phrase to its embedding': least(lambda: speaker.force(scene, 'the dog', 'region')),
        'region head: an embedding on a frame': least(lambda: speaker.regions(scene, state)),
        'mask head: an embedding on a frame': least(lambda: speaker.mask(scene, state)),
    }


def least(work: Callable[[], object]) -> float:
    times = []
    for _ in range(RUNS):
        began = process_time()
        work()
        times.append(1000 * (process_time() - began))
    return round(min(times), 2)


def cost_table(path: Path) -> list[str]:
    """As measured by `fovea-train ablate cost`; nothing before it was run."""
    if not path.exists():
        return []
    costs: dict[str, float] = json.loads(path.read_text())
    lines = ['\n## What a standing embedding saves\n', 'CPU milliseconds a phrase and frame, nano\'s own size, one thread in PyTorch (`fovea-train ablate cost`):\n', '| | ms |', '|---|---|']
    return [*lines, *(f'| {name} | {value:.1f} |' for name, value in costs.items()), '']
