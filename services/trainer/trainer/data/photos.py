"""Clips made of real photographs, in the shape of SpriteWorld's, so that the model learns how far to trust the pretrained eyes.

Three sorts: a virtual camera over a photograph whose things have boxes (the detector proposed them, an eye checked them), sprites moving over a
photograph instead of a made background, and such a photograph without sprites. Pictures of the exam are never used.

    world = PhotoWorld(WorldConfig.load('spriteworld-v1'))
    clip = world.clip('train', 0)             # the same Clip as SpriteWorld gives; feature_cache.write_shard takes it
"""
from functools import cache
from random import Random

import cv2
import numpy as np

from .ask import Ask, Target
from .clip import Clip, SpriteWorld, Thing
from .coco_nouns import COCO_NOUNS
from .config import WorldConfig
from .imagenet_nouns import IMAGENET_NOUNS
from .nouns import Noun
from .photo_exam import FOLDER, Picture, pictures
from .refer import article

ON_PHOTOGRAPH = 1_000_000  # sprite clips on photographs have numbers from here on, so that none is also in an ordinary cache
# Nouns that a photograph may show without a box having been drawn: never said to be absent.
UNSURE = frozenset((
    'hat', 'shirt', 'suit', 'glasses', 'sunglasses', 'tie', 'shoe', 'jeans', 'necklace', 'sock', 'sandal', 'potted plant', 'bench', 'chair', 'dining table', 'desk',
    'couch', 'book', 'bottle', 'cup', 'bowl', 'mountain', 'lake', 'beach', 'cliff', 'bridge', 'castle', 'church', 'mosque', 'fountain', 'waterfall', 'person', 'car',
    'truck', 'boat', 'bookcase', 'lamp', 'pillow', 'camera', 'laptop', 'keyboard', 'cell phone', 'computer', 'tv', 'mask', 'street sign', 'pen', 'notebook', 'mouse', 'clock'))


class PhotoWorld:
    def __init__(self, config: WorldConfig) -> None:
        self.config = config
        self.sprites = SpriteWorld(config)
        training = pictures('training')
        self.shown = [picture for picture in training if picture.regions]
        self.grounds = [picture for picture in training if picture.background]

    def clip(self, split: str, index: int) -> Clip:
        assert split == 'train', f'Photographs are for training; there is no split {split!r} of them.'
        rng = Random(f'photo {self.config.hash} {index}')
        if index % 3 == 1:
            return self.under_sprites(rng.choice(self.grounds), index, rng)
        return self.as_taken(rng.choice(self.grounds if index % 3 else self.shown), rng)

    def as_taken(self, picture: Picture, rng: Random) -> Clip:
        frames, moves = filmed(photograph(picture.file), self.config.frames, self.config.size, rng)
        things = [thing_of(i, noun, box, mask, moves, self.config.size) for i, (noun, box, mask) in enumerate(cut_out(picture.file))]
        times = np.arange(len(frames), dtype=np.float32) * self.config.step_ms
        return Clip(rng.getrandbits(31), 'train', frames, times, things, asks_of(things, len(frames) - 1, rng), f'photo:{picture.file}', 'pan', 1.0)

    def under_sprites(self, picture: Picture, index: int, rng: Random) -> Clip:
        clip = self.sprites.clip('train', ON_PHOTOGRAPH + index)
        ground, _ = filmed(photograph(picture.file), len(clip.frames), self.config.size, rng)
        covered = np.zeros(clip.frames.shape[:3], np.uint8)
        for thing in clip.things:
            covered |= thing.masks.astype(np.uint8)
        for t, cover in enumerate(covered):
            share = cv2.GaussianBlur(cover * 255, (3, 3), 0).astype(np.uint16)[..., None]
            clip.frames[t] = (clip.frames[t] * share + ground[t] * (255 - share)) // 255
        clip.background = f'photo:{picture.file}'
        return clip


@cache
def photograph(file: str) -> np.ndarray:
    return cv2.cvtColor(cv2.imread(str(FOLDER / file)), cv2.COLOR_BGR2RGB)  # (h, w, 3)


@cache
def cut_out(file: str) -> tuple[tuple[str, np.ndarray, np.ndarray], ...]:
    """Every thing of a training picture: noun, box in pixels, and a mask that GrabCut finds from the box."""
    picture = next(picture for picture in pictures('training') if picture.file == file)
    image = photograph(file)
    scale = np.array([image.shape[1], image.shape[0]] * 2, np.float32)
    return tuple((noun, np.array(box, np.float32) * scale, grab(image, np.array(box) * scale)) for noun, boxes in picture.regions.items() for box in boxes)


