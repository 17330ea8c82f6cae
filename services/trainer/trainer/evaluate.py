"""An evaluation folder through the model, free-running, the way it is served → records → the metrics table (docs/design/evaluation.md).

    python -m trainer.cli eval ~/.cache/fovea/exam/seen --bundle packages/model-nano

With a bundle the pictures go through its own `vision.onnx` and the rest through PyTorch carrying its stored weights: the figures are those of the files.
"""
from collections.abc import Callable, Iterator
from dataclasses import dataclass
import json
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import torch
from torch import Tensor

from trainer.backbones.lite0 import Taps
from trainer.backbones.nano_eyes import Sight
from trainer.checkpoint import load, load_weights
from trainer.config import CONFIGS
from trainer.data.folder import FolderClip, read_folder
from trainer.export.bundle import Thresholds
from trainer.frozen_runner import FrozenRunner
from trainer.heads.mask import Masks
from trainer.losses.moment import span_iou
from trainer.metrics.record import Head, Prediction, Record, TrackEntry
from trainer.metrics.rle import encode
from trainer.model import TpoModel
from trainer.speak import Scene, Speaker
from trainer.spoken import Mark
from trainer.suppress import separate

See = Callable[[np.ndarray, np.ndarray], Scene]


@dataclass
class Served:
    """A model ready to be asked: from a checkpoint, or from a bundle's own files."""
    speaker: Speaker
    see: See
    thresholds: Thresholds


