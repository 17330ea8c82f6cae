"""What a language model says of phrases: the task embeddings that the mask adapter turns into prompts. From a bundle as it is served, or, without one, noun by noun at random."""
from dataclasses import dataclass
import json
from pathlib import Path
import subprocess
import tempfile
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from trainer.sam.runtime import NODE, REPOSITORY, NoNode

SCRIPT = REPOSITORY / 'services' / 'inference' / 'src' / 'evaluation' / 'phrase-states.ts'


@dataclass(frozen=True)
class Wanted:
    """Phrases asked of one frame: frames (T, S, S, 3) uint8 and times (T) ms of the whole clip, `at` the frame."""
    frames: np.ndarray
    times: np.ndarray
    at: int
    phrases: list[str]


class PhraseStates(Protocol):
    width: int
    name: str     # of the bundle with its version; '' where it is none

    def of(self, wanted: list[Wanted]) -> list[Tensor]:
        """→ of each (phrases, d)"""


class BundleStates:
    """The states of a bundle's language model, from the TypeScript runtime: precisely those that serving gives."""

    def __init__(self, bundle: Path) -> None:
        if not NODE.exists():
            raise NoNode(f'{NODE} is not there: the runtime needs the packages of the repository. Run `npm ci` in it.')
        manifest = json.loads((bundle / 'manifest.json').read_text())
        self.bundle, self.width, self.name = bundle, manifest['language']['width'], f"{manifest['name']} {manifest['version']}"
        self.count, self.every = manifest['sampling']['frames'], manifest['sampling']['everyMs']

    def of(self, wanted: list[Wanted]) -> list[Tensor]:
        with tempfile.TemporaryDirectory() as folder:
            frames, windows, out = Path(folder, 'frames.rgb'), Path(folder, 'windows.json'), Path(folder, 'states.f32')
            with frames.open('wb') as file:
                rows = []
                for each in wanted:
                    chosen = self.window(each)
                    for index in chosen:
                        file.write(each.frames[index].tobytes())
                    rows.append({'times': [float(each.times[index]) for index in chosen], 'phrases': each.phrases})
            windows.write_text(json.dumps(rows))
            size = wanted[0].frames.shape[1]
            run = subprocess.run([str(NODE), str(SCRIPT), str(self.bundle), '--frames', str(frames), '--size', str(size), '--windows', str(windows), '--out', str(out)], capture_output=True, text=True)
            if run.returncode:
                raise RuntimeError(f'The runtime gave no states: {run.stderr.strip()}')
            states = torch.from_numpy(np.fromfile(out, np.float32).reshape(-1, self.width).copy())
        return list(states.split([len(each.phrases) for each in wanted]))

    def window(self, wanted: Wanted) -> list[int]:
        """The frames that the language model sees at `at`, oldest first: the nearest kept one at or before each time, the oldest repeated."""
        before = wanted.times[:wanted.at + 1]
        times = wanted.times[wanted.at] - self.every * np.arange(self.count - 1, -1, -1)
        return [max(int(np.searchsorted(before, time + 1e-3)) - 1, 0) for time in times]


class NounStates:
    """A fixed random vector for every phrase, in the place of a language model: for trying the training out."""

    def __init__(self, phrases: tuple[str, ...], width: int, seed: int = 0) -> None:
        self.width, self.name, self.phrases = width, '', phrases
        self.table = torch.randn(len(phrases), width, generator=torch.Generator().manual_seed(seed))

    def of(self, wanted: list[Wanted]) -> list[Tensor]:
        return [self.table[[self.phrases.index(phrase) for phrase in each.phrases]] for each in wanted]

