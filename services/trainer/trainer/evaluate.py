"""An evaluation folder through the model, free-running, the way it is served → records → the metrics table (docs/design/evaluation.md).

    python -m trainer.cli eval ~/.cache/fovea/exam/seen --bundle packages/model-nano

What is examined is an `Examinee` (trainer/evaluation): nano, `small`, `llava-onevision` with the weights of a run, or a bundle.
"""
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from trainer.data.folder import FolderClip, read_folder
from trainer.evaluation.examinee import Examinee, PointedBy, Viewing
from trainer.export.bundle import Thresholds
from trainer.heads.mask import Masks
from trainer.losses.moment import span_iou
from trainer.metrics.record import Head, Prediction, Record, TrackEntry
from trainer.metrics.rle import Rle, encode
from trainer.spoken import Mark
from trainer.suppress import separate

if TYPE_CHECKING:
    from trainer.backbones.pretrained.model import Pretrained


def from_bundle(folder: Path) -> Examinee:
    """nano by its vision graph and its stored weights; any other bundle by its own graphs."""
    if (folder / 'training' / 'weights.safetensors').exists():
        from trainer.evaluation.nano import nano_bundle
        return nano_bundle(folder)
    from trainer.evaluation.bundle import BundleParts
    from trainer.evaluation.clip_viewing import PartsExaminee
    parts = BundleParts(folder)
    return PartsExaminee(parts, Thresholds(**parts.thresholds))


def from_checkpoint(path: Path, config: str, thresholds: Thresholds, start: Path | None = None) -> Examinee:
    """`start`: the folder of the published model that the run went on from."""
    if config.startswith(('small', 'llava-onevision')):
        from trainer.evaluation.clip_viewing import PartsExaminee
        from trainer.evaluation.pretrained import PretrainedParts
        return PartsExaminee(PretrainedParts(opened(config, path, start)), thresholds)
    from trainer.evaluation.nano import nano_checkpoint
    return nano_checkpoint(path, config, thresholds)


def opened(config: str, trained: Path, start: Path | None) -> 'Pretrained':
    if config.startswith('small'):
        from trainer.backbones.small.cli import opened as small
        return small(config, trained, torch.float32, 1)
    from trainer.backbones.llava_onevision.cli import opened as llava
    return llava(config, start, trained, torch.float32, 1)


def run_folder(examinee: Examinee, folder: Path, limit: int | None = None, anew: bool = False) -> Iterator[Record]:
    """`anew`: watches ask the language model in every frame, which is what a standing embedding is measured against."""
    for number, clip in enumerate(read_folder(folder)):
        if limit is not None and number >= limit:
            return
        yield from run_clip(examinee, clip, anew)


def run_clip(examinee: Examinee, clip: FolderClip, anew: bool = False) -> Iterator[Record]:
    pictures = clip.pictures()
    times = np.asarray(clip.times, np.float32)
    answering = Answering(examinee.view(pictures, times), examinee.thresholds, times, pictures.shape[1:3], anew)
    for index, ask in enumerate(clip.asks):
        record: Record = {'clip': clip.name, 'ask': index, 'row': ask.get('row', ask.get('kind', '')), 'expect': ask['expect'], 'prediction': answering.answer(ask)}
        if 'phrases' in ask:
            record['phrases'] = ask['phrases']
        if 'kind' in ask:
            record['kind'] = ask['kind']
        if 'aspect' in clip.extra:
            record['aspect'] = clip.extra['aspect']
        if 'scene' in clip.extra:
            record['scene'] = clip.extra['scene']
        yield record


@dataclass
class Answering:
    viewing: Viewing
    thresholds: Thresholds
    times: np.ndarray
    size: tuple[int, int]
    anew: bool = False  # watches are asked in every frame, not once

    def answer(self, ask: dict) -> Prediction:
        if 'watch' in ask:
            return self.watched(ask)
        if 'prompt' in ask:
            return {'text': '', 'heads': [{'task': 'track', 'phrase': '', 'track': self.prompted(ask['prompt'])}]}
        frame = ask['at']['frame'] if 'at' in ask else len(self.times) - 1
        spoken = self.viewing.ask(frame, ask['text'])
        follow = 'track' in ask['expect']
        return {'text': spoken.text, 'heads': [self.head(frame, replace(mark, phrase=mark.phrase or ask['text']), follow) for mark in spoken.marks]}

    def head(self, frame: int, mark: Mark, follow: bool) -> Head:
        if mark.task == 'region':
            return {'task': 'region', 'phrase': mark.phrase, 'regions': self.regions(mark.state, frame)}
        if mark.task == 'mask' and follow:
            return {'task': 'track', 'phrase': mark.phrase, 'track': self.followed('state', mark.state, 0)}
        if mark.task == 'mask':
            masks = self.viewing.mask(mark.state, frame)
            return {'task': 'mask', 'phrase': mark.phrase, 'mask': None if masks is None else self.outlined(masks)}
        return {'task': 'moment', 'phrase': mark.phrase, 'spans': self.spans(mark.state, frame)}

    def outlined(self, masks: Masks) -> Rle | None:
        """What has no pixel is not there."""
        picture = self.picture(masks)
        return encode(picture) if float(masks.object.sigmoid()[0]) >= self.thresholds.mask and picture.any() else None

    def spans(self, state: Tensor, frame: int) -> list[dict]:
        seen = self.viewing.moments(state, frame)
        if seen is None:
            return []
        found, first, last = seen
        kept = [([round(first + float(side) * (last - first), 1) for side in (a, b)], float(s))  # as served: overlaps of whole frames lie on the thresholds
                for (a, b), s in zip(found.spans[0], found.scores[0]) if float(s) >= self.thresholds.moment]
        return [{'span': span, 'score': score} for span, score in apart(kept)]

    def regions(self, state: Tensor, frame: int) -> list[dict]:
        found = self.viewing.regions(state, frame)
        if found is None:
            return []
        kept = [i for i in separate(found.boxes[0], found.scores[0]) if float(found.scores[0, i]) >= self.thresholds.region]
        return [{'box': found.boxes[0, i].tolist(), 'score': float(found.scores[0, i])} for i in kept]

    def watched(self, ask: dict) -> Prediction:
        first, phrase = ask['at']['frame'], ask['watch']['phrase']
        state = self.viewing.force(first, phrase, 'region').state
        state_at = lambda t: self.viewing.force(t, phrase, 'region').state if self.anew else state
        return {'text': '', 'heads': [], 'frames': [{'frame': t, 'regions': self.regions(state_at(t), t)} for t in range(first, len(self.times))]}

    def prompted(self, prompt: dict) -> list[TrackEntry]:
        if 'box' in prompt:
            return self.followed('boxes', torch.tensor([prompt['box']]), prompt['frame'])
        return self.followed('points', torch.tensor([prompt['points']], dtype=torch.float32), prompt['frame'])

    def followed(self, by: PointedBy, prompt: Tensor, first: int) -> list[TrackEntry]:
        return self.entries(self.viewing.follow(by, prompt, first), first)

    def entries(self, found: list[Masks], first: int) -> list[TrackEntry]:
        entries: list[TrackEntry] = []
        for t, masks in enumerate(found, first):
            picture = self.picture(masks)
            if float(masks.object.sigmoid()[0]) < self.thresholds.mask or not picture.any():
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
