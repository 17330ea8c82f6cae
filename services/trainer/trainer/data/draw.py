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
    clear: np.ndarray       # (h, w, 1) uint16, 255 − alpha
    solid: np.ndarray       # (h, w) bool
    area: int


def stamp(picture: np.ndarray, width: int, height: int) -> Stamp:
    how = cv2.INTER_AREA if width < picture.shape[1] else cv2.INTER_LINEAR
    small = cv2.resize(picture, (width, height), interpolation=how)
    alpha = small[..., 3:].astype(np.uint16)
    solid = small[..., 3] > 127
    return Stamp(small[..., :3] * alpha, 255 - alpha, solid, int(solid.sum()))


def bar_texture(rng: Random, noise: np.random.Generator, side: int) -> np.ndarray:
    kind = rng.choice((backgrounds.grain, backgrounds.pattern, backgrounds.gradient))
    return np.clip(kind(rng, noise, side), 0, 255).astype(np.uint8)


def draw(scene: Scene, rng: Random, noise: np.random.Generator, split: Split, size: int) -> Drawing:
    count, n = len(scene.actors), len(scene.camera.zoom)
    canvas = round(size * 1.4)
    name, ground = backgrounds.background(rng, noise, split, canvas)
    scale = np.array([size / scene.width, size / scene.height])  # pixels a world unit: the stretch to a square happens here
    centre = np.array([scene.width, scene.height]) / 2

    frames = np.empty((n, size, size, 3), np.uint8)
    owner = np.zeros((n, size, size), np.uint8)  # 1 + number of the actor seen there; 0 the ground or the bar
    amodal, framed = np.zeros((count, n), np.int32), np.zeros((count, n), np.int32)
    full = np.zeros((count, n, 4), np.float32)
    order = sorted(range(count), key=lambda i: (not scene.actors[i].behind, scene.actors[i].in_front))
    behind = [i for i in order if scene.actors[i].behind]
    others = [i for i in order if not scene.actors[i].behind]
    texture = bar_texture(rng, noise, size) if scene.bar else None
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
                stamps[key] = stamp(actor.picture, width, height)
            middle = ((actor.path.points[t] - centre - offset) * zoom + centre) * scale
            x, y = round(middle[0] - width / 2), round(middle[1] - height / 2)
            amodal[i, t] = stamps[key].area
            full[i, t] = (x / size, y / size, (x + width) / size, (y + height) / size)
            framed[i, t] = blit(frames[t], owner[t], stamps[key], x, y, i + 1)

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

    masks = owner[None] == np.arange(1, count + 1, dtype=np.uint8)[:, None, None, None]
    boxes, seen = boxes_of(masks)
    light(frames, rng, noise, split)
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


def blit(frame: np.ndarray, owner: np.ndarray, s: Stamp, x: int, y: int, mark: int) -> int:
    """Draws a stamp and gives the number of its pixels inside the picture."""
    size = frame.shape[0]
    height, width = s.solid.shape
    x0, y0, x1, y1 = max(0, x), max(0, y), min(size, x + width), min(size, y + height)
    if x0 >= x1 or y0 >= y1:
        return 0
    part = np.s_[y0 - y:y1 - y, x0 - x:x1 - x]
    target = frame[y0:y1, x0:x1]
    mixed = target * s.clear[part]  # uint16: 255 · 255 fits
    mixed += s.light[part]
    mixed += 127
    np.copyto(target, mixed // 255, casting='unsafe')
    solid = s.solid[part]
    np.copyto(owner[y0:y1, x0:x1], mark, where=solid)
    return int(np.count_nonzero(solid))


def boxes_of(masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Boxes (k, n, 4) of the set pixels, 0–1, zeros where there are none, and the pixel counts (k, n)."""
    size = masks.shape[-1]
    rows, columns = masks.any(3), masks.any(2)  # (k, n, S) each
    some = rows.any(2)
    boxes = np.stack([columns.argmax(2), rows.argmax(2), size - columns[..., ::-1].argmax(2), size - rows[..., ::-1].argmax(2)], -1).astype(np.float32) / size
    boxes[~some] = 0
    seen = np.count_nonzero(masks.reshape(*masks.shape[:2], -1), axis=2)
    return boxes, seen


def light(frames: np.ndarray, rng: Random, noise: np.random.Generator, split: Split) -> None:
    """The light of the whole clip, drifting a little, and in training a sensor's noise or a soft lens. In place."""
    n = len(frames)
    strong = 1.0 if split == 'train' else 0.5
    start, end = (1 + strong * rng.uniform(-0.28, 0.2) for _ in range(2))
    gamma = 1 + strong * rng.uniform(-0.25, 0.35)
    tint = 1 + strong * (noise.random(3) - 0.5) * 0.16
    ramp = (np.arange(256) / 255) ** gamma * 255
    steady = rng.random() < 0.6
    for t in range(n):
        gain = start if steady else start + (end - start) * t / max(1, n - 1)
        table = np.clip(ramp[:, None] * gain * tint, 0, 255).astype(np.uint8)[None]  # (1, 256, 3)
        frames[t] = cv2.LUT(frames[t], table)
    if rng.random() < 0.25 * strong:
        for t in range(n):
            cv2.GaussianBlur(frames[t], (3, 3), rng.uniform(0.4, 0.9), dst=frames[t])
    if rng.random() < 0.3 * strong:
        size = frames.shape[1]
        rough = noise.integers(0, rng.randint(4, 16), (size + 16, size + 16, 1), dtype=np.uint8)
        for t in range(n):
            y, x = rng.randrange(16), rng.randrange(16)
            frames[t] = cv2.add(frames[t], np.repeat(rough[y:y + size, x:x + size], 3, 2))
