"""Pictures to stand on: gradients, noise, patterns, landscapes, clutter of plain shapes, and photographs where there are some."""
from functools import cache
from pathlib import Path
from random import Random

import cv2
import numpy as np

from .splits import Split

PHOTOS = Path(__file__).parents[2] / 'assets' / 'backgrounds'


@cache
def photos(split: Split) -> tuple[tuple[str, np.ndarray], ...]:
    """The photographs of a split, (name, (h, w, 3) uint8). A file's split is the word before the first dash of its name; dev borrows none of the others'."""
    found = []
    for path in sorted(PHOTOS.glob(f'{split}-*.jpg')):
        picture = cv2.imread(str(path))
        if picture is not None:
            found.append((path.stem, cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)))
    return tuple(found)


def background(rng: Random, noise: np.random.Generator, split: Split, side: int) -> tuple[str, np.ndarray]:
    """A name that tells it from every other, and (side, side, 3) uint8."""
    available = photos(split)
    if available and rng.random() < 0.15:
        name, photo = rng.choice(available)
        return f'photo:{name}', cut(photo, rng, noise, side)
    kind = rng.choice(tuple(MAKERS))
    picture = MAKERS[kind](rng, noise, side)
    calm = rng.uniform(0.35, 1.0)
    picture *= calm
    picture += np.array(cv2.mean(picture)[:3], np.float32) * ((1 - calm) / calm)
    return f'{kind}:{split}-{rng.getrandbits(40):x}', bytes_of(picture)


def bytes_of(picture: np.ndarray) -> np.ndarray:
    return np.clip(picture, 0, 255, out=picture).astype(np.uint8)


def cut(photo: np.ndarray, rng: Random, noise: np.random.Generator, side: int) -> np.ndarray:
    """A part of it, toned: most of these photographs are of plain materials without colour."""
    height, width = photo.shape[:2]
    size = int(min(height, width) * rng.uniform(0.5, 1.0))
    y, x = rng.randint(0, height - size), rng.randint(0, width - size)
    part = photo[y:y + size, x:x + size]
    if rng.random() < 0.5:
        part = np.ascontiguousarray(part[:, ::-1])
    tone = 0.45 + 0.8 * noise.random(3, dtype=np.float32)
    return bytes_of(cv2.resize(part, (side, side), interpolation=cv2.INTER_AREA) * tone)


def grown(grid: np.ndarray, side: int, how: int = cv2.INTER_CUBIC) -> np.ndarray:
    return cv2.resize(grid, (side, side), interpolation=how)


def colours(noise: np.random.Generator, *shape: int) -> np.ndarray:
    return noise.random((*shape, 3), dtype=np.float32) * 255


def gradient(rng: Random, noise: np.random.Generator, side: int) -> np.ndarray:
    return grown(colours(noise, 2, 2), side, cv2.INTER_LINEAR)


def clouds(rng: Random, noise: np.random.Generator, side: int) -> np.ndarray:
    base = grown(colours(noise, rng.choice((2, 3)), 3), side)
    for cells in (6, 18, 48):
        base += rng.uniform(5, 55) * grown(noise.random((cells, cells), dtype=np.float32) - 0.5, side)[..., None]
    return base


def grain(rng: Random, noise: np.random.Generator, side: int) -> np.ndarray:
    base = grown(colours(noise, 2, 2), side)
    base += rng.uniform(10, 70) * grown(noise.random((side // 2, side // 2), dtype=np.float32) - 0.5, side, cv2.INTER_LINEAR)[..., None]
    return base


def pattern(rng: Random, noise: np.random.Generator, side: int) -> np.ndarray:
    line = np.arange(side, dtype=np.float32) / side
    angle, waves = rng.uniform(0, np.pi), rng.uniform(3, 16)
    along = np.cos(angle) * line[None, :] + np.sin(angle) * line[:, None]
    wave = np.sin(2 * np.pi * waves * along)
    if rng.random() < 0.5:
        wave *= np.sin(2 * np.pi * waves * (np.cos(angle) * line[:, None] - np.sin(angle) * line[None, :]))
    if rng.random() < 0.5:
        wave = np.sign(wave)
    low, high = colours(noise, 2)
    return (low + (high - low) * (0.5 + 0.5 * wave)[..., None]).astype(np.float32)


def landscape(rng: Random, noise: np.random.Generator, side: int) -> np.ndarray:
    sky = grown(colours(noise, 2, 1), side, cv2.INTER_LINEAR)
    ground = grown(colours(noise, 2, 2), side) + 40 * grown(noise.random((24, 24), dtype=np.float32) - 0.5, side)[..., None]
    horizon = side * (rng.uniform(0.35, 0.75) + 0.12 * grown(noise.random((1, 5), dtype=np.float32) - 0.5, side)[0])
    np.copyto(ground, sky, where=(np.arange(side)[:, None] < horizon[None, :])[..., None])
    return ground


def clutter(rng: Random, noise: np.random.Generator, side: int) -> np.ndarray:
    picture = bytes_of(clouds(rng, noise, side))
    for _ in range(rng.randint(4, 14)):
        colour = tuple(rng.randrange(256) for _ in range(3))
        x, y, size = rng.randrange(side), rng.randrange(side), rng.randint(side // 24, side // 5)
        shape = rng.randrange(3)
        if shape == 0:
            cv2.circle(picture, (x, y), size, colour, -1 if rng.random() < 0.7 else 3, cv2.LINE_AA)
        elif shape == 1:
            cv2.rectangle(picture, (x, y), (x + size, y + rng.randint(4, size + 4)), colour, -1)
        else:
            corners = [[x + rng.randint(-size, size), y + rng.randint(-size, size)] for _ in range(rng.randint(3, 6))]
            cv2.fillPoly(picture, [np.array(corners, np.int32)], colour, cv2.LINE_AA)
    return picture.astype(np.float32)


MAKERS = {'gradient': gradient, 'clouds': clouds, 'grain': grain, 'pattern': pattern, 'landscape': landscape, 'clutter': clutter}
