"""Drawn pictures without a clip, made as fast as they are looked at: the neck sees every one once.

A neck trained on some thousand cached clips learns their things by heart (cells named right: half on training clips, a sixth on others). Naming a
shape in any paint takes many more drawings than clips can be cached, but no clip: single frames, each sprite dressed as SpriteWorld dresses its own,
used in a few pictures of different sizes and grounds and then thrown away.
"""
from dataclasses import dataclass
from random import Random

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from trainer.backbones.evidence import EVIDENCE_CHANNELS
from trainer.backbones.lite0 import Taps
from trainer.backbones.nano_encoder import pretrained
from trainer.backbones.nano_eyes import taps_of, visual_tokens
from trainer.backbones.nano_neck import distances
from trainer.alignment import NOTHING, UNSURE, Alignment
from trainer.data import appearance, backgrounds, sprites
from trainer.data.config import WorldConfig
from trainer.data.draw import lens, lighting
from trainer.feature_cache import Eyes, as_served
from trainer.losses.boxes import box_loss
from trainer.losses.region import near_centre
from trainer.model import TpoModel
from trainer.objective import KNOWN_WHICH, cell_loss, naming_of_cells, presence_loss, unpushed
from trainer.vocabulary import COLOURS, vocabulary

SIZE = 160
NOISE = 0.15
ASPECTS = (0.75, 16 / 9)  # as SpriteWorld's narrowest and widest
FURTHER_SHARE = 0.4  # of things, drawn in a style that clips are not
PICTURES = 3  # for each lesson that a batch would have


@dataclass
class Dressed:
    noun: int
    colour: int            # index in COLOURS, or UNSURE
    picture: np.ndarray    # (h, w, 4) uint8
    left: int              # times it may still be used


@dataclass
class Still:
    frame: np.ndarray      # (160, 160, 3)
    nouns: list[int]
    colours: list[int]
    boxes: np.ndarray      # (n, 4) of the visible parts
    shares: np.ndarray     # (n, 20, 20) share of each cell that the thing covers
    outline: np.ndarray    # (2, 40, 40) share of the cell that any thing covers; whether a thing ends here


class StillMaker:
    """Pictures by seed. A dressed sprite is used `uses` times; `wardrobe` sprites and `scenery` grounds are at hand at once."""

    def __init__(self, styles: tuple[str, ...], seed: int, uses: int = 3, wardrobe: int = 400, scenery: int = 200, further: tuple[str, ...] = ()) -> None:
        self.rng, self.noise, self.uses, self.wardrobe, self.scenery = Random(seed), np.random.default_rng(seed), uses, wardrobe, scenery
        self.by_noun, self.further = by_noun(styles), by_noun(further)
        self.nouns = sorted(self.by_noun)
        self.dressed: list[Dressed] = []
        self.grounds: list[np.ndarray] = []

    def dress(self) -> Dressed:
        rng = self.rng
        noun = rng.choice(self.nouns)
        style = rng.choice(self.further[noun] if noun in self.further and rng.random() < FURTHER_SHARE else self.by_noun[noun])
        picture = sprites.sprite(style, noun, rng.randrange(sprites.drawings(style, noun)))
        colour = rng.choice(appearance.COLOURS) if rng.random() > 0.4 else ''
        picture = appearance.paint(picture, colour) if colour else picture
        colour = colour or appearance.natural_colour(picture)
        picture = appearance.vary(picture, rng, self.noise, recolour=not colour)
        if rng.random() < 0.5:
            picture = appearance.warped(picture, self.noise, rng.uniform(0.03, 0.09))
        picture = appearance.turned(picture, rng.choice((0, rng.uniform(-25, 25))), rng.random() < 0.5)
        return Dressed(vocabulary().place_of(noun), COLOURS.index(colour) if colour in COLOURS else UNSURE, picture, self.uses)

    def ground(self) -> np.ndarray:
        if len(self.grounds) < self.scenery or self.rng.random() < 0.1:
            fresh = backgrounds.background(self.rng, self.noise, 'train', 224)[1]
            if len(self.grounds) < self.scenery:
                self.grounds.append(fresh)
            else:
                self.grounds[self.rng.randrange(self.scenery)] = fresh
        ground = self.rng.choice(self.grounds)
        x, y = self.rng.randrange(65), self.rng.randrange(65)
        return ground[y:y + SIZE, x:x + SIZE][:, ::self.rng.choice((1, -1))].copy()

    def still(self) -> Still:
        rng, frame = self.rng, self.ground()
        owner = np.zeros((SIZE, SIZE), np.uint8)
        chosen: list[Dressed] = []
        aspect = rng.choice((1.0, rng.uniform(*ASPECTS), *ASPECTS))  # wide and tall pictures come stretched to a square
        for _ in range(rng.randint(3, 6)):
            if len(self.dressed) < self.wardrobe:
                self.dressed.append(self.dress())
            place = rng.randrange(len(self.dressed))
            thing = self.dressed[place]
            thing.left -= 1
            if thing.left <= 0:
                self.dressed[place] = self.dressed[-1]
                self.dressed.pop()
            size = min(rng.uniform(0.15, 0.42), rng.uniform(0.2, 0.46)) * SIZE
            rows, columns = thing.picture.shape[:2]
            stretch = (aspect * rng.uniform(0.87, 1.15)) ** -0.5
            width, height = max(4, round(size * columns / max(rows, columns) * stretch)), max(4, round(size * rows / max(rows, columns) / stretch))
            for _attempt in range(4):
                x, y = rng.randint(-width // 5, SIZE - 4 * width // 5), rng.randint(-height // 5, SIZE - 4 * height // 5)
                if np.count_nonzero(owner[max(0, y):y + height, max(0, x):x + width]) < 0.25 * width * height:
                    chosen.append(thing)
                    self.paste(frame, owner, thing.picture, x, y, width, height, len(chosen))
                    break
        light = lighting(rng, self.noise, 'train', 1)
        frame = cv2.LUT(frame, light.tables[0]) if light.steady else frame
        lens(frame[None], light, rng, self.noise)
        return described(as_served(frame[None], rng)[0], owner, chosen)

    @staticmethod
    def paste(frame: np.ndarray, owner: np.ndarray, picture: np.ndarray, x: int, y: int, width: int, height: int, mark: int) -> None:
        small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if width < picture.shape[1] else cv2.INTER_LINEAR)
        x0, y0, x1, y1 = max(0, x), max(0, y), min(SIZE, x + width), min(SIZE, y + height)
        part = small[y0 - y:y1 - y, x0 - x:x1 - x]
        alpha = part[..., 3:].astype(np.uint16)
        target = frame[y0:y1, x0:x1]
        target[:] = (part[..., :3] * alpha + target * (255 - alpha)) // 255
        owner[y0:y1, x0:x1][part[..., 3] > 127] = mark


