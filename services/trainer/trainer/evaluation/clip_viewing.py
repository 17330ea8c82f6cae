"""A clip viewed by a model of parts – a tower, a language model, heads on its map – as the service views a stream: windows [AS7], and tracks with a bounded memory."""
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from trainer.evaluation.examinee import PointedBy
from trainer.evaluation.stretched import stretched
from trainer.export.bundle import Thresholds
from trainer.heads.mask import Masks
from trainer.heads.moment import Moments
from trainer.heads.region import Regions
from trainer.sampling import sample_frames
from trainer.spoken import Answer, Mark


class Parts(Protocol):
    """`visual` (1, T, N, C) is what the language model reads of a window, `maps` (1, D, G, G) what heads read of a frame."""

    frames: int        # of a window
    every_ms: float
    picture: int
    whole: bool        # a window is seen as one, not frame by frame
    recent: int        # frames that a track remembers beside the prompted one
    tasks: frozenset[str]

    def see(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 (T, S, S, 3) → visual (T, N, C), maps (T, D, G, G); T is 1 where a window is seen as one."""
        ...

    def ask(self, visual: Tensor, times: Tensor, text: str) -> Answer: ...

    def force(self, visual: Tensor, times: Tensor, phrase: str, task: str) -> Mark: ...

    def regions(self, maps: Tensor, state: Tensor) -> Regions: ...

    def moments(self, visual: Tensor, times: Tensor, state: Tensor) -> Moments: ...

    def prompt(self, by: PointedBy, value: Tensor) -> Tensor | None:
        """→ (1, k, c); None where the head cannot be prompted so."""
        ...

    def outline(self, maps: Tensor, prompt: Tensor, age: Tensor, memory: list[tuple[Tensor, float]], places: int) -> Masks:
        """memory: tokens (1, m, c) and their age, at most `places`."""
        ...

    def memorise(self, maps: Tensor, mask: Tensor, present: Tensor, memory: list[tuple[Tensor, float]], places: int) -> Tensor: ...


class PartsExaminee:
    def __init__(self, parts: Parts, thresholds: Thresholds) -> None:
        self.parts, self.thresholds = parts, thresholds

    def view(self, pictures: np.ndarray, times: np.ndarray) -> 'ClipViewing':
        return ClipViewing(self.parts, self.thresholds.mask, pictures, times)


class ClipViewing:
    def __init__(self, parts: Parts, threshold: float, pictures: np.ndarray, times: np.ndarray) -> None:
        """threshold: from which presence a thing is there."""
        self.parts, self.threshold, self.times, self.size = parts, threshold, times, pictures.shape[1:3]
        self.pixels = torch.from_numpy(np.stack([stretched(picture, parts.picture) for picture in pictures]))
        self.seen = None if parts.whole else parts.see(self.pixels)

    def chosen(self, frame: int) -> list[int]:
        kept = self.times[:frame + 1].tolist()
        return sample_frames(kept, {'end': kept[-1]}, self.parts.frames, self.parts.every_ms)

    def window(self, frame: int) -> tuple[Tensor, Tensor]:
        """→ visual (1, T, N, C), times (1, T) ms relative to the last."""
        index = self.chosen(frame)
        visual = self.parts.see(self.pixels[index])[0] if self.seen is None else self.seen[0][index]
        return visual[None], torch.from_numpy(self.times[index] - self.times[index[-1]])[None].float()

    def maps(self, frame: int) -> Tensor:
        return self.parts.see(self.pixels[self.chosen(frame)])[1] if self.seen is None else self.seen[1][frame][None]

    def ask(self, frame: int, text: str) -> Answer:
        return self.parts.ask(*self.window(frame), text)

    def force(self, frame: int, phrase: str, task: str) -> Mark:
        return self.parts.force(*self.window(frame), phrase, task)

    def regions(self, state: Tensor, frame: int) -> Regions | None:
        return self.parts.regions(self.maps(frame), state) if 'region' in self.parts.tasks else None

    def mask(self, state: Tensor, frame: int) -> Masks | None:
        prompt = self.parts.prompt('state', state) if 'mask' in self.parts.tasks else None
        return None if prompt is None else self.parts.outline(self.maps(frame), prompt, torch.zeros(1), [], 1 + self.parts.recent)

    def moments(self, state: Tensor, frame: int) -> tuple[Moments, float, float] | None:
        if 'moment' not in self.parts.tasks:
            return None
        visual, times = self.window(frame)
        last = float(self.times[frame])
        return self.parts.moments(visual, times, state), last + float(times[0, 0]), last

    def follow(self, by: PointedBy, prompt: Tensor, first: int) -> list[Masks]:
        """What is not in view yet when a phrase is looked for has not been pointed out: it is tried again in the next frame."""
        made = self.parts.prompt(by, prompt) if 'mask' in self.parts.tasks else None
        if made is None:
            return []
        found: list[Masks] = []
        remembered: list[tuple[int, Tensor]] = []   # the prompted frame first
        for frame in range(first, len(self.times)):
            began = remembered[0][0] if remembered else frame
            kept = remembered[:1] + remembered[1:][-self.parts.recent:]
            memory = [(tokens, float(frame - when)) for when, tokens in kept]
            places = 1 + self.parts.recent
            masks = self.parts.outline(self.maps(frame), made, torch.tensor([float(frame - began)]), memory, places)
            found.append(masks)
            if remembered or by != 'state' or self.outlined(masks):
                remembered.append((frame, self.parts.memorise(self.maps(frame), masks.mask, masks.object.sigmoid(), memory, places)))
        return found

    def outlined(self, masks: Masks) -> bool:
        drawn = F.interpolate(masks.mask[:, None], size=self.size, mode='bilinear', align_corners=False) > 0
        return float(masks.object.sigmoid()[0]) >= self.threshold and bool(drawn.any())
