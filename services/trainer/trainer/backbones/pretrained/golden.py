"""What the bundle of a tuned language model must reproduce: a run of its decoder, and whole asks over one clip."""
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image
import torch
from torch import Tensor

from trainer.backbones.pretrained.model import Pretrained, Sight
from trainer.backbones.pretrained.settings import TASKS
from trainer.backbones.pretrained.speak import Speaker
from trainer.data.clip import SpriteWorld
from trainer.data.config import WorldConfig
from trainer.export.golden import Blob, coarse, enlarged
from trainer.metrics.rle import encode
from trainer.spoken import Mark

GIVEN, BOXES = 'what is in <box> ?', ([0.1, 0.2, 0.5, 0.6], [0.6, 0.1, 0.9, 0.9])
PHRASES = {'region': 'the red car', 'mask': 'the dog', 'moment': 'the cat leaves'}


def golden_decoder(model: Pretrained, folder: Path, part: dict[str, dict], blob: Blob) -> tuple[dict[str, object], float]:
    """One run from an empty cache → golden entry, the largest difference to PyTorch."""
    embeds = coarse(torch.randn(1, 7, model.width, generator=torch.Generator().manual_seed(3)))
    spoken = model.decode(embeds)
    outputs = {'logits': spoken.logits[:, -1:], 'hidden': spoken.hidden}
    kv = part['kv']
    past = {name: torch.zeros(1, kv['heads'], kv['max'], kv['headDim']) for name in part['graphs']['decoder']['inputs'] if name.startswith('past.')}
    inputs = {'embeds': embeds, 'lengths': torch.zeros(1, dtype=torch.int64), **past}
    session = onnxruntime.InferenceSession(folder / 'decoder.onnx', providers=['CPUExecutionProvider'])
    found = session.run(list(outputs), {name: value.numpy() for name, value in inputs.items()})
    difference = max(float(np.abs(ours - value.numpy()).max()) for ours, value in zip(found, outputs.values()))
    return {'inputs': {name: blob.put(value) for name, value in inputs.items()}, 'outputs': {name: blob.put(value) for name, value in outputs.items()}}, difference


def golden_asks(speaker: Speaker, folder: Path, thresholds: dict[str, float]) -> list[dict[str, object]]:
    """Questions answered freely, two of them about boxes, and every head with its trigger fed, so that it is proved whatever the model would have said."""
    model = speaker.model
    clip = SpriteWorld(WorldConfig.load('spriteworld-v1', size=model.picture)).clip('dev', 0)
    chosen = np.linspace(0, len(clip.frames) - 1, model.settings.frames).round().astype(int)
    files = []
    for place, frame in enumerate(chosen):
        files.append(f'golden/a{place:02d}.png')
        Image.fromarray(clip.frames[frame]).save(folder / files[-1], optimize=True)
    times = torch.from_numpy(clip.times[chosen] - clip.times[-1])
    sight = speaker.see(torch.from_numpy(clip.frames[chosen]))
    asks = []
    for text in ('where is the red car ?', 'what do you see ?'):
        answer = speaker.ask(sight, text)
        asks.append({'frames': files, 'times': times.tolist(), 'text': text, 'tokens': answer.ids, 'answer': answer.text,
                     'evidence': [evidence_of(model, sight, times, replace(mark, phrase=mark.phrase or text), thresholds) for mark in answer.marks]})
    for box in BOXES:
        answer = speaker.ask(sight, GIVEN, torch.tensor([box]))
        asks.append({'frames': files, 'times': times.tolist(), 'text': GIVEN, 'boxes': [box], 'tokens': answer.ids, 'answer': answer.text,
                     'evidence': [evidence_of(model, sight, times, replace(mark, phrase=mark.phrase or GIVEN), thresholds) for mark in answer.marks]})
    for task in TASKS:
        mark = speaker.force(sight, PHRASES[task], task)
        asks.append({'frames': files, 'times': times.tolist(), 'text': PHRASES[task], 'forced': task, 'tokens': [], 'answer': '', 'evidence': [evidence_of(model, sight, times, mark, thresholds)]})
    return asks


@torch.no_grad()
def evidence_of(model: Pretrained, sight: Sight, times: Tensor, mark: Mark, thresholds: dict[str, float]) -> dict[str, object]:
    head, last, found = model.heads[mark.task], sight.features[:, -1], {'task': mark.task, 'query': mark.phrase}
    if mark.task == 'region':
        regions = head(last, mark.state)
        kept = regions.scores[0] >= thresholds['region']
        return found | {'object': float(regions.object[0]), 'boxes': regions.boxes[0][kept].tolist(), 'scores': regions.scores[0][kept].tolist()}
    if mark.task == 'mask':
        masks = head.decode(last, head.prompt_state(mark.state), torch.zeros(1), *head.nothing(1, 1 + model.settings.recent))
        present = float(masks.object.sigmoid()[0])
        drawn = enlarged(masks.mask, model.picture)
        return found | {'object': present, 'mask': encode(drawn) if present >= thresholds['mask'] and drawn.any() else None}
    moments = head(sight.visual, times[None], mark.state)
    kept = moments.scores[0] >= thresholds['moment']
    return found | {'object': float(moments.object[0]), 'spans': moments.spans[0][kept].tolist(), 'scores': moments.scores[0][kept].tolist()}
