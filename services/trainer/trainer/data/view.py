"""What can truthfully be said about a drawn clip: who is clearly visible when, who does what, and in what frames."""
from dataclasses import dataclass

import numpy as np

from .draw import Drawing
from .scene import Scene


@dataclass
class View:
    """Facts by thing number; `last` is the frame that questions are about."""
    scene: Scene
    drawing: Drawing
    visible: np.ndarray     # (k, n) at least 4 % of it and six pixels to be seen
    clear: np.ndarray       # (k, n) enough to be recognised: 45 % of it
    whole: np.ndarray       # (k, n) all of it inside the picture (something may be in front)
    last: int

    @property
    def count(self) -> int:
        return len(self.scene.actors)

    def noun(self, i: int) -> str:
        return self.scene.actors[i].noun

    def alike(self, i: int) -> list[int]:
        """The others of its noun that are ever seen."""
        return [j for j in range(self.count) if j != i and self.noun(j) == self.noun(i) and self.visible[j, :self.last + 1].any()]

    def centre(self, i: int, t: int) -> np.ndarray:
        box = self.drawing.boxes[i, t]
        return (box[:2] + box[2:]) / 2

    def first_seen(self, i: int) -> int:
        return int(self.visible[i].argmax()) if self.visible[i].any() else -1

    def nouns_at(self, t: int) -> dict[str, list[int]]:
        """The nouns visible at a frame, with their things."""
        found: dict[str, list[int]] = {}
        for i in range(self.count):
            if self.visible[i, t]:
                found.setdefault(self.noun(i), []).append(i)
        return found

    def ever(self, noun: str) -> bool:
        return any(self.noun(i) == noun and self.drawing.seen[i].any() for i in range(self.count))


def look(scene: Scene, drawing: Drawing, last: int) -> View:
    pixels = drawing.frames.shape[1] ** 2
    seen, amodal = drawing.seen, np.maximum(1, drawing.amodal)
    visible = (seen >= np.maximum(6, 0.04 * amodal)) & (seen >= 0.0004 * pixels)
    clear = visible & (seen >= 0.45 * amodal)
    for i, t in np.argwhere((seen > 0) & ~visible):  # a sliver is not visible: no box, no mask
        drawing.masks[i, t] = False
        drawing.boxes[i, t] = 0
    return View(scene, drawing, visible, clear, drawing.framed >= 0.97 * amodal, last)


def runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """The stretches of true values, [start, end).

    >>> runs(np.array([0, 1, 1, 0, 1], bool))
    [(1, 3), (4, 5)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2])]
