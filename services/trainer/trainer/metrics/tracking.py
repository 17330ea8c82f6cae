"""Boxes over time: LaSOT's success, precision and normalised precision, GOT-10k's AO and SR, identity switches. The got10k toolkit's conventions.

A frame where the object is not there (`None` in the truth) does not count; a frame without a predicted box has IoU 0 and an infinite error.
"""
from collections.abc import Sequence

import numpy as np

from .boxes import Box, iou

Track = Sequence[Box | None]    # one entry a frame

SUCCESS_THRESHOLDS = np.linspace(0, 1, 21)
NORMALISED_THRESHOLDS = np.linspace(0, 0.5, 51)


def overlaps(predicted: Track, truth: Track) -> np.ndarray:
    """IoU at every frame where the object is there."""
    return np.array([iou(p, t) if p is not None else 0.0 for p, t in zip(predicted, truth, strict=True) if t is not None])


def centre_errors(predicted: Track, truth: Track, width: float = 1.0, height: float = 1.0, normalised: bool = False) -> np.ndarray:
    """Distance of the centres in pixels of a width × height picture, or as a share of the true box's size."""
    errors = []
    for p, t in zip(predicted, truth, strict=True):
        if t is None:
            continue
        scale = (1 / max(t[2] - t[0], 1e-9), 1 / max(t[3] - t[1], 1e-9)) if normalised else (width, height)
        errors.append(np.hypot((p[0] + p[2] - t[0] - t[2]) / 2 * scale[0], (p[1] + p[3] - t[1] - t[3]) / 2 * scale[1]) if p is not None else np.inf)
    return np.array(errors)


def success(predicted: Track, truth: Track) -> float:
    """Area under the success curve: mean over 21 thresholds of the share of frames with IoU above (strictly)."""
    values = overlaps(predicted, truth)
    return float((values[:, None] > SUCCESS_THRESHOLDS).mean()) if len(values) else 0.0


def precision(predicted: Track, truth: Track, width: float, height: float, pixels: float = 20) -> float:
    """Share of frames whose centre is at most 20 pixels off."""
    errors = centre_errors(predicted, truth, width, height)
    return float((errors <= pixels).mean()) if len(errors) else 0.0


def normalised_precision(predicted: Track, truth: Track) -> float:
    """Mean over 51 thresholds from 0 to .5 of the share of frames whose centre is off by at most that share of the object's size."""
    errors = centre_errors(predicted, truth, normalised=True)
    return float((errors[:, None] <= NORMALISED_THRESHOLDS).mean()) if len(errors) else 0.0


def average_overlap(tracks: Sequence[tuple[Track, Track]]) -> float:
    """AO: mean IoU over all frames of all sequences together, the first frame of each left out."""
    values = np.concatenate([overlaps(p[1:], t[1:]) for p, t in tracks]) if tracks else np.zeros(0)
    return float(values.mean()) if len(values) else 0.0


def success_rate(tracks: Sequence[tuple[Track, Track]], threshold: float) -> float:
    """SR: share of those frames with IoU above the threshold (strictly)."""
    values = np.concatenate([overlaps(p[1:], t[1:]) for p, t in tracks]) if tracks else np.zeros(0)
    return float((values > threshold).mean()) if len(values) else 0.0


def id_switches(predicted: Track, candidates: Sequence[Track], fewest: float = 0.3) -> int:
    """How often the thing followed changes. The thing followed at a frame is the candidate that the box fits best, if its IoU is at least `fewest`;
    frames that fit none are passed over."""
    followed: list[int] = []
    for t, box in enumerate(predicted):
        if box is None:
            continue
        fits = [iou(box, truth) if (truth := candidate[t]) is not None else 0.0 for candidate in candidates]
        best = int(np.argmax(fits))
        if fits[best] >= fewest:
            followed.append(best)
    return sum(a != b for a, b in zip(followed, followed[1:]))
