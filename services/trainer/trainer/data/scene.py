"""What happens in a clip, before it is drawn: who, in what paint, how large, moving how, behind what, seen by what camera."""
from dataclasses import dataclass
from random import Random

import numpy as np

from . import appearance, paths, sprites
from .config import WorldConfig
from .splits import is_reserved

DISCRIMINATORS = ('colour', 'colour', 'place', 'relation', 'motion', 'order', 'order')
PROGRAMS = (('still', 0.3), ('move', 0.2), ('enter', 0.16), ('leave', 0.12), ('cross', 0.05), ('stop', 0.08), ('start', 0.09))


@dataclass
class Actor:
    noun: str
    style: str
    picture: np.ndarray                      # (h, w, 4) uint8, cut to what is visible
    colour: str
    w: float                                 # world units, area of the picture = 1
    h: float
    growth: np.ndarray                       # (n,) its size relative to w, h
    path: paths.Path | None = None
    behind: bool = False                     # drawn before the occluder
    in_front: bool = False                   # drawn after all others


@dataclass
class Role:
    """A place in the cast: filled with an actor."""
    noun: str
    program: str
    colour: str | None = None                # None: its own colour or a random paint
    directions: tuple[str, ...] | None = None
    at: tuple[float, float] | None = None
    group: int = -1
    near: int = -1                           # role it stands next to
    through: int = -1                        # role it passes in front of


@dataclass
class Camera:
    name: str                                # 'fixed', 'pan', 'zoom', 'shake'
    offset: np.ndarray                       # (n, 2) world units
    zoom: np.ndarray                         # (n,)


@dataclass
class Scene:
    width: float
    height: float
    actors: list[Actor]
    bar: tuple[float, float, float, float] | None
    camera: Camera


def pick_nouns(config: WorldConfig, rng: Random, count: int, split: str, allowed: tuple[str, ...]) -> list[str]:
    """Different nouns; a reserved pair among them in test, none elsewhere."""
    while True:
        nouns: list[str] = []
        for _ in range(200):
            noun = rng.choice(allowed)
            if noun in nouns:
                continue
            if split != 'test' and any(is_reserved(noun, other, config.reserved_pairs) for other in nouns):
                continue
            if split == 'test' and len(nouns) == 1 and not is_reserved(noun, nouns[0], config.reserved_pairs):
                continue
            nouns.append(noun)
            if len(nouns) == count:
                rng.shuffle(nouns)
                return nouns


def cast(config: WorldConfig, rng: Random, split: str, allowed: tuple[str, ...]) -> list[Role]:
    """Who takes part. Every role of a look-alike group can be told from the others by at least one of the discriminators."""
    low, high = config.fewest_things, config.most_things
    count = min(high, max(low, rng.choices((2, 3, 4, 5, 6), (0.12, 0.3, 0.3, 0.18, 0.1))[0]))
    alike = 0
    if rng.random() < config.lookalike_clips:
        alike = 2 if count < 4 or rng.random() < 0.65 else 3
        if count >= 5 and rng.random() < 0.4:
            alike = rng.randint(3, count - 1)
    distinct = count - max(0, alike - 1)
    if distinct < 2:
        count, distinct = count + 1, 2
    nouns = pick_nouns(config, rng, distinct, split, allowed)
    roles: list[Role] = []
    if alike:
        roles += group(rng, nouns[0], alike)
        nouns = nouns[1:]
    for noun in nouns:
        roles.append(Role(noun, rng.choices([p for p, _ in PROGRAMS], [w for _, w in PROGRAMS])[0]))
    free = [i for i, role in enumerate(roles) if role.group < 0]
    if rng.random() < config.occluder_clips:
        roles[rng.choice(free) if rng.random() < 0.7 or not alike else rng.randrange(alike)].program = 'hide'
    elif len(free) >= 2 and rng.random() < 0.35:
        a, b = rng.sample(free, 2)
        roles[a] = Role(roles[a].noun, 'move', through=b)
        roles[b] = Role(roles[b].noun, 'still')
    gone = [i for i in free if roles[i].program in ('leave', 'cross')]
    for i in gone[max(0, len(roles) - 2):]:
        roles[i].program = 'still'
    relation = next((i for i, role in enumerate(roles[:alike]) if role.near == -2), -1)
    if relation >= 0:
        anchor = rng.choice(free)
        roles[anchor] = Role(roles[anchor].noun, 'still')
        roles[relation].near = anchor
    return roles


