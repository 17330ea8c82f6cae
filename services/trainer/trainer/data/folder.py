"""The evaluation folder: clips as JPEG frames, questions with what is expected. Written from SpriteWorld, read from anywhere.

The format is in docs/design/evaluation.md; `npx fovea model eval` reads the same folders through the served model.
"""
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from random import Random

import cv2
import numpy as np

from trainer.metrics.rle import encode

from .ask import Ask, Target
from .clip import Clip, SpriteWorld, Thing
from .config import WorldConfig
from .nouns import BY_NAME
from .questions import NUMBERS
from .splits import ArtStyle, Split

JPEG_QUALITY = 92
WIDE = 16 / 9


@dataclass
class FolderClip:
    """One line of `clips.jsonl`, its frames not yet read."""
    folder: Path
    name: str
    frames: list[str]
    times: list[float]
    asks: list[dict]
    extra: dict = field(default_factory=dict)

    def pictures(self) -> np.ndarray:
        """(T, H, W, 3) uint8 RGB."""
        return np.stack([cv2.cvtColor(read_picture(self.folder / path), cv2.COLOR_BGR2RGB) for path in self.frames])


def read_picture(path: Path) -> np.ndarray:
    picture = cv2.imread(str(path))
    if picture is None:
        raise FileNotFoundError(f'{path} is missing or is no picture.')
    return picture


def read_folder(folder: Path) -> Iterator[FolderClip]:
    """The clips of a folder in order. Run `fovea-train data check` on a folder that is not your own first."""
    fps = json.loads((folder / 'dataset.json').read_text())['fps']
    for line in (folder / 'clips.jsonl').read_text().splitlines():
        if line.strip():
            value = json.loads(line)
            times = value.get('times') or [1000 * i / fps for i in range(len(value['frames']))]
            yield FolderClip(folder, value['clip'], value['frames'], times, value['asks'], {k: v for k, v in value.items() if k not in ('clip', 'frames', 'times', 'asks')})


def write_folder(folder: Path, world: SpriteWorld, split: Split, style: ArtStyle, count: int) -> None:
    """SpriteWorld's clips as an evaluation folder. With `world.config.after` the questions are standing ones, asked before the last frames."""
    clips = ((f'c{index:04d}', world.clip(split, index, style)) for index in range(count))
    write_clips(folder, world.config, split, style, ((name, clip, clip_line(name, clip, world.config.after)) for name, clip in clips))


def write_shapes(folder: Path, world: SpriteWorld, split: Split, style: ArtStyle, count: int) -> None:
    """Scenes drawn twice, square and 16:9, each with the same questions about the same things: whether a picture's shape matters."""
    write_clips(folder, world.config, split, style, (line for index in range(count) for line in both_shapes(world, split, style, index)))


def both_shapes(world: SpriteWorld, split: Split, style: ArtStyle, index: int) -> list[tuple[str, Clip, dict]]:
    clips = [world.clip(split, index, style, aspect) for aspect in (1.0, WIDE)]
    square, wide = ({(ask.targets[0].phrase, *ask.targets[0].things): ask for ask in of_one(clip)} for clip in clips)
    lines = []
    for name, clip in zip((f's{index:04d}', f'w{index:04d}'), clips):
        asks = [shape_line(clip, square[key]) for key in square if key in wide]
        lines.append((name, clip, clip_line(name, clip, 0) | {'scene': f'{index:04d}', 'asks': asks}))
    return lines


def shape_line(clip: Clip, ask: Ask) -> dict:
    return {'text': ask.text, 'at': {'frame': ask.frame}, 'kind': 'region', 'row': 'region-shape', 'expect': expectation(clip, ask)}


def of_one(clip: Clip) -> list[Ask]:
    """Every question of any round about one thing by name or told from its look-alikes."""
    return [ask for ask in (*clip.asks, *chain(*clip.more)) if ask.kind == 'region' and row_of(clip, ask) in ('region-name', 'region-lookalike')]


def write_clips(folder: Path, config: WorldConfig, split: Split, style: ArtStyle, clips: Iterable[tuple[str, Clip, dict]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'dataset.json').write_text(json.dumps({
        'name': f'{config.name} {split} {style}', 'licence': 'Apache-2.0; drawings: see services/trainer/assets/NOTICE.md', 'fps': 1000 / config.step_ms,
        'size': [config.size, config.size], 'world': {'config': config.name, 'hash': config.hash, 'split': split, 'style': style}}, indent=2) + '\n')
    with open(folder / 'clips.jsonl', 'w') as lines:
        for name, clip, line in clips:
            lines.write(json.dumps(line) + '\n')
            (folder / name).mkdir(exist_ok=True)
            for t, frame in enumerate(clip.frames):
                cv2.imwrite(str(folder / name / f'{t:03d}.jpg'), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])


def clip_line(name: str, clip: Clip, after: int) -> dict:
    asks = standing(clip) if after else [ask_line(clip, ask) for ask in clip.asks if ask.kind != 'caption'] + prompted(clip)
    return {'clip': name, 'frames': [f'{name}/{t:03d}.jpg' for t in range(len(clip.frames))], 'times': [float(t) for t in clip.times],
            'aspect': round(clip.aspect, 4), 'camera': clip.camera, 'asks': asks}


def box_of(thing: Thing, t: int) -> list[float]:
    return [round(float(v), 5) for v in thing.boxes[t]]


