"""What an examination needs of a model, whatever it is made of: a clip is viewed once, then asked about."""
from typing import Literal, Protocol

import numpy as np
from torch import Tensor

from trainer.export.bundle import Thresholds
from trainer.heads.mask import Masks
from trainer.heads.moment import Moments
from trainer.heads.region import Regions
from trainer.spoken import Answer, Mark

PointedBy = Literal['state', 'boxes', 'points']   # the prompt of a track: (1, d), (1, 4), (1, n, 3)


class Viewing(Protocol):
    """One clip as the model has seen it. Frames are counted from 0."""

    def ask(self, frame: int, text: str) -> Answer:
        """The model sees the frames up to and with this one."""
        ...

    def force(self, frame: int, phrase: str, task: str) -> Mark:
        """The trigger is fed; whether the thing is there is the head's decision."""
        ...

    def regions(self, state: Tensor, frame: int) -> Regions | None:
        """None, here and below: the model has no such head."""
        ...

    def mask(self, state: Tensor, frame: int) -> Masks | None: ...

    def moments(self, state: Tensor, frame: int) -> tuple[Moments, float, float] | None:
        """Spans are shares of the window that ends with this frame; it lasts from … to … (ms)."""
        ...

    def follow(self, by: PointedBy, prompt: Tensor, first: int) -> list[Masks]:
        """From the frame `first` on, one of each; empty where the model cannot be prompted so."""
        ...


class Examinee(Protocol):
    thresholds: Thresholds

    def view(self, pictures: np.ndarray, times: np.ndarray) -> Viewing:
        """pictures uint8 (T, H, W, 3) of any size, times (T) ms."""
        ...