def group(rng: Random, noun: str, count: int) -> list[Role]:
    kind = rng.choice(DISCRIMINATORS)  # the others may hold by chance as well
    ways = [rng.choice(('still', 'still', 'move')) for _ in range(count)]
    roles = [Role(noun, way, group=0) for way in ways]
    paint = None if rng.random() < 0.5 else rng.choice(appearance.COLOURS)
    for role in roles:
        role.colour = paint
    if kind == 'colour':
        for role, colour in zip(roles, rng.sample(appearance.COLOURS, count)):
            role.colour = colour
    elif kind == 'motion':
        ways = [('still', None)] + [('move', (d,)) for d in rng.sample(tuple(paths.DIRECTIONS), 4)]
        for role, (program, directions) in zip(roles, rng.sample(ways, min(count, 5)) + ways):
            role.program, role.directions = program, directions
    elif kind == 'order':
        for i, role in enumerate(roles[:3]):
            role.program, role.at = ('enter', (0.05 + 0.25 * i, 0.12 + 0.25 * i)) if i or rng.random() < 0.6 else ('still', None)
    elif kind == 'relation':
        for role in roles:
            role.program = 'still'
        roles[0].near = -2
    rng.shuffle(roles)
    return roles


def dress(config: WorldConfig, rng: Random, noise: np.random.Generator, role: Role, split: str, palette: tuple[str, ...], looks: dict, count: int, frames: int) -> Actor:
    """An actor without a path. Half of the look-alike groups share one drawing."""
    options = [s for s in palette if sprites.drawings(s, role.noun)]
    style = rng.choice(options)
    which = rng.randrange(sprites.drawings(style, role.noun))
    if role.group >= 0:
        style, which = looks.setdefault('shared', (style, which)) if looks['same'] else (style, which)
    picture = sprites.sprite(style, role.noun, which)
    colour = role.colour
    if colour is None and rng.random() > config.natural_colours:
        colour = rng.choice(appearance.COLOURS)
    if colour:
        picture = appearance.paint(picture, colour)
    else:
        colour = appearance.natural_colour(picture)
    if split == 'train':
        picture = appearance.vary(picture, rng, noise, recolour=not colour)
    else:
        light = rng.uniform(0.85, 1.1)
        picture[..., :3] = np.clip(picture[..., :3] * light, 0, 255).astype(np.uint8)
    picture = appearance.turned(picture, rng.choice((0, rng.uniform(-25, 25))), rng.random() < 0.5)
    largest = 0.42 if count <= 3 else 0.36 if count <= 4 else 0.3
    size = rng.uniform(0.2, largest) if role.program != 'hide' else rng.uniform(0.18, 0.24)
    rows, columns = picture.shape[:2]
    scale = size / max(rows, columns)
    growth = np.ones(frames)
    if rng.random() < 0.15 and role.program != 'hide':
        growth = np.linspace(1, rng.choice((0.72, 1.35)), frames)
    return Actor(role.noun, style, picture, colour, columns * scale, rows * scale, growth)


def candidate(rng: Random, stage: paths.Stage, role: Role, actor: Actor, placed: dict[int, Actor]) -> paths.Path:
    w, h = actor.w * actor.growth.max(), actor.h * actor.growth.max()
    if role.near >= 0 and role.near in placed:
        other = placed[role.near]
        assert other.path is not None
        path = paths.still(rng, stage, w, h)
        side = rng.choice(((1, 0), (-1, 0), (0, 1), (0, -1)))
        gap = np.array([(w + other.w) / 2, (h + other.h) / 2]) + rng.uniform(0.01, 0.05)
        point = other.path.points[0] + gap * side + np.array(side[::-1]) * rng.uniform(-0.06, 0.06)
        low, high = np.array([w, h]) / 2 + paths.MARGIN, np.array([stage.width - w / 2, stage.height - h / 2]) - paths.MARGIN
        path.points[:] = np.clip(point, low, np.maximum(low, high))
        return path
    if role.through >= 0 and role.through in placed:
        other = placed[role.through]
        assert other.path is not None
        path = paths.move(rng, stage, w, h, directions=('left', 'right') if stage.width > stage.height else None)
        axis = 0 if path.motion in ('left', 'right') else 1
        path.points[:, 1 - axis] = other.path.points[:, 1 - axis] + rng.uniform(-0.08, 0.08)
        return path
    if role.program == 'move':
        return paths.move(rng, stage, w, h, role.directions)
    if role.program in ('enter', 'leave'):
        make = paths.enter if role.program == 'enter' else paths.leave
        return make(rng, stage, w, h, **({'at': role.at} if role.at else {}))
    return {'still': paths.still, 'cross': paths.cross, 'stop': paths.stop, 'start': paths.start}[role.program](rng, stage, w, h)


