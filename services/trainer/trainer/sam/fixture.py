"""`python -m trainer.sam.fixture FOLDER`: a small EdgeTAM of random weights as a mask part, a clip, and what the official predictor says of it, for tests that have no Python."""
import gzip
import json
from pathlib import Path
import shutil
import sys

import torch

from trainer.metrics.rle import encode
from trainer.sam.official import build
from trainer.sam.parity import SEEDS
from trainer.sam.part import export_part, halved
from trainer.sam.prompts import MaskAdapter
from trainer.sam.reference import DRAWN, LATE, PROMPTS, Run, follow, moving_shapes

FAMILY, SIZE, STATE = 'edgetam-test', 128, 16


def main(folder: Path) -> None:
    model = halved(build(FAMILY, SIZE, seed=SEEDS[FAMILY, SIZE]))
    torch.manual_seed(0)
    adapter = MaskAdapter(STATE, model.hidden_dim).requires_grad_(False)
    frames = moving_shapes(SIZE)
    told = {'together': objects_of(follow(model, frames, PROMPTS)), 'late': objects_of(follow(model, frames, [LATE])), 'drawn': objects_of(follow(model, frames, [DRAWN]))}
    for own in (folder / 'frames.rgb.gz', folder / 'official.json'):   # no part of an export, which would refuse the folder
        own.unlink(missing_ok=True)
    export_part(model, FAMILY, folder, halved(adapter), STATE, 'PyPI edgetam-dimos (official code); random weights', small=True)
    shutil.rmtree(folder / 'golden')
    part = json.loads((folder / 'mask.json').read_text())
    part.pop('golden')
    part['hashes'] = {name: value for name, value in part['hashes'].items() if name.endswith('.onnx')}
    (folder / 'mask.json').write_text(json.dumps(part, indent=1) + '\n')
    (folder / 'frames.rgb.gz').write_bytes(gzip.compress(frames.tobytes(), 9, mtime=0))
    (folder / 'official.json').write_text(json.dumps({'prompts': [prompt.as_json(SIZE) for prompt in PROMPTS], 'latePrompt': LATE.as_json(SIZE), 'drawnPrompt': DRAWN.as_json(SIZE), **told}) + '\n')


def objects_of(run: Run) -> list[list[dict[str, object]]]:
    """Of every frame, of every object: its outline as COCO RLE, and the logit of its presence."""
    return [[{'mask': encode(mask.numpy() > 0), 'object': round(float(presence), 5)} for mask, presence in zip(frame.masks, frame.object)] for frame in run.frames]


if __name__ == '__main__':
    main(Path(sys.argv[1]))