def grab(image: np.ndarray, box: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    x0, y0, x1, y1 = np.rint(box).astype(int)
    x0, y0, x1, y1 = max(x0, 1), max(y0, 1), min(x1, width - 2), min(y1, height - 2)  # GrabCut needs background around the box
    labels = np.full((height, width), cv2.GC_BGD, np.uint8)
    cv2.setRNGSeed(0)
    cv2.grabCut(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), labels, (x0, y0, x1 - x0, y1 - y0), np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_RECT)
    mask = (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
    if mask.sum() < 0.25 * (x1 - x0) * (y1 - y0):  # it found nothing: the box's ellipse is nearer to the truth
        oval = np.zeros((height, width), np.uint8)
        cv2.ellipse(oval, ((x0 + x1) // 2, (y0 + y1) // 2), ((x1 - x0) // 2, (y1 - y0) // 2), 0, 0, 360, 1, -1)
        mask = oval > 0
    return mask.astype(np.uint8)


def filmed(image: np.ndarray, count: int, size: int, rng: Random) -> tuple[np.ndarray, list[np.ndarray]]:
    """A slow pan and zoom over a picture → frames (T, S, S, 3) and, per frame, the 2×3 matrix from the picture's pixels to the frame's."""
    height, width = image.shape[:2]
    begin, end = (window(width, height, rng) for _ in range(2))
    end = begin + (end - begin) * rng.choice((0.0, 0.2, 0.5))
    mirrored = rng.random() < 0.5
    gain = np.array([rng.uniform(0.8, 1.2) * rng.uniform(0.94, 1.06) for _ in range(3)], np.float32)
    toned = np.clip(image * gain + rng.uniform(-12, 12), 0, 255).astype(np.uint8)
    moves, frames = [], []
    for t in range(count):
        x, y, w, h = begin + (end - begin) * t / max(1, count - 1)
        move = np.array([[size / w, 0, -x * size / w], [0, size / h, -y * size / h]], np.float32)
        if mirrored:
            move[0] = -move[0] + (0, 0, size)
        moves.append(move)
        frames.append(cv2.warpAffine(toned, move, (size, size), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE))
    return np.stack(frames), moves


def window(width: int, height: int, rng: Random) -> np.ndarray:
    """Left, top, width, height of what the camera sees: most of the picture, of varying aspect."""
    w, h = width * rng.uniform(0.7, 1.0), height * rng.uniform(0.7, 1.0)
    return np.array([rng.uniform(0, width - w), rng.uniform(0, height - h), w, h])


def thing_of(number: int, noun: str, box: np.ndarray, mask: np.ndarray, moves: list[np.ndarray], size: int) -> Thing:
    full = np.stack([moved(box, move) for move in moves]) / size            # (T, 4)
    boxes = np.clip(full, 0, 1)
    shown = area(boxes) / np.maximum(area(full), 1e-6)                      # (T,)
    visible = (shown > 0.15) & (area(boxes) > 0.001)
    boxes[~visible] = 0
    masks = np.stack([cv2.warpAffine(mask, move, (size, size), flags=cv2.INTER_NEAREST) for move in moves]) > 0
    masks[~visible] = False
    return Thing(number, noun, 'photograph', '', boxes.astype(np.float32), visible, masks, full.astype(np.float32), shown > 0.5, 'still', 'still')


def moved(box: np.ndarray, move: np.ndarray) -> np.ndarray:
    a, b = move @ (box[0], box[1], 1), move @ (box[2], box[3], 1)
    return np.concatenate([np.minimum(a, b), np.maximum(a, b)])


def area(boxes: np.ndarray) -> np.ndarray:
    return np.maximum(0, boxes[:, 2] - boxes[:, 0]) * np.maximum(0, boxes[:, 3] - boxes[:, 1])


@cache
def known_nouns() -> dict[str, Noun]:
    return {noun.name: noun for noun in (*COCO_NOUNS, *(row.noun for row in IMAGENET_NOUNS))}


def asks_of(things: list[Thing], last: int, rng: Random) -> list[Ask]:
    """Each noun by name, several that are not there, and yes or no; no counting and no lists, for a photograph shows more than was boxed."""
    groups: dict[str, list[Thing]] = {}
    for thing in things:
        groups.setdefault(thing.noun, []).append(thing)
    asks: list[Ask] = []
    for noun, members in groups.items():
        there = [thing for thing in members if thing.visible[last]]
        if all(thing.clear[last] for thing in there):
            asks += about(noun, [thing.id for thing in there], last, rng)
    absent = rng.sample(sorted(set(known_nouns()) - UNSURE - set(groups)), 4)
    for noun in absent[:3]:
        asks += about(noun, [], last, rng)[:1]
    asks.append(Ask('exist', f'is there {article(named(absent[3], rng))} ?', 'no', last))
    return asks


def about(noun: str, ids: list[int], last: int, rng: Random) -> list[Ask]:
    phrase = f'the {named(noun, rng, plural=len(ids) > 1)}'
    task = 'mask' if len(ids) == 1 and rng.random() < 0.25 else 'region'
    text = rng.choice({'region': ('where is {} ?', 'find {}', 'show me {}', 'locate {}', 'point at {}'), 'mask': ('segment {}', 'outline {}')}[task]).format(phrase)
    text = text.replace('where is', 'where are') if len(ids) > 1 else text
    answer = f'<p> {phrase} <{task}>' if ids else f'there is no {phrase.removeprefix("the ")}'
    pointing = Ask(task, text, answer, last, [Target(task, phrase, ids, noun)])
    return [pointing, Ask('exist', f'is there {article(named(noun, rng))} ?', 'yes' if ids else 'no', last)]


def named(noun: str, rng: Random, plural: bool = False) -> str:
    """Its name or, four times in ten, another."""
    entry = known_nouns()[noun]
    forms = rng.choice(entry.synonyms) if entry.synonyms and rng.random() < 0.4 else (entry.name, entry.plural)
    return forms[1 if plural else 0]
