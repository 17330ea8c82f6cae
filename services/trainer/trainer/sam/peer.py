"""`python -m trainer.sam.peer FAMILY SIZE SEED OBJECTS FRAMES STEADY`: what a frame of the official predictor costs, one thread; the peer of the bench `model`."""
import json
import sys
import time

import torch

from trainer.sam.official import build
from trainer.sam.reference import PROMPTS, follow, moving_shapes


def main(family: str, size: str, seed: str, objects: str, frames: str, steady: str) -> None:
    torch.set_num_threads(1)
    clip = moving_shapes(int(size), int(frames))
    marks = []

    def mark(_: object) -> bool:
        marks.append((time.process_time(), time.perf_counter()))
        return True

    follow(build(family, int(size), seed=int(seed)), clip, PROMPTS[:int(objects)], mark)
    steps = [[(after - before) * 1000 for before, after in zip(earlier, later)] for earlier, later in zip(marks, marks[1:])][-int(steady):]
    cpu, wall = (sorted(step[kind] for step in steps)[len(steps) // 2] for kind in (0, 1))
    print(json.dumps({'frameMs': cpu, 'wallMs': wall}))


if __name__ == '__main__':
    main(*sys.argv[1:])
