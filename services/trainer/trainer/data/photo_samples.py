"""Sample clips of real photographs, a camera moving over them, with questions and true answers; beside SpriteWorld's in `samples/`.

    python -m trainer.data.photo_samples ../../samples      # adds to samples.json there; run it after `fovea-train data samples`
"""
from dataclasses import dataclass
import json
from pathlib import Path
import sys

import cv2
import numpy as np
from PIL import Image

from trainer.data.coco_nouns import COCO_NOUNS
from trainer.data.imagenet_nouns import IMAGENET_NOUNS
from trainer.data.photo_exam import ask, pictures
from trainer.data.photos import area, moved, photograph

FRAMES, FPS, WIDTH = 24, 8.0, 320


@dataclass(frozen=True)
class Shot:
    file: str
    picture: str
    begin: tuple[float, float, float]  # left, top, width as shares of the picture; the height keeps the aspect
    end: tuple[float, float, float]
    nouns: tuple[str, ...]
    absent: str


SHOTS = (
    Shot('dog-and-bicycle.webp', 'exam/dog-bicycle.jpg', (0.0, 0.0, 1.0), (0.1, 0.15, 0.8), ('dog', 'bicycle', 'truck'), 'cat'),
    Shot('desk.webp', 'exam/desk.jpg', (0.2, 0.1, 0.8), (0.0, 0.03, 0.95), ('cell phone', 'laptop', 'book'), 'dog'),
    Shot('macaw.webp', 'exam/macaw.jpg', (0.0, 0.0, 1.0), (0.15, 0.05, 0.7), ('parrot',), 'penguin'),
)


def write_samples(folder: Path) -> None:
    listed = json.loads((folder / 'samples.json').read_text())
    kept = [entry for entry in listed if entry['file'] not in {shot.file for shot in SHOTS}]
    (folder / 'samples.json').write_text(json.dumps(kept + [film(shot, folder) for shot in SHOTS], indent=1) + '\n')


def film(shot: Shot, folder: Path) -> dict:
    image = photograph(shot.picture)
    height, width = image.shape[:2]
    tall = round(WIDTH * height / width)
    frames: list[Image.Image] = []
    move = np.zeros((2, 3), np.float32)
    for t in range(FRAMES):
        left, top, share = np.array(shot.begin) + (np.array(shot.end) - np.array(shot.begin)) * t / (FRAMES - 1)
        scale = WIDTH / (share * width)
        move = np.array([[scale, 0, -left * width * scale], [0, scale, -top * height * scale]], np.float32)
        frames.append(Image.fromarray(cv2.warpAffine(image, move, (WIDTH, tall), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)))
    frames[0].save(folder / shot.file, save_all=True, append_images=frames[1:], duration=round(1000 / FPS), loop=0, quality=72, method=4)
    picture = next(picture for picture in pictures('exam') if picture.file == shot.picture)
    questions = [question(noun, in_view(picture.regions[noun], move, (width, height), (WIDTH, tall))) for noun in shot.nouns] + [question(shot.absent, [])]
    return {'file': shot.file, 'frames': FRAMES, 'fps': FPS, 'shows': list(shot.nouns), 'questions': questions,
            'licence': f'{picture.licence}, {picture.author}'}


def question(noun: str, boxes: list[list[float]]) -> dict:
    known = {entry.name: entry for entry in (*COCO_NOUNS, *(row.noun for row in IMAGENET_NOUNS))}
    return {'text': ask(known[noun], boxes, '')['text'], 'at': {'frame': FRAMES - 1}, 'expect': {'regions': boxes}}


def in_view(boxes: list[list[float]], move: np.ndarray, size: tuple[int, int], frame: tuple[int, int]) -> list[list[float]]:
    """Boxes of the picture as the last frame shows them; those that it hardly shows are left out."""
    full = np.stack([moved(np.array(box) * np.tile(size, 2), move) / np.tile(frame, 2) for box in boxes])
    seen = np.clip(full, 0, 1)
    return [[round(float(side), 4) for side in box] for box, share in zip(seen, area(seen) / area(full)) if share > 0.3]


if __name__ == '__main__':
    write_samples(Path(sys.argv[1]))
