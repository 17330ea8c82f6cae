"""What a sprite looks like before it is drawn: its colour, and in training a strong variety of paint, texture and light.

The variety is the point: a model that sees `car` in six art styles and in every paint must go by the shape, and then a seventh style is no news.
"""
from random import Random

import cv2
import numpy as np

# hue in OpenCV's 0–179, saturation and value ranges of 0–255
PAINTS: dict[str, tuple[int, tuple[int, int], tuple[int, int]]] = {
    'red': (178, (160, 255), (110, 245)),
    'yellow': (27, (150, 255), (190, 255)),
    'green': (60, (120, 255), (70, 215)),
    'blue': (111, (140, 255), (90, 250)),
    'purple': (138, (110, 230), (90, 215)),
    'pink': (165, (50, 120), (195, 255)),
    'white': (0, (0, 14), (150, 255)),
    'black': (0, (0, 40), (8, 95)),
}
COLOURS: tuple[str, ...] = tuple(PAINTS)


def to_range(values: np.ndarray, bounds: tuple[int, int]) -> np.ndarray:
    low, high = bounds
    return low + values.astype(np.float32) * ((high - low) / 255)


def paint(rgba: np.ndarray, colour: str) -> np.ndarray:
    """The sprite in another colour: the coloured parts of a colourful drawing (windows and wheels stay), all of a grey one."""
    hue, saturations, values = PAINTS[colour]
    shade = cv2.cvtColor(rgba[..., :3], cv2.COLOR_RGB2GRAY)
    hsv = cv2.cvtColor(rgba[..., :3], cv2.COLOR_RGB2HSV)
    coloured = hsv[..., 1] > 60
    opaque = rgba[..., 3] > 127
    part = coloured if (coloured & opaque).sum() > 0.4 * opaque.sum() else np.ones_like(coloured)
    painted = np.empty_like(hsv)
    painted[..., 0] = hue
    painted[..., 1] = to_range(hsv[..., 1], saturations)
    # By brightness as the eye sees it, stretched to the paint's whole range: white dots on red stay visible in any paint.
    shades = np.sort(shade[::2, ::2][opaque[::2, ::2]])
    low, high = (float(shades[int(share * (len(shades) - 1))]) for share in (0.02, 0.98))
    painted[..., 2] = to_range(np.clip((shade - low) * (255 / max(40.0, high - low)), 0, 255), values)
    out = rgba.copy()
    out[..., :3] = np.where(part[..., None], cv2.cvtColor(painted, cv2.COLOR_HSV2RGB), rgba[..., :3])
    return out


def natural_colour(rgba: np.ndarray) -> str:
    """The colour word for a drawing as it is, or '' where no single word covers 60 % of it."""
    hue, saturation, value = cv2.split(cv2.cvtColor(rgba[..., :3], cv2.COLOR_RGB2HSV))
    opaque = rgba[..., 3] > 127
    vivid = (saturation > 110) & (value > 90)
    regions = {
        'red': vivid & ((hue > 172) | (hue < 5)),
        'yellow': vivid & (hue > 21) & (hue < 32) & (value > 180),
        'green': vivid & (hue > 38) & (hue < 82),
        'blue': vivid & (hue > 96) & (hue < 122),
        'purple': vivid & (hue > 128) & (hue < 150),
        'white': (saturation < 30) & (value > 200),
        'black': value < 70,
    }
    total = max(1, int(opaque.sum()))
    for colour, region in regions.items():
        if (region & opaque).sum() > 0.6 * total:
            return colour
    return ''


def vary(rgba: np.ndarray, rng: Random, noise: np.random.Generator, recolour: bool) -> np.ndarray:
    """A training sprite's light, texture and line. `recolour` shifts hues too (only where no colour word is attached)."""
    out = rgba
    if recolour and rng.random() < 0.5:
        hsv = cv2.cvtColor(out[..., :3], cv2.COLOR_RGB2HSV)
        hsv[..., 0] = (hsv[..., 0].astype(np.int16) + rng.choice((0, rng.randrange(180)))) % 180
        hsv[..., 1] = np.clip(hsv[..., 1] * rng.uniform(0.1, 1.3), 0, 255)
        out = np.dstack([cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), out[..., 3]])
    rgb = out[..., :3].astype(np.float32)
    if rng.random() < 0.25:  # a pattern printed on it
        cells = rng.choice((4, 8, 16, 24))
        pattern = cv2.resize(noise.random((cells, cells), dtype=np.float32), rgb.shape[1::-1], interpolation=rng.choice((cv2.INTER_NEAREST, cv2.INTER_CUBIC)))
        rgb *= 1 + rng.uniform(0.15, 0.5) * (pattern - 0.5)[..., None]
    if rng.random() < 0.35:  # light from one side
        side = np.linspace(-1, 1, rgb.shape[0], dtype=np.float32)
        angle = rng.uniform(0, 2 * np.pi)
        rgb *= 1 + rng.uniform(0.1, 0.45) * (np.cos(angle) * side[None, :] + np.sin(angle) * side[:, None])[..., None]
    if rng.random() < 0.12:  # few shades
        step = 255 / rng.choice((2, 3, 4))
        rgb = np.round(rgb / step) * step
    contrast, light = rng.uniform(0.7, 1.25), rng.uniform(-18, 18)
    rgb = (rgb - 128) * contrast + 128 + light
    out = np.dstack([np.clip(rgb, 0, 255).astype(np.uint8), out[..., 3]])
    if rng.random() < 0.2:
        out = outline(out, rng)
    if rng.random() < 0.15:
        out = cv2.GaussianBlur(out, (5, 5), rng.uniform(0.8, 1.8))
    return out


def outline(rgba: np.ndarray, rng: Random) -> np.ndarray:
    """A drawn line around it, inside its own edge so that its box does not grow."""
    width = rng.choice((3, 5))
    inner = cv2.erode(rgba[..., 3], np.ones((width, width), np.uint8))
    edge = (rgba[..., 3] > 127) & (inner < 128)
    out = rgba.copy()
    out[edge, :3] = rng.choice(((15, 15, 15), (250, 250, 250), (90, 60, 40)))
    return out


def turned(rgba: np.ndarray, degrees: float, mirrored: bool) -> np.ndarray:
    """Rotated and mirrored, cut to what is visible."""
    if mirrored:
        rgba = rgba[:, ::-1]
    if degrees:
        side = rgba.shape[0]
        large = int(side * 1.45)
        matrix = cv2.getRotationMatrix2D((side / 2, side / 2), degrees, 1.0)
        matrix[:, 2] += (large - side) / 2
        rgba = cv2.warpAffine(np.ascontiguousarray(rgba), matrix, (large, large), flags=cv2.INTER_LINEAR)
    rows, columns = np.flatnonzero((rgba[..., 3] > 127).any(1)), np.flatnonzero((rgba[..., 3] > 127).any(0))
    return np.ascontiguousarray(rgba[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1])


def warped(rgba: np.ndarray, noise: np.random.Generator, strength: float) -> np.ndarray:
    """Its shape as another hand would draw it: a smooth displacement of at most `strength` of its size."""
    rows, columns = rgba.shape[:2]
    shifts = [cv2.resize(noise.uniform(-strength, strength, (4, 4)).astype(np.float32), (columns, rows), interpolation=cv2.INTER_CUBIC) for _ in range(2)]
    x, y = np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32))
    return cv2.remap(rgba, x + shifts[0] * columns, y + shifts[1] * rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