def ask_line(clip: Clip, ask: Ask) -> dict:
    line: dict = {'text': ask.text, 'at': {'frame': ask.frame}, 'kind': ask.kind, 'row': row_of(clip, ask)}
    if ask.targets:
        line['phrases'] = [{'task': t.task, 'phrase': t.phrase, 'noun': t.noun, 'by': t.by, 'lookalike': t.lookalike, 'present': t.present} for t in ask.targets]
    line['expect'] = expectation(clip, ask)
    if ask.kind == 'track':
        del line['at']  # a track is asked of the whole clip and begins at its first frame
        line['expect'] |= lookalikes(clip, ask.targets[0].things, ask.targets[0].noun)
    return line


def row_of(clip: Clip, ask: Ask) -> str:
    """The line of the metrics table that an ask counts for."""
    if ask.kind in ('exist', 'count', 'motion', 'list'):
        return ask.kind
    if ask.kind == 'multi':
        return 'two-heads'
    target = ask.targets[0]
    if not target.present:
        return 'absent'
    if ask.kind == 'region':
        if len(target.things) > 1:
            return 'region-several'
        return 'region-lookalike' if target.lookalike else 'region-name' if target.by == 'name' else 'region-attribute'
    return {'mask': 'mask', 'track': 'track-phrase', 'moment': 'moment'}[ask.kind]


def expectation(clip: Clip, ask: Ask) -> dict:
    if ask.kind == 'multi':
        return {'parts': [part(clip, target, ask.frame) for target in ask.targets]}
    if ask.targets:
        return part(clip, ask.targets[0], ask.frame)
    if ask.kind == 'count':
        return {'answer': [ask.answer, str(NUMBERS.index(ask.answer))]}
    return {'answer': [ask.answer]}


def part(clip: Clip, target: Target, frame: int) -> dict:
    """What one head must find. An empty list, or null for a mask, says that there is no such thing."""
    things = [clip.things[i] for i in target.things]
    if target.task == 'region':
        return {'regions': [box_of(thing, frame) for thing in things]}
    if target.task == 'mask':
        return {'mask': encode(np.any([thing.masks[frame] for thing in things], axis=0)) if things else None}
    if target.task == 'track':
        return {'track': track_of(things[0], 0) if things else []}
    step = float(clip.times[1] - clip.times[0])
    return {'spans': [[a * step, b * step] for a, b in target.spans]}


def track_of(thing: Thing, first: int) -> list[dict]:
    return [{'frame': t, 'box': box_of(thing, t), 'mask': encode(thing.masks[t])} if thing.visible[t] else {'frame': t, 'absent': True}
            for t in range(first, len(thing.visible))]


def lookalikes(clip: Clip, things: list[int], noun: str) -> dict:
    """The boxes of the others of the noun, so that identity switches can be counted."""
    others = [thing for thing in clip.things if thing.noun == noun and thing.id not in things]
    if not things or not others:
        return {}
    return {'lookalikes': [[box_of(other, t) if other.visible[t] else None for t in range(len(other.visible))] for other in others]}


def prompted(clip: Clip) -> list[dict]:
    """The same thing followed from a box and from one point at the first frame."""
    clear = [thing for thing in clip.things if thing.clear[0]]
    if not clear:
        return []
    thing = max(clear, key=lambda t: (int((~t.visible).sum()) >= 3, int(t.masks[0].sum())))
    inner = cv2.distanceTransform(np.pad(thing.masks[0].astype(np.uint8), 1), cv2.DIST_L2, 3)[1:-1, 1:-1]
    y, x = np.unravel_index(int(inner.argmax()), inner.shape)
    size = inner.shape[0]
    expect = {'track': track_of(thing, 0)} | lookalikes(clip, [thing.id], thing.noun)
    point = [round((float(x) + 0.5) / size, 5), round((float(y) + 0.5) / size, 5), 1]
    return [{'prompt': {'frame': 0, 'box': box_of(thing, 0)}, 'kind': 'track', 'row': 'track-box', 'expect': expect},
            {'prompt': {'frame': 0, 'points': [point]}, 'kind': 'track', 'row': 'track-point', 'expect': expect}]


def standing(clip: Clip) -> list[dict]:
    """Phrases compiled once, at the last frame of the question, and looked for in every frame after it: nouns there, and nouns not yet there."""
    frame, end = clip.asks[0].frame, len(clip.frames)
    present = sorted({thing.noun for thing in clip.things})
    strangers = Random(clip.seed).sample(sorted(set(BY_NAME) - set(present)), 2)
    lines = []
    for noun in present + strangers:
        mine = [thing for thing in clip.things if thing.noun == noun]
        seen = any(thing.visible[:frame + 1].any() for thing in mine)
        row = 'standing-seen' if seen else 'standing-later' if any(thing.visible.any() for thing in mine) else 'standing-never'
        lines.append({
            'watch': {'phrase': f'the {BY_NAME[noun].plural if len(mine) > 1 else noun}', 'noun': noun}, 'at': {'frame': frame}, 'kind': 'standing', 'row': row,
            'expect': {'frames': [{'frame': t, 'regions': [box_of(thing, t) for thing in mine if thing.clear[t]],
                                   'doubtful': [box_of(thing, t) for thing in mine if thing.visible[t] and not thing.clear[t]]} for t in range(frame, end)]}})
    return lines
