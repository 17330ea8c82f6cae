"""Draws a scene: pictures, visible pixels of every actor, boxes. Sprites are scaled once a size and blitted; nothing is warped per frame."""
from dataclasses import dataclass
from random import Random

import cv2
import numpy as np

from . import backgrounds
from .scene import Actor, Scene
from .splits import Split


@dataclass
class Drawing:
    frames: np.ndarray      # (n, S, S, 3) uint8
    masks: np.ndarray       # (k, n, S, S) bool, visible pixels
    boxes: np.ndarray       # (k, n, 4) float32 of the visible part, 0–1
    seen: np.ndarray        # (k, n) visible pixels
    amodal: np.ndarray      # (k, n) pixels were nothing in the way and the picture endless
    framed: np.ndarray      # (k, n) of those, the pixels inside the picture
    full: np.ndarray        # (k, n, 4) float32 box as if nothing were in the way; may lie outside 0–1
    background: str


@dataclass
class Stamp:
    """An actor at one size, ready to blit."""
    light: np.ndarray       # (h, w, 3) uint16, colour × alpha
    clear: np.ndarray       # (h, w, 1) uint16, 256 − alpha
    solid: np.ndarray       # (h, w) bool
    area: int


def stamp(picture: np.ndarray, width: int, height: int, light: 'Light') -> Stamp:
    how = cv2.INTER_AREA if width < picture.shape[1] else cv2.INTER_LINEAR
    small = cv2.resize(picture, (width, height), interpolation=how)
    alpha = small[..., 3:].astype(np.uint16)
    alpha += alpha >> 7  # 0 to 256, so that the division is a shift
    solid = small[..., 3] > 127
    rgb = cv2.LUT(small[..., :3], light.tables[0]) if light.steady else small[..., :3]
    return Stamp(rgb * alpha, 256 - alpha, solid, int(np.count_nonzero(solid)))


def bar_texture(rng: Random, noise: np.random.Generator, side: int) -> np.ndarray:
    kind = rng.choice((backgrounds.grain, backgrounds.pattern, backgrounds.gradient))
    return np.clip(kind(rng, noise, side), 0, 255).astype(np.uint8)


def draw(scene: Scene, rng: Random, noise: np.random.Generator, split: Split, size: int) -> Drawing:
    count, n = len(scene.actors), len(scene.camera.zoom)
    canvas = round(size * 1.4)
    name, ground = backgrounds.background(rng, noise, split, canvas)
    light = lighting(rng, noise, split, n)
    texture = bar_texture(rng, noise, size) if scene.bar else None
    if light.steady:  # painted on once, not on every frame
        ground = cv2.LUT(ground, light.tables[0])
        texture = cv2.LUT(texture, light.tables[0]) if texture is not None else None
    scale = np.array([size / scene.width, size / scene.height])  # pixels a world unit: the stretch to a square happens here
    centre = np.array([scene.width, scene.height]) / 2

    frames = np.empty((n, size, size, 3), np.uint8)
    owner = np.zeros((n, size, size), np.uint8)  # 1 + number of the actor seen there; 0 the ground or the bar
    amodal, framed = np.zeros((count, n), np.int32), np.zeros((count, n), np.int32)
    full = np.zeros((count, n, 4), np.float32)
    where = [[(0, 0, 0, 0)] * n for _ in range(count)]
    order = sorted(range(count), key=lambda i: (not scene.actors[i].behind, scene.actors[i].in_front))
    behind = [i for i in order if scene.actors[i].behind]
    others = [i for i in order if not scene.actors[i].behind]
    stamps: dict[tuple[int, int, int], Stamp] = {}

    for t in range(n):
        zoom, offset = scene.camera.zoom[t], scene.camera.offset[t]
        place(frames[t], ground, offset * scale, zoom)

        def put(i: int) -> None:
            actor: Actor = scene.actors[i]
            assert actor.path is not None
            factor = zoom * actor.growth[t]
            width, height = max(2, round(actor.w * factor * scale[0])), max(2, round(actor.h * factor * scale[1]))
            key = (i, width, height)
            if key not in stamps:
                stamps[key] = stamp(actor.picture, width, height, light)
            middle = ((actor.path.points[t] - centre - offset) * zoom + centre) * scale
            x, y = round(middle[0] - width / 2), round(middle[1] - height / 2)
            amodal[i, t] = stamps[key].area
            full[i, t] = (x / size, y / size, (x + width) / size, (y + height) / size)
            framed[i, t], where[i][t] = blit(frames[t], owner[t], stamps[key], x, y, i + 1)

        for i in behind:
            put(i)
        if scene.bar is not None and texture is not None:
            low = ((np.array(scene.bar[:2]) - centre - offset) * zoom + centre) * scale
            high = ((np.array(scene.bar[2:]) - centre - offset) * zoom + centre) * scale
            x0, y0 = np.clip(np.round(low), 0, size).astype(int)
            x1, y1 = np.clip(np.round(high), 0, size).astype(int)
            frames[t, y0:y1, x0:x1] = texture[:y1 - y0, :x1 - x0]
            owner[t, y0:y1, x0:x1] = 0
        for i in others:
            put(i)

    masks, boxes, seen = cut_out(owner, where)
    lens(frames, light, rng, noise)
    return Drawing(frames, masks, boxes, seen, amodal, framed, full, name)