def from_bundle(folder: Path) -> Served:
    manifest = json.loads((folder / 'manifest.json').read_text())
    model = TpoModel(CONFIGS[manifest['name'].removeprefix('fovea-')])
    load_weights(folder / 'training' / 'weights.safetensors', model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    vision = onnxruntime.InferenceSession(folder / manifest['graphs']['vision']['file'], options)
    size = manifest['image']['size'][0]

    def see(frames: np.ndarray, times: np.ndarray) -> Scene:
        parts = [vision.run(['visual', 's8', 's4'], {'frames': stretched(frame, size)[None]}) for frame in frames]
        visual, s8, s4 = (torch.from_numpy(np.concatenate(part)) for part in zip(*parts))
        return Scene(visual[None], torch.from_numpy(times)[None].float(), s8, s4)

    return Served(Speaker(model), see, Thresholds(**{head['task']: head['threshold'] for head in manifest['heads']}))


def from_checkpoint(path: Path, config: str, thresholds: Thresholds) -> Served:
    model = TpoModel(CONFIGS[config])
    load(path, model)
    return served(model, thresholds)


def served(model: TpoModel, thresholds: Thresholds | None = None) -> Served:
    """A model in training, its frozen eyes through ONNX Runtime."""
    speaker, runner = Speaker(model), FrozenRunner(model.backbone.encoder)

    def see(frames: np.ndarray, times: np.ndarray) -> Scene:
        large = np.stack([stretched(frame, model.config.picture) for frame in frames])
        small = np.stack([cv2.resize(frame, (160, 160), interpolation=cv2.INTER_AREA) for frame in large])
        s4, s8, s16, s32, rgb = (torch.from_numpy(tap) for tap in runner.look(small))
        found = [runner.find(frame[None]) for frame in large]
        evidence, ltrb = (torch.from_numpy(np.concatenate(part)) for part in zip(*found))
        return speaker.see_sight(Sight(Taps(s4, s8, s16, s32), rgb / 127.5 - 1, evidence, ltrb), torch.from_numpy(times))

    return Served(speaker, see, thresholds or Thresholds())


def stretched(frame: np.ndarray, size: int) -> np.ndarray:
    if frame.shape[:2] == (size, size):
        return frame
    smaller = frame.shape[0] > size and frame.shape[1] > size
    return cv2.resize(frame, (size, size), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)


def run_folder(served: Served, folder: Path, limit: int | None = None) -> Iterator[Record]:
    for number, clip in enumerate(read_folder(folder)):
        if limit is not None and number >= limit:
            return
        yield from run_clip(served, clip)


def run_clip(served: Served, clip: FolderClip) -> Iterator[Record]:
    pictures = clip.pictures()
    times = np.asarray(clip.times, np.float32)
    scene = served.see(pictures, times - times[-1])
    answering = Answering(served, scene, times, pictures.shape[1:3])
    for index, ask in enumerate(clip.asks):
        record: Record = {'clip': clip.name, 'ask': index, 'row': ask.get('row', ask.get('kind', '')), 'expect': ask['expect'], 'prediction': answering.answer(ask)}
        if 'phrases' in ask:
            record['phrases'] = ask['phrases']
        if 'kind' in ask:
            record['kind'] = ask['kind']
        if 'aspect' in clip.extra:
            record['aspect'] = clip.extra['aspect']
        yield record


@dataclass
class Answering:
    served: Served
    scene: Scene
    times: np.ndarray
    size: tuple[int, int]

    def answer(self, ask: dict) -> Prediction:
        if 'watch' in ask:
            return self.watched(ask)
        if 'prompt' in ask:
            return {'text': '', 'heads': [{'task': 'track', 'phrase': '', 'track': self.prompted(ask['prompt'])}]}
        window = self.window(ask['at']['frame'] if 'at' in ask else len(self.times) - 1)
        spoken = self.served.speaker.ask(window, ask['text'])
        follow = 'track' in ask['expect']
        return {'text': spoken.text, 'heads': [self.head(window, mark, follow) for mark in spoken.marks]}

    def window(self, frame: int) -> Scene:
        config = self.served.speaker.model.config
        return self.scene.window(frame, config.frames, config.every_ms)

    def head(self, window: Scene, mark: Mark, follow: bool) -> Head:
        speaker, thresholds = self.served.speaker, self.served.thresholds
        if mark.task == 'region':
            return {'task': 'region', 'phrase': mark.phrase, 'regions': self.regions(window, mark.state, -1)}
        if mark.task == 'mask' and follow:
            prompt = speaker.model.mask.prompt_state(mark.state)
            return {'task': 'track', 'phrase': mark.phrase, 'track': self.entries(speaker.follow(self.scene, prompt, list(range(len(self.times)))), 0)}
        if mark.task == 'mask':
            masks = speaker.mask(window, mark.state)
            there = float(masks.object.sigmoid()[0]) >= thresholds.mask
            return {'task': 'mask', 'phrase': mark.phrase, 'mask': encode(self.picture(masks)) if there else None}
        found = speaker.moments(window, mark.state)
        first, last = float(self.times[-1] + window.times[0, 0]), float(self.times[-1])
        spans = [([first + float(a) * (last - first), first + float(b) * (last - first)], float(s)) for (a, b), s in zip(found.spans[0], found.scores[0]) if float(s) >= thresholds.moment]
        return {'task': 'moment', 'phrase': mark.phrase, 'spans': [{'span': span, 'score': score} for span, score in apart(spans)]}

    def regions(self, scene: Scene, state: Tensor, frame: int) -> list[dict]:
        found = self.served.speaker.regions(scene, state, frame)
        kept = [i for i in separate(found.boxes[0], found.scores[0]) if float(found.scores[0, i]) >= self.served.thresholds.region]
        return [{'box': found.boxes[0, i].tolist(), 'score': float(found.scores[0, i])} for i in kept]

    def watched(self, ask: dict) -> Prediction:
        first = ask['at']['frame']
        mark = self.served.speaker.force(self.window(first), ask['watch']['phrase'], 'region')
        return {'text': '', 'heads': [], 'frames': [{'frame': t, 'regions': self.regions(self.scene, mark.state, t)} for t in range(first, len(self.times))]}

    def prompted(self, prompt: dict) -> list[TrackEntry]:
        head, first = self.served.speaker.model.mask, prompt['frame']
        if 'box' in prompt:
            drawn = head.prompt_boxes(torch.tensor([prompt['box']]))
        else:
            drawn = head.prompt_points(torch.tensor([prompt['points']], dtype=torch.float32))
        return self.entries(self.served.speaker.follow(self.scene, drawn, list(range(first, len(self.times)))), first)

    def entries(self, found: list[Masks], first: int) -> list[TrackEntry]:
        entries: list[TrackEntry] = []
        for t, masks in enumerate(found, first):
            picture = self.picture(masks)
            if float(masks.object.sigmoid()[0]) < self.served.thresholds.mask or not picture.any():
                entries.append({'frame': t, 'absent': True})
                continue
            rows, columns = np.flatnonzero(picture.any(1)), np.flatnonzero(picture.any(0))
            height, width = picture.shape
            box = [columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height]
            entries.append({'frame': t, 'box': [float(v) for v in box], 'mask': encode(picture)})
        return entries

    def picture(self, masks: Masks) -> np.ndarray:
        """Logits → bool at the folder's own size."""
        return (torch.nn.functional.interpolate(masks.mask[:1, None], size=self.size, mode='bilinear', align_corners=False)[0, 0] > 0).numpy()


def apart(spans: list[tuple[list[float], float]], limit: float = 0.7) -> list[tuple[list[float], float]]:
    kept: list[tuple[list[float], float]] = []
    for span, score in sorted(spans, key=lambda entry: -entry[1]):
        if all(float(span_iou(torch.tensor(span), torch.tensor(other))) <= limit for other, _ in kept):
            kept.append((span, score))
    return kept
