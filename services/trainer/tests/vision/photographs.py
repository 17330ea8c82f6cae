"""Exam photographs as the eyes get them."""
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

EXAM = Path(__file__).parents[2] / 'assets' / 'photos' / 'exam'


def photograph(name: str, size: int) -> Tensor:
    """uint8 (1, size, size, 3), stretched to a square."""
    picture = cv2.cvtColor(cv2.imread(str(EXAM / f'{name}.jpg')), cv2.COLOR_BGR2RGB)
    return torch.from_numpy(np.ascontiguousarray(cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)))[None]