def by_noun(styles: tuple[str, ...]) -> dict[str, list[str]]:
    """The styles that draw each noun."""
    found: dict[str, list[str]] = {}
    for style in styles:
        for noun in sprites.nouns_of(style):
            found.setdefault(noun, []).append(style)
    return found


class StillSource:
    """Batches of fresh pictures, each a function of the seed and its number, so that a stopped run goes on with the same ones."""

    def __init__(self, eyes: Eyes, seed: int, first: int) -> None:
        held_out = WorldConfig.load('spriteworld-v1').held_out_style
        self.eyes, self.seed, self.number = eyes, seed, first
        self.styles = tuple(style for style in sprites.styles() if style != held_out)

    def draw(self, size: int) -> 'StillBatch':
        count = PICTURES * size
        maker = StillMaker(self.styles, self.seed * 1_000_003 + self.number, wardrobe=count * 3 // 2, scenery=count // 3, further=sprites.further_styles())
        self.number += 1
        return StillBatch([maker.still() for _ in range(count)], self.eyes)


@dataclass
class StillBatch:
    stills: list[Still]
    eyes: Eyes


def described(frame: np.ndarray, owner: np.ndarray, chosen: list[Dressed]) -> Still:
    still = Still(frame, [], [], np.zeros((0, 4), np.float32), np.zeros((0, 20, 20), np.float32), outline_of(owner))
    boxes, shares = [], []
    for mark, thing in enumerate(chosen, 1):
        mask = owner == mark
        if np.count_nonzero(mask) < 60:
            continue
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        boxes.append(np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float32) / SIZE)
        shares.append(mask.reshape(20, 8, 20, 8).mean((1, 3), dtype=np.float32))
        still.nouns.append(thing.noun)
        still.colours.append(thing.colour)
    if boxes:
        still.boxes, still.shares = np.stack(boxes), np.stack(shares)
    return still


def outline_of(owner: np.ndarray) -> np.ndarray:
    """(160, 160) number of the thing at each pixel → (2, 40, 40)."""
    cells = owner.reshape(40, 4, 40, 4)
    covered = (cells > 0).mean((1, 3), dtype=np.float32)
    return np.stack([covered, (cells.max((1, 3)) != cells.min((1, 3))).astype(np.float32)])


def outline_loss(covered: Tensor, sides: Tensor, stills: list[Still], truth: Alignment) -> dict[str, Tensor]:
    """Cover and edges at every cell, a box's sides at the cells near its centre."""
    wanted = torch.from_numpy(np.stack([still.outline for still in stills]))
    row, y, x, index = near_centre(truth.centres, truth.centre_of, sides.shape[-1])
    place = torch.stack([(x + 0.5), (y + 0.5)], 1) / sides.shape[-1]
    found = sides[row, :, y, x]
    boxes = torch.cat([place - found[:, :2], place + found[:, 2:]], 1)
    l1, giou = box_loss(boxes, truth.centres[index])
    return {'align.cover': F.binary_cross_entropy_with_logits(covered, wanted) * 2, 'align.box': 4 * l1 + giou}