def place(frame: np.ndarray, ground: np.ndarray, offset: np.ndarray, zoom: float) -> None:
    """The part of the ground that the camera sees."""
    size, canvas = frame.shape[0], ground.shape[0]
    if zoom == 1.0:
        x, y = np.clip(np.round((canvas - size) / 2 + offset), 0, canvas - size).astype(int)
        frame[:] = ground[y:y + size, x:x + size]
        return
    matrix = np.array([[zoom, 0, size / 2 - zoom * (canvas / 2 + offset[0])], [0, zoom, size / 2 - zoom * (canvas / 2 + offset[1])]])
    cv2.warpAffine(ground, matrix, (size, size), dst=frame, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def blit(frame: np.ndarray, owner: np.ndarray, s: Stamp, x: int, y: int, mark: int) -> tuple[int, tuple[int, int, int, int]]:
    """Draws a stamp; gives the number of its pixels inside the picture and the rectangle they lie in."""
    size = frame.shape[0]
    height, width = s.solid.shape
    x0, y0, x1, y1 = max(0, x), max(0, y), min(size, x + width), min(size, y + height)
    if x0 >= x1 or y0 >= y1:
        return 0, (0, 0, 0, 0)
    part = np.s_[y0 - y:y1 - y, x0 - x:x1 - x]
    target = frame[y0:y1, x0:x1]
    mixed = target * s.clear[part]  # uint16: 255 · 256 fits
    mixed += s.light[part]
    mixed >>= 8
    np.copyto(target, mixed, casting='unsafe')
    solid = s.solid[part]
    np.copyto(owner[y0:y1, x0:x1], mark, where=solid)
    return int(np.count_nonzero(solid)), (x0, y0, x1, y1)


def cut_out(owner: np.ndarray, where: list[list[tuple[int, int, int, int]]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Visible pixels (k, n, S, S), their boxes 0–1 (k, n, 4), zeros where there are none, and their number (k, n)."""
    count, (n, size, _) = len(where), owner.shape
    masks = np.zeros((count, n, size, size), bool)
    boxes, seen = np.zeros((count, n, 4), np.float32), np.zeros((count, n), np.int32)
    for i, rectangles in enumerate(where):
        for t, (x0, y0, x1, y1) in enumerate(rectangles):
            if x0 == x1:
                continue
            part = owner[t, y0:y1, x0:x1] == i + 1
            pixels = np.count_nonzero(part)
            if pixels:
                x, y, width, height = cv2.boundingRect(part.view(np.uint8))
                boxes[i, t] = (x0 + x, y0 + y, x0 + x + width, y0 + y + height)
                seen[i, t] = pixels
                masks[i, t, y0:y1, x0:x1] = part
    return masks, boxes / size, seen


@dataclass
class Light:
    """The light of a clip: tables (1, 256, 3) that map what is painted to what the camera sees, one if it is steady, else one a frame."""
    tables: list[np.ndarray]
    blur: float
    noise: int

    @property
    def steady(self) -> bool:
        return len(self.tables) == 1


def lighting(rng: Random, noise: np.random.Generator, split: Split, n: int) -> Light:
    strong = 1.0 if split == 'train' else 0.5
    start, end = (1 + strong * rng.uniform(-0.28, 0.2) for _ in range(2))
    gamma = 1 + strong * rng.uniform(-0.25, 0.35)
    tint = 1 + strong * (noise.random(3) - 0.5) * 0.16
    ramp = ((np.arange(256) / 255) ** gamma * 255)[:, None] * tint
    gains = [start] if rng.random() < 0.65 else [start + (end - start) * t / max(1, n - 1) for t in range(n)]
    return Light([np.clip(ramp * gain, 0, 255).astype(np.uint8)[None] for gain in gains],
                 rng.uniform(0.4, 0.9) if rng.random() < 0.25 * strong else 0.0, rng.randint(4, 16) if rng.random() < 0.3 * strong else 0)


def lens(frames: np.ndarray, light: Light, rng: Random, noise: np.random.Generator) -> None:
    """What remains to be done to finished frames: light that changes, a soft lens, a sensor's noise. In place."""
    n, size = frames.shape[:2]
    rough = noise.integers(0, light.noise, (size + 16, size + 16, 3), dtype=np.uint8) if light.noise else None
    for t in range(n):
        if not light.steady:
            cv2.LUT(frames[t], light.tables[t], dst=frames[t])
        if light.blur:
            cv2.GaussianBlur(frames[t], (3, 3), light.blur, dst=frames[t])
        if rough is not None:
            y, x = rng.randrange(16), rng.randrange(16)
            cv2.add(frames[t], rough[y:y + size, x:x + size], dst=frames[t])
