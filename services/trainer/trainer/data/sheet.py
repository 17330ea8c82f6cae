"""Contact sheets: clips as rows of frames with boxes, masks and phrases. Look at them."""
from pathlib import Path

import cv2
import numpy as np

from .clip import Clip, Target

PALETTE = ((230, 60, 60), (60, 180, 75), (67, 99, 216), (245, 130, 48), (145, 30, 180), (70, 200, 200), (240, 50, 230), (128, 128, 0))
LINE = 15


def contact_sheet(clips: list[Clip], columns: int = 8, frame: int = 144) -> np.ndarray:
    """(h, w, 3) uint8: for every clip `columns` frames evenly over it, its things outlined in colours, and its questions under it."""
    return np.concatenate([row(clip, columns, frame) for clip in clips])


def row(clip: Clip, columns: int, frame: int) -> np.ndarray:
    chosen = np.linspace(0, len(clip.frames) - 1, columns).round().astype(int)
    pictures = np.concatenate([annotated(clip, int(t), frame) for t in chosen], axis=1)  # (frame, columns·frame, 3)
    lines = [f'{clip.split} {clip.seed}  {clip.background}  camera {clip.camera}  aspect {clip.aspect:.2f}  '
             + '  '.join(f'{t.id}:{t.colour} {t.noun} [{t.style}, {t.program} {t.motion}]' for t in clip.things)]
    lines += [f'{ask.kind:8s} {ask.text}  ->  {ask.answer}   ' + '  '.join(describe(target) for target in ask.targets) for ask in clip.asks]
    text = np.full((LINE * len(lines) + 8, pictures.shape[1], 3), 255, np.uint8)
    for i, line in enumerate(lines):
        cv2.putText(text, line, (4, LINE * (i + 1) - 3), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (0, 0, 0), 1, cv2.LINE_AA)
    return np.concatenate([pictures, text])


def describe(target: Target) -> str:
    spans = f" spans {target.spans}" if target.spans else ""
    return f'[{target.by} things {target.things}{spans}]'


def annotated(clip: Clip, t: int, side: int) -> np.ndarray:
    picture = cv2.resize(clip.frames[t], (side, side), interpolation=cv2.INTER_AREA)
    for thing in clip.things:
        if not thing.visible[t]:
            continue
        colour = PALETTE[thing.id % len(PALETTE)]
        mask = cv2.resize(thing.masks[t].astype(np.uint8), (side, side), interpolation=cv2.INTER_NEAREST)
        edges, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, edges, -1, colour, 1)
        x0, y0, x1, y1 = (thing.boxes[t] * side).astype(int)
        cv2.rectangle(picture, (int(x0), int(y0)), (int(x1) - 1, int(y1) - 1), colour, 1)
        cv2.putText(picture, str(thing.id), (int(x0) + 2, int(y0) + 10), cv2.FONT_HERSHEY_SIMPLEX, 0.38, colour, 1, cv2.LINE_AA)
    cv2.putText(picture, str(t), (2, side - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.35, (255, 255, 255), 1, cv2.LINE_AA)
    return picture


def write_sheet(path: Path, clips: list[Clip]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), cv2.cvtColor(contact_sheet(clips), cv2.COLOR_RGB2BGR))