def alignment_of(stills: list[Still]) -> Alignment:
    """The same truths as a batch of lessons has, for one frame each."""
    fine = np.full((len(stills), 20, 20), NOTHING)
    colour = np.full((len(stills), 20, 20), UNSURE)
    coarse = np.full((len(stills), 1, 25), NOTHING)
    present = np.zeros((len(stills), len(vocabulary().nouns)), np.float32)
    centres, centre_of = [], []
    for i, still in enumerate(stills):
        best, most = np.full((20, 20), 0.35, np.float32), np.full(25, 0.2, np.float32)
        for noun, tone, box, share in zip(still.nouns, still.colours, still.boxes, still.shares):
            fine[i][(share > 0.05) & (fine[i] == NOTHING)] = UNSURE
            mine = share > best
            best[mine], fine[i][mine], colour[i][mine] = share[mine], noun, tone
            cover = share.reshape(5, 4, 5, 4).mean((1, 3)).reshape(25)
            coarse[i, 0][(cover > 0.02) & (coarse[i, 0] == NOTHING)] = UNSURE
            won = cover > most
            most[won], coarse[i, 0][won] = cover[won], noun
            present[i, noun] = 1
            centres.append(box)
            centre_of.append(i)
    tensor = torch.from_numpy
    return Alignment(tensor(coarse), tensor(fine), tensor(colour), tensor(np.stack(centres)) if centres else torch.zeros(0, 4), torch.tensor(centre_of, dtype=torch.long),
                     tensor(present), torch.ones(present.shape))


def stills_loss(model: TpoModel, eyes: Eyes, stills: list[Still], weight: float) -> dict[str, Tensor]:
    """The alignment losses on fresh pictures."""
    neck = model.backbone.neck
    *taps, rgb = seen_by(model, eyes, np.stack([still.frame for still in stills]))
    s4, s8, s16, s32 = (tap * (1 + NOISE * torch.randn(*tap.shape[:2], 1, 1)) for tap in taps)  # a style is a scale of channels
    deep = neck.deep(s16, s32)
    maps = neck.maps(Taps(s4, s8, s16, s32), deep, rgb / 127.5 - 1)
    nothing = torch.zeros(len(stills), EVIDENCE_CHANNELS, 20, 20)
    visual = visual_tokens(neck.tokens(deep), neck.fine_tokens(maps), nothing, torch.full((len(stills), 1), -KNOWN_WHICH), neck.block)[:, None]
    truth = alignment_of(stills)
    middle = {'align.middle': weight * middle_loss(model, neck.middle(deep), stills, truth)}
    return naming_of_cells(model, visual, maps, truth, weight) | middle | presence_loss(model, visual, truth, weight, torch.ones(len(stills))) | outline_loss(maps.skip[:, -2:], distances(maps.sides), stills, truth)


def middle_loss(model: TpoModel, middle: Tensor, stills: list[Still], truth: Alignment) -> Tensor:
    """The cells of stride 16 must name what they show as well: things are followed through time on them. middle (B, M, 10, 10)."""
    side = middle.shape[-1]
    named = np.full((len(stills), side, side), NOTHING)
    for found, still in zip(named, stills):
        most = np.full((side, side), 0.25, np.float32)
        for noun, share in zip(still.nouns, still.shares):
            cover = share.reshape(side, -1, side, share.shape[1] // side).mean((1, 3))
            found[(cover > 0.03) & (found == NOTHING)] = UNSURE
            won = cover > most
            most[won], found[won] = cover[won], noun
    nouns, cells = model.backbone.nouns, middle.flatten(2).transpose(1, 2).flatten(0, 1)
    return cell_loss(lambda chosen: nouns.fine_match(cells[chosen], unpushed(nouns.unit(), truth)).T, torch.from_numpy(named).flatten(), 0.1)


def seen_by(model: TpoModel, eyes: Eyes, frames: np.ndarray) -> list[Tensor]:
    """uint8 (B, 160, 160, 3) → s4, s8, s16, s32, rgb 0–255. A trained encoder looks itself, with gradients; frozen ones are asked."""
    own = model.backbone.encoder
    if own is None:
        return [torch.from_numpy(tap) for tap in eyes.look(frames)]
    pixels = torch.from_numpy(frames).permute(0, 3, 1, 2).float()
    return [*taps_of(pixels, own, pretrained()), F.avg_pool2d(pixels, 2)]
