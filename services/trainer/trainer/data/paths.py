"""How things move: one function a way of moving, each gives the centre at every frame.

World units: the picture is `width` × `height` with area 1, origin top left. A thing's box is `w` × `h`. Speeds are per frame, slow enough that crossing
the border takes three frames or more: an entry is an event with a beginning and an end.
"""
from dataclasses import dataclass, field
from random import Random

import numpy as np

DIRECTIONS: dict[str, tuple[int, int]] = {'left': (-1, 0), 'right': (1, 0), 'up': (0, -1), 'down': (0, 1)}
MARGIN = 0.03


@dataclass
class Stage:
    """Where and how long a path may be."""
    width: float
    height: float
    frames: int

    def extent(self, axis: int) -> float:
        return self.width if axis == 0 else self.height


@dataclass
class Path:
    points: np.ndarray                     # (n, 2) centres in world units
    motion: str                            # 'left', 'right', 'up', 'down', 'still'
    program: str                           # which way of moving, by function name
    moving: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))  # (n,) whether it moves between this frame and the next


def inside(rng: Random, extent: float, size: float) -> float:
    low, high = size / 2 + MARGIN, extent - size / 2 - MARGIN
    return rng.uniform(low, high) if high > low else extent / 2


def along(direction: str, travel: np.ndarray, across: float) -> np.ndarray:
    """Points from positions along a direction's axis (n,) and one across it."""
    axis = 0 if direction in ('left', 'right') else 1
    points = np.empty((len(travel), 2))
    points[:, axis], points[:, 1 - axis] = travel, across
    return points


def made(points: np.ndarray, motion: str, program: str) -> Path:
    steps = np.abs(np.diff(points, axis=0)).max(1) > 1e-6
    return Path(points, motion, program, np.append(steps, steps[-1] if len(steps) else False))


def still(rng: Random, stage: Stage, w: float, h: float) -> Path:
    point = (inside(rng, stage.width, w), inside(rng, stage.height, h))
    return made(np.tile(np.array(point), (stage.frames, 1)), 'still', 'still')


def chosen(rng: Random, directions: tuple[str, ...] | None) -> tuple[str, int, int]:
    direction = rng.choice(directions or tuple(DIRECTIONS))
    dx, dy = DIRECTIONS[direction]
    return direction, (0 if dx else 1), dx + dy


def move(rng: Random, stage: Stage, w: float, h: float, directions: tuple[str, ...] | None = None, part: tuple[float, float] = (0.0, 1.0)) -> Path:
    """From inside to inside, over `part` of the clip (the rest it stands)."""
    direction, axis, sign = chosen(rng, directions)
    size, extent = (w, h)[axis], stage.extent(axis)
    room = max(0.3, extent - size - 2 * MARGIN)
    distance = room * rng.uniform(0.5, 1.0)
    low = (extent - room) / 2
    start = rng.uniform(low, low + room - distance) if sign > 0 else rng.uniform(low + distance, low + room)
    time = np.linspace(0, 1, stage.frames)
    progress = np.clip((time - part[0]) / (part[1] - part[0]), 0, 1)
    across = inside(rng, stage.extent(1 - axis), (h, w)[axis])
    return made(along(direction, start + sign * distance * progress, across), direction, 'move')


def stop(rng: Random, stage: Stage, w: float, h: float) -> Path:
    path = move(rng, stage, w, h, part=(0.0, rng.uniform(0.3, 0.7)))
    path.program = 'stop'
    return path


def start(rng: Random, stage: Stage, w: float, h: float) -> Path:
    path = move(rng, stage, w, h, part=(rng.uniform(0.25, 0.6), 1.0))
    path.program = 'start'
    return path


def enter(rng: Random, stage: Stage, w: float, h: float, at: tuple[float, float] = (0.12, 0.6), directions: tuple[str, ...] | None = None) -> Path:
    """Outside until a frame drawn from `at` (shares of the clip), then in over the border, and on or to a halt."""
    direction, axis, sign = chosen(rng, directions)
    size, extent = (w, h)[axis], stage.extent(axis)
    first = round(rng.uniform(*at) * (stage.frames - 1))
    after = np.maximum(0, np.arange(stage.frames) - first)
    goal = size / 2 + rng.uniform(0.08, max(0.1, extent - size - MARGIN))  # how far in its centre ends
    speed = min(size / 3, max(0.03, (goal + size / 2) / max(1, stage.frames - 1 - first)))
    depth = np.minimum(goal, after * speed - size / 2)  # of the centre behind the border
    travel = depth if sign > 0 else extent - depth
    across = inside(rng, stage.extent(1 - axis), (h, w)[axis])
    return made(along(direction, travel, across), direction, 'enter')


OPPOSITE = {'left': 'right', 'right': 'left', 'up': 'down', 'down': 'up'}


def leave(rng: Random, stage: Stage, w: float, h: float, at: tuple[float, float] = (0.3, 0.85), directions: tuple[str, ...] | None = None) -> Path:
    """An entry played backwards."""
    turned = tuple(OPPOSITE[d] for d in directions) if directions else None
    path = enter(rng, stage, w, h, (1 - at[1], 1 - at[0]), turned)
    return made(path.points[::-1].copy(), OPPOSITE[path.motion], 'leave')


def cross(rng: Random, stage: Stage, w: float, h: float) -> Path:
    """In on one side and out on the other."""
    direction, axis, sign = chosen(rng, None)
    size, extent = (w, h)[axis], stage.extent(axis)
    taken = rng.uniform(0.55, 0.75) * stage.frames
    speed = (extent + size) / taken
    begin = rng.uniform(0.05, 0.2) * stage.frames
    depth = (np.arange(stage.frames) - begin) * speed - size / 2
    depth = np.clip(depth, -size, extent + size)
    travel = depth if sign > 0 else extent - depth
    return made(along(direction, travel, inside(rng, stage.extent(1 - axis), (h, w)[axis])), direction, 'cross')


def hide(rng: Random, stage: Stage, w: float, h: float) -> tuple[Path, tuple[float, float, float, float]]:
    """Behind a bar and out again. Also gives the bar, (x0, y0, x1, y1), wide enough to hide it for 3 to 5 of 16 frames."""
    axis = 0 if stage.width >= stage.height or rng.random() < 0.3 else 1
    direction = rng.choice(('left', 'right') if axis == 0 else ('up', 'down'))
    sign = sum(DIRECTIONS[direction])
    size, extent = (w, h)[axis], stage.extent(axis)
    seconds = stage.frames / 16  # longer clips have longer hidings
    speed = (extent - size - 2 * MARGIN) / (stage.frames - 1)
    hidden = rng.uniform(3.6, 5.2) * seconds
    bar = size + hidden * speed
    free = extent - bar - 2 * size
    middle = extent / 2 + rng.uniform(-0.5, 0.5) * max(0.0, free)
    begin = size / 2 + MARGIN
    depth = begin + speed * np.arange(stage.frames)
    travel = depth if sign > 0 else extent - depth
    across = inside(rng, stage.extent(1 - axis), (h, w)[axis])
    low, high = middle - bar / 2, middle + bar / 2
    box = (low, -1.0, high, 3.0) if axis == 0 else (-1.0, low, 3.0, high)
    return made(along(direction, travel, across), direction, 'hide'), box
