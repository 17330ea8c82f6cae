"""Where a run stands, so that one that stopped goes on to the same curve: what is trained, the optimiser, the random state, the step."""
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn


@dataclass
class Standing:
    stage: str
    step: int     # steps done of it
    curve: list[float]
    optimiser: dict
    random: torch.Tensor


class ResumeFile:
    def __init__(self, path: Path, model: nn.Module, part_of: Callable[[str], str]) -> None:
        self.path, self.model, self.part_of = path, model, part_of

    def save(self, stage: str, curve: list[float], optimiser: torch.optim.Optimizer) -> None:
        state = {'stage': stage, 'curve': curve, 'trained': self.trained(), 'optimiser': optimiser.state_dict(), 'random': torch.get_rng_state()}
        torch.save(state, self.path.with_suffix('.new'))
        self.path.with_suffix('.new').replace(self.path)

    def load(self) -> Standing | None:
        """Puts what was trained into the model → where it stood."""
        if not self.path.exists():
            return None
        state = torch.load(self.path, map_location='cpu', weights_only=True)
        with torch.no_grad():
            for name, parameter in self.trained().items():
                parameter.copy_(state['trained'][name])
        return Standing(state['stage'], len(state['curve']), state['curve'], state['optimiser'], state['random'])

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)

    def trained(self) -> dict[str, nn.Parameter]:
        return {name: parameter.data for name, parameter in self.model.named_parameters() if self.part_of(name) != 'base'}