def crowding(path: paths.Path, actor: Actor, placed: dict[int, Actor], role: Role, last: int) -> float:
    """How much it overlaps those already placed; the frame the questions are about counts most."""
    total = 0.0
    for number, other in placed.items():
        assert other.path is not None
        apart = np.abs(path.points - other.path.points)  # (n, 2)
        touching = np.clip((actor.w + other.w) / 2 * 0.95 - apart[:, 0], 0, None) * np.clip((actor.h + other.h) / 2 * 0.95 - apart[:, 1], 0, None)
        share = touching / min(actor.w * actor.h, other.w * other.h)
        total += (0.0 if number == role.through else share.mean()) + 3 * share[last]
        if role.group >= 0 and number != role.through:
            total += 0.5 * max(0.0, 0.3 - float(apart[last].max()))
    return total


def film(config: WorldConfig, rng: Random, frames: int) -> Camera:
    """A camera; what it does is small beside what things do, so that a direction means the same in the world and in the picture."""
    time = np.linspace(-0.5, 0.5, frames)
    offset, zoom, name = np.zeros((frames, 2)), np.ones(frames), 'fixed'
    if rng.random() < config.camera_clips:
        name = rng.choice(('pan', 'pan', 'zoom', 'shake'))
        if name == 'pan':
            angle = rng.uniform(0, 2 * np.pi)
            offset = time[:, None] * rng.uniform(0.06, 0.13) * np.array([np.cos(angle), np.sin(angle)])
        elif name == 'zoom':
            zoom = 1 + time * rng.choice((-1, 1)) * rng.uniform(0.08, 0.2)
        else:
            phase = rng.uniform(0, 6)
            offset = rng.uniform(0.008, 0.018) * np.stack([np.sin(2.1 * np.arange(frames) + phase), np.cos(2.9 * np.arange(frames) + phase)], 1)
    return Camera(name, offset, zoom)


def plan(config: WorldConfig, rng: Random, noise: np.random.Generator, split: str, palette: tuple[str, ...], allowed: tuple[str, ...], aspect: float | None = None) -> Scene:
    """aspect: width / height of the picture in place of the drawn one; what else is drawn stays nearly the same."""
    drawn = rng.choice((1.0, rng.uniform(config.narrowest, config.widest), config.widest, config.narrowest))
    aspect = aspect or drawn
    width, height = aspect**0.5, aspect**-0.5
    frames, last = config.frames + config.after, config.frames - 1
    stage = paths.Stage(width, height, frames)
    roles = cast(config, rng, split, allowed)
    if config.after:  # entries and exits that the language model has not seen
        needed = {role.near for role in roles} | {role.through for role in roles}
        for i, role in enumerate(roles):
            if role.program in ('still', 'move', 'stop', 'start') and i not in needed and role.near < 0 and role.through < 0 and rng.random() < 0.35:
                role.program = 'enter'
            if role.program in ('enter', 'leave') and rng.random() < 0.75:
                role.at = (config.frames / frames, (frames - 4) / frames)
    looks = {'same': rng.random() < 0.5}
    actors = [dress(config, rng, noise, role, split, palette, looks, len(roles), frames) for role in roles]
    bar = None
    placed: dict[int, Actor] = {}
    order = sorted(range(len(roles)), key=lambda i: (roles[i].program != 'hide', roles[i].near >= 0 or roles[i].through >= 0))
    for i in order:
        role, actor = roles[i], actors[i]
        if role.program == 'hide':
            actor.path, bar = paths.hide(rng, stage, actor.w, actor.h)
            actor.behind = True
        else:
            options = [candidate(rng, stage, role, actor, placed) for _ in range(5 if placed else 1)]
            actor.path = min(options, key=lambda path: crowding(path, actor, placed, role, last))
        actor.in_front = role.through >= 0
        placed[i] = actor
    return Scene(width, height, actors, bar, film(config, rng, frames))
