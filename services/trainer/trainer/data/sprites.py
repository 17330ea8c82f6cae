"""The drawings: one WebP atlas an art style, read once a process."""
import json
from functools import cache
from pathlib import Path

import cv2
import numpy as np

FOLDER = Path(__file__).parents[2] / 'assets' / 'sprites'


@cache
def index() -> dict:
    return json.loads((FOLDER / 'index.json').read_text())


def styles() -> tuple[str, ...]:
    """Those that clips are drawn in."""
    return tuple(index()['styles'])


def further_styles() -> tuple[str, ...]:
    """Icons and emoji for single pictures alone: how many ways there are to draw a thing."""
    return tuple(index()['further'])


@cache
def places() -> dict[str, dict[str, list[int]]]:
    """Which tiles of a style's atlas show a noun."""
    return index()['styles'] | index()['further']


def nouns_of(style: str) -> tuple[str, ...]:
    return tuple(places()[style])


@cache
def atlas(style: str) -> np.ndarray:
    """(rows·96, 16·96, 4) uint8 RGBA."""
    path = FOLDER / f'{style}.webp'
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if picture is None:
        raise FileNotFoundError(f'{path} is missing or broken; rebuild it with assets/build_sprites.py.')
    return cv2.cvtColor(picture, cv2.COLOR_BGRA2RGBA)


def drawings(style: str, noun: str) -> int:
    return len(places()[style].get(noun, ()))


def sprite(style: str, noun: str, which: int) -> np.ndarray:
    """One drawing, (96, 96, 4) uint8 RGBA, a copy."""
    number = places()[style][noun][which]
    tile, columns = index()['tile'], index()['columns']
    y, x = number // columns * tile, number % columns * tile
    return atlas(style)[y:y + tile, x:x + tile].copy()
