"""Golden files: the inputs and outputs of every graph, and whole asks, for the runtime to reproduce (docs/design/bundle.md)."""
import gzip
import hashlib
from pathlib import Path

import numpy as np
from PIL import Image
import torch
from torch import Tensor

from trainer.data.clip import Clip, SpriteWorld
from trainer.data.config import WorldConfig
from trainer.export.graphs import GraphSpec
from trainer.metrics.rle import encode
from trainer.speak import Scene, Speaker
from trainer.spoken import Mark
from trainer.suppress import separate

KINDS = {torch.float32: 'float32', torch.int64: 'int64', torch.uint8: 'uint8'}
BLOB = 'golden/tensors.bin.gz'


class Blob:
    """One file for all tensors; the same numbers are stored once."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = 0
        self.known: dict[str, int] = {}

    def put(self, value: Tensor) -> dict[str, object]:
        raw = value.contiguous().numpy().tobytes()
        key = hashlib.sha256(raw).hexdigest()
        if key not in self.known:
            self.known[key] = self.size
            padding = -len(raw) % 8
            self.parts.append(raw + bytes(padding))
            self.size += len(raw) + padding
        return {'file': BLOB, 'dtype': KINDS[value.dtype], 'shape': list(value.shape), 'offset': self.known[key], 'bytes': len(raw)}


    def write(self, folder: Path) -> None:
        (folder / BLOB).write_bytes(gzip.compress(b''.join(self.parts), mtime=0))


def golden_graph(spec: GraphSpec, blob: Blob) -> dict[str, object]:
    inputs = tuple(coarse(value) for value in spec.golden())
    with torch.no_grad():
        outputs = spec.module(*inputs)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    return {'inputs': {name: blob.put(value) for name, value in zip(spec.inputs, inputs)}, 'outputs': {name: blob.put(value) for name, value in zip(spec.outputs, outputs)}}


def coarse(value: Tensor) -> Tensor:
    """Any input is as good as another; numbers with few digits take a fifth of the room."""
    return (value * 8).round() / 8 if value.dtype == torch.float32 else value


def golden_asks(speaker: Speaker, folder: Path, size: int, threshold: dict[str, float]) -> list[dict[str, object]]:
    """A region, a mask and a moment over the same clip: of three dozen development clips the one that compresses best."""
    world = SpriteWorld(WorldConfig.load('spriteworld-v1', size=size))
    clip = min((world.clip('dev', number) for number in range(36)), key=lambda clip: png_size(clip) if {'region', 'mask', 'moment'} <= {ask.kind for ask in clip.asks} else 1 << 40)
    files = []
    for t, frame in enumerate(clip.frames):
        name = f'golden/a{t:02d}.png'
        Image.fromarray(frame).save(folder / name, optimize=True)
        files.append(name)
    times = torch.from_numpy(clip.times - clip.times[-1])
    scene = speaker.see(torch.from_numpy(clip.frames), times)
    asks = []
    for kind in ('region', 'mask', 'moment', 'exist', 'count'):
        ask = next((ask for ask in clip.asks if ask.kind == kind), None)
        if ask is None:
            continue
        answer = speaker.ask(scene, ask.text)
        asks.append({'frames': files, 'times': times.tolist(), 'text': ask.text, 'tokens': answer.ids, 'answer': answer.text,
                     'evidence': [evidence_of(speaker, scene, mark, size, threshold) for mark in answer.marks]})
    asks += [forced_ask(speaker, scene, files, clip, task, size, threshold) for task in ('region', 'mask', 'moment')]
    return asks


def forced_ask(speaker: Speaker, scene: Scene, files: list[str], clip: Clip, task: str, size: int, threshold: dict[str, float]) -> dict[str, object]:
    """The trigger is fed, so that every head is proved whatever the model would have said."""
    phrase = next((target.phrase for ask in clip.asks for target in ask.targets if target.task == task and target.present), f'the {clip.things[0].noun}')
    mark = speaker.force(scene, phrase, task)
    return {'frames': files, 'times': scene.times[0].tolist(), 'text': phrase, 'forced': task, 'tokens': [], 'answer': '', 'evidence': [evidence_of(speaker, scene, mark, size, threshold)]}


def evidence_of(speaker: Speaker, scene: Scene, mark: Mark, size: int, threshold: dict[str, float]) -> dict[str, object]:
    found: dict[str, object] = {'task': mark.task, 'query': mark.phrase}
    if mark.task == 'region':
        regions = speaker.regions(scene, mark.state)
        kept = [i for i in separate(regions.boxes[0], regions.scores[0]) if float(regions.scores[0, i]) >= threshold['region']]
        return found | {'object': float(regions.object[0]), 'boxes': regions.boxes[0][kept].tolist(), 'scores': regions.scores[0][kept].tolist()}
    if mark.task == 'mask':
        masks = speaker.mask(scene, mark.state)
        present = float(masks.object.sigmoid()[0])
        return found | {'object': present, 'mask': encode(enlarged(masks.mask, size)) if present >= threshold['mask'] else None}
    moments = speaker.moments(scene, mark.state)
    kept = moments.scores[0] >= threshold['moment']
    return found | {'object': float(moments.object[0]), 'spans': moments.spans[0][kept].tolist(), 'scores': moments.scores[0][kept].tolist()}


def enlarged(mask: Tensor, size: int) -> np.ndarray:
    """Logits (1, h, w) → bool (size, size): bilinear, then above 0."""
    return (torch.nn.functional.interpolate(mask[:, None], size=(size, size), mode='bilinear', align_corners=False)[0, 0] > 0).numpy()


def png_size(clip: Clip) -> int:
    import zlib
    return sum(len(zlib.compress(frame.tobytes(), 1)) for frame in clip.frames[::5])
