"""SpriteWorld: short seeded clips with everything known about them, and questions with true answers."""
from dataclasses import dataclass, field
from random import Random

import numpy as np

from . import grounding, moments, questions, sprites
from .ask import Ask, Target
from .config import WorldConfig
from .draw import Drawing, draw
from .scene import Scene, plan
from .splits import ArtStyle, Split, clip_seed
from .view import View, look

__all__ = ['Ask', 'Clip', 'SpriteWorld', 'Target', 'Thing', 'WorldConfig']


@dataclass
class Thing:
    id: int
    noun: str
    style: str
    colour: str             # its colour word, or '' where no single word fits
    boxes: np.ndarray       # (T, 4) float32 xyxy 0–1 of the visible part, zeros while not visible
    visible: np.ndarray     # (T,) bool
    masks: np.ndarray       # (T, S, S) bool, visible pixels
    full: np.ndarray        # (T, 4) float32 box as if nothing were in the way; may lie outside 0–1
    clear: np.ndarray       # (T,) bool, enough of it visible to be recognised
    motion: str             # 'left', 'right', 'up', 'down', 'still'
    program: str            # how it moves: 'still', 'move', 'enter', 'leave', 'cross', 'stop', 'start', 'hide'


@dataclass
class Clip:
    seed: int
    split: str
    frames: np.ndarray      # (T, S, S, 3) uint8, stretched to a square
    times: np.ndarray       # (T,) float32 ms
    things: list[Thing]
    asks: list[Ask]
    background: str
    camera: str             # 'fixed', 'pan', 'zoom', 'shake'
    aspect: float           # width / height that the world was drawn in
    more: list[list[Ask]] = field(default_factory=list)  # further rounds of questions, for training


class SpriteWorld:
    """Clips by number, the same every time:

    >>> world = SpriteWorld(WorldConfig(size=64))
    >>> clip = world.clip('train', 0)
    >>> clip.frames.shape
    (16, 64, 64, 3)
    """

    def __init__(self, config: WorldConfig, rounds: int = 0):
        """rounds: how many further rounds of questions a clip brings."""
        self.config, self.rounds = config, rounds
        self.held_out = (config.held_out_style,)
        self.seen = tuple(s for s in sprites.styles() if s != config.held_out_style)
        self.nouns = tuple(sorted({noun for s in self.seen for noun in sprites.nouns_of(s)}))

    def clip(self, split: Split, index: int, style: ArtStyle = 'seen', aspect: float | None = None) -> Clip:
        """aspect: width / height in place of the drawn one; the scene stays nearly the same."""
        assert style == 'seen' or split != 'train', 'The held-out style is never trained on.'
        seed = clip_seed(self.config.hash, split, index, style)
        rng, noise = Random(seed), np.random.default_rng(seed)
        palette = self.seen if style == 'seen' else self.held_out
        allowed = self.nouns if style == 'seen' else tuple(sorted(set(sprites.nouns_of(self.config.held_out_style)) & set(self.nouns)))
        while True:
            scene = plan(self.config, rng, noise, split, palette, allowed, aspect)
            drawing = draw(scene, rng, noise, split, self.config.size)
            view = look(scene, drawing, self.config.frames - 1)
            if view.clear[:, view.last].sum() >= 2:
                break
        asks = write_asks(view, rng, self.config, self.nouns)
        more = [write_round(view, Random(f'{seed} {number}'), self.config, self.nouns) for number in range(self.rounds)]
        return Clip(seed, split, drawing.frames, np.arange(len(drawing.frames), dtype=np.float32) * self.config.step_ms, things_of(scene, drawing, view), asks,
                    drawing.background, scene.camera.name, scene.width / scene.height, more)


def things_of(scene: Scene, drawing: Drawing, view: View) -> list[Thing]:
    things = []
    for i, actor in enumerate(scene.actors):
        assert actor.path is not None
        things.append(Thing(i, actor.noun, actor.style, actor.colour, drawing.boxes[i], view.visible[i], drawing.masks[i],
                            drawing.full[i], view.clear[i], actor.path.motion, actor.path.program))
    return things


def write_asks(view: View, rng: Random, config: WorldConfig, nouns: tuple[str, ...]) -> list[Ask]:
    """Nine or ten questions of every sort, and a caption. The same is not asked twice in other words."""
    share = config.absent
    wanted = [
        grounding.by_name(view, rng),
        grounding.one(view, rng, 'region', prefer_alike=True),
        grounding.several(view, rng) or grounding.one(view, rng, 'region', prefer_alike=True),
        grounding.absent(view, rng, 'region', nouns),
        grounding.absent(view, rng, 'mask', nouns) if rng.random() < share else grounding.one(view, rng, 'mask', prefer_alike=rng.random() < 0.5),
        grounding.absent(view, rng, 'track', nouns) if rng.random() < share else grounding.one(view, rng, 'track', prefer_alike=rng.random() < 0.5),
        moments.moment(view, rng, nouns, share),
        grounding.two(view, rng, nouns, share),
    ]
    wanted += [make() for make in rng.sample((
        lambda: questions.exist(view, rng, nouns), lambda: questions.count(view, rng, nouns), lambda: questions.motion(view, rng), lambda: questions.listing(view, rng)), 2)]
    wanted.append(questions.caption(view, rng))
    return once(wanted)


def write_round(view: View, rng: Random, config: WorldConfig, nouns: tuple[str, ...]) -> list[Ask]:
    """A further round, for training: as the exam asks, with more of what one round has little of – moments, and questions that words alone answer."""
    wanted: list[Ask | None] = [*write_asks(view, rng, config, nouns), *(moments.moment(view, rng, nouns, config.absent) for _ in range(3))]
    return once([*wanted, questions.exist(view, rng, nouns), questions.count(view, rng, nouns), questions.motion(view, rng), questions.listing(view, rng)])


def once(wanted: list[Ask | None]) -> list[Ask]:
    asks: dict[tuple[str, str], Ask] = {}
    for ask in wanted:
        if ask is not None:
            asks.setdefault((ask.kind, ask.targets[0].phrase if len(ask.targets) == 1 else ask.text), ask)
    return list(asks.values())
