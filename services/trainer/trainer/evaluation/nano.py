"""nano ready to be examined: from a checkpoint, in training, or from a bundle's own `vision.onnx` and stored weights."""
from collections.abc import Callable
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
from trainer.evaluation.examinee import PointedBy
from trainer.evaluation.stretched import stretched
from trainer.export.bundle import Thresholds
from trainer.frozen_runner import FrozenRunner
from trainer.heads.mask import Masks
from trainer.heads.moment import Moments
from trainer.heads.region import Regions
from trainer.model import TpoModel
from trainer.speak import Scene, Speaker
from trainer.spoken import Answer, Mark

See = Callable[[np.ndarray, np.ndarray], Scene]


@dataclass
class Served:
    speaker: Speaker
    see: See
    thresholds: Thresholds

    def view(self, pictures: np.ndarray, times: np.ndarray) -> 'NanoViewing':
        return NanoViewing(self.speaker, self.see(pictures, times - times[-1]), times)


@dataclass
class NanoViewing:
    speaker: Speaker
    scene: Scene
    times: np.ndarray

    def window(self, frame: int) -> Scene:
        config = self.speaker.model.config
        return self.scene.window(frame, config.frames, config.every_ms)

    def ask(self, frame: int, text: str) -> Answer:
        return self.speaker.ask(self.window(frame), text)

    def force(self, frame: int, phrase: str, task: str) -> Mark:
        return self.speaker.force(self.window(frame), phrase, task)

    def regions(self, state: Tensor, frame: int) -> Regions:
        return self.speaker.regions(self.scene, state, frame)

    def mask(self, state: Tensor, frame: int) -> Masks:
        return self.speaker.mask(self.scene, state, frame)

    def moments(self, state: Tensor, frame: int) -> tuple[Moments, float, float]:
        window, last = self.window(frame), float(self.times[frame])
        return self.speaker.moments(window, state), last + float(window.times[0, 0]), last

    def follow(self, by: PointedBy, prompt: Tensor, first: int) -> list[Masks]:
        head = self.speaker.model.mask
        made = {'state': head.prompt_state, 'boxes': head.prompt_boxes, 'points': head.prompt_points}[by](prompt)
        return self.speaker.follow(self.scene, made, list(range(first, len(self.times))))


def nano_bundle(folder: Path) -> Served:
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


def nano_checkpoint(path: Path, config: str, thresholds: Thresholds) -> Served:
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
