"""One line that says how training goes: step, loss and its parts, steps a second, time left."""
import sys
import time

from torch import Tensor


class ProgressLine:
    def __init__(self, stage: str, steps: int, first: int) -> None:
        self.stage, self.steps, self.first = stage, steps, first
        self.began = self.shown = time.monotonic()
        self.mean: dict[str, float] = {}
        self.every = 0.5 if sys.stderr.isatty() else 30.0

    def update(self, step: int, loss: float, parts: dict[str, Tensor]) -> None:
        for name, value in {'loss': loss, **grouped(parts)}.items():
            self.mean[name] = 0.95 * self.mean.get(name, value) + 0.05 * value
        now = time.monotonic()
        if now - self.shown < self.every and step < self.steps:
            return
        self.shown = now
        speed = (step - self.first) / max(1e-6, now - self.began)
        left = (self.steps - step) / max(1e-6, speed)
        text = f'{self.stage} {step}/{self.steps}  ' + '  '.join(f'{name} {value:.3f}' for name, value in self.mean.items()) + f'  {speed:.2f} steps/s  {left / 60:.0f} min left'
        print(f'\r{text}' if sys.stderr.isatty() else text, end='' if sys.stderr.isatty() and step < self.steps else '\n', file=sys.stderr, flush=True)


def grouped(parts: dict[str, Tensor]) -> dict[str, float]:
    groups: dict[str, float] = {}
    for name, value in parts.items():
        group = name.partition('.')[0]
        groups[group] = groups.get(group, 0.0) + float(value.detach())
    return groups
