"""Runs a mask part in the TypeScript runtime, frame by frame, as the service does."""
from dataclasses import dataclass
import json
from pathlib import Path
import subprocess
import tempfile

import numpy as np

from trainer.sam.reference import Prompt

REPOSITORY = Path(__file__).parents[4]
NODE = REPOSITORY / 'node_modules' / 'node' / 'bin' / 'node'  # the one of the packages: an older one on the PATH runs no TypeScript
RUNNER = REPOSITORY / 'services' / 'inference' / 'src' / 'evaluation' / 'follow-part.ts'


class NoNode(Exception):
    code = 'no-node'


@dataclass
class Steps:
    """Of one frame: masks (Q, h, w) logits of the objects that are there, and what it took."""
    objects: list[int]
    masks: np.ndarray
    score: list[float]
    ms: float
    graphs: dict[str, float]


def follow_in_runtime(part: Path, frames: np.ndarray, prompts: list[Prompt]) -> list[Steps]:
    """frames (T, S, S, 3) uint8 → what the runtime saw in each."""
    if not NODE.exists():
        raise NoNode(f'{NODE} is not there: the runtime needs the packages of the repository. Run `npm ci` in it.')
    with tempfile.TemporaryDirectory() as folder:
        pictures, masks = Path(folder, 'frames.rgb'), Path(folder, 'masks.f32')
        pictures.write_bytes(frames.tobytes())
        run = subprocess.run([str(NODE), str(RUNNER), str(part), '--frames', str(pictures), '--objects', json.dumps([prompt.as_json(frames.shape[1]) for prompt in prompts]), '--out', str(masks)], capture_output=True, text=True)
        if run.returncode:
            raise RuntimeError(f'The runtime could not follow: {run.stderr.strip()}')
        flat, at, steps = np.fromfile(masks, np.float32), 0, []
    for line in run.stdout.splitlines():
        told = json.loads(line)
        shapes = [tuple(object['shape']) for object in told['objects']]
        count = len(shapes) * int(np.prod(shapes[0])) if shapes else 0
        steps.append(Steps([object['object'] for object in told['objects']], flat[at:at + count].reshape(len(shapes), *(shapes[0] if shapes else (0, 0))),
                           [object['score'] for object in told['objects']], told['ms'], told['graphs']))
        at += count
    return steps
