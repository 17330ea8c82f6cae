"""The exam on real photographs, as an evaluation folder: `assets/photos/pictures.json` (boxes drawn by hand, licences) → `assets/photos/exam`.

    python -m trainer.data.photo_exam              # writes dataset.json, clips.jsonl and NOTICE.md anew; they are committed

Every noun that a picture shows is asked for by name, and five that it does not show: four of COCO's, one that ImageNet alone knows. Then what there
is to be seen; a picture shows more than was boxed, so a right name may count as wrong.
"""
from dataclasses import dataclass
import json
from pathlib import Path
import random

from trainer.data.coco_nouns import COCO_NOUNS
from trainer.data.imagenet_nouns import IMAGENET_NOUNS
from trainer.data.nouns import Noun

FOLDER = Path(__file__).parents[2] / 'assets' / 'photos'
SEED = 20
Boxes = list[list[float]]  # xyxy 0–1

# Asked as absent: nouns whose absence from a picture of this set cannot be argued about.
ABSENT_COCO = ('elephant', 'zebra', 'airplane', 'train', 'bus', 'pizza', 'toilet', 'surfboard', 'snowboard', 'bear', 'sheep', 'cow', 'giraffe', 'horse',
               'stop sign', 'fire hydrant', 'traffic light', 'banana', 'broccoli', 'umbrella', 'kite', 'skis', 'teddy bear', 'tennis racket', 'motorcycle',
               'boat', 'cat', 'dog', 'car', 'bicycle', 'scissors', 'clock', 'oven', 'microwave', 'bird', 'bed', 'skateboard', 'donut')
ABSENT_IMAGENET = ('penguin', 'piano', 'guitar', 'owl', 'crab', 'snail', 'butterfly', 'lion', 'tiger', 'pig', 'camel', 'panda', 'koala', 'kangaroo', 'balloon',
                   'binoculars', 'cannon', 'drum', 'fire truck', 'fountain', 'frying pan', 'hammer', 'hourglass', 'lawn mower', 'parachute', 'rifle',
                   'saxophone', 'screwdriver', 'submarine', 'tank', 'tent', 'tractor', 'violin', 'washing machine', 'strawberry', 'pineapple', 'lobster',
                   'jellyfish', 'scorpion', 'flamingo', 'volcano', 'pretzel', 'cabbage', 'corn')
# Not asked as absent beside the noun on the left: the picture could be read that way.
CLOSE = {'person': ('bed',), 'couch': ('bed',), 'deer': ('horse', 'cow', 'sheep'), 'koala': ('bear', 'teddy bear'), 'panda': ('bear',),
         'astronaut': (), 'handbag': ('backpack',), 'eagle': ('bird',), 'parrot': ('bird',)}


@dataclass(frozen=True)
class Picture:
    file: str
    size: tuple[int, int]
    source: str
    author: str
    licence: str
    regions: dict[str, Boxes]  # noun → every instance
    background: bool           # a training picture without things that questions are about: sprites may stand on it


def pictures(split: str) -> list[Picture]:
    """split: 'exam' (boxes drawn by hand, never trained on) or 'training' (backgrounds, and boxes that the detector proposed and an eye checked)."""
    rows = json.loads((FOLDER / 'pictures.json').read_text())[split]
    return [Picture(**{**row, 'size': tuple(row['size']), 'regions': row.get('regions', {}), 'background': row.get('background', False)}) for row in rows]


def asks_of(picture: Picture) -> list[dict]:
    known = {noun.name: noun for noun in (*COCO_NOUNS, *(row.noun for row in IMAGENET_NOUNS))}
    coco = {noun.name for noun in COCO_NOUNS}
    asks = [ask(known[noun], boxes, 'photo-coco' if noun in coco else 'photo-imagenet') for noun, boxes in picture.regions.items()]
    rng = random.Random(f'{SEED} {picture.file}')
    argued = {close for noun in picture.regions for close in (noun, *CLOSE.get(noun, ()))}
    absent = rng.sample([noun for noun in ABSENT_COCO if noun not in argued], 4) + rng.sample([noun for noun in ABSENT_IMAGENET if noun not in argued], 1)
    listing = {'text': 'what do you see?', 'at': {'frame': 0}, 'expect': {'answer': [', '.join(sorted(picture.regions))]}, 'row': 'photo-list'}
    return [*asks, *(ask(known[noun], [], 'photo-absent') for noun in absent), listing]


def ask(noun: Noun, boxes: Boxes, row: str) -> dict:
    text = f'where are the {noun.plural}?' if len(boxes) > 1 or noun.plural == noun.name else f'where is the {noun.name}?'
    return {'text': text, 'at': {'frame': 0}, 'expect': {'regions': boxes}, 'row': row, 'noun': noun.name}


def write_exam() -> None:
    exam = pictures('exam')
    side = max(max(picture.size) for picture in exam)
    dataset = {'name': 'fovea-photographs', 'licence': 'per picture, see ../pictures.json', 'fps': 1, 'size': [side, side]}
    (FOLDER / 'exam' / 'dataset.json').write_text(json.dumps(dataset, indent=2) + '\n')
    lines = [{'clip': Path(picture.file).stem, 'frames': [Path(picture.file).name], 'asks': asks_of(picture)} for picture in exam]
    (FOLDER / 'exam' / 'clips.jsonl').write_text(''.join(json.dumps(line) + '\n' for line in lines))
    (FOLDER / 'NOTICE.md').write_text(notice())


def notice() -> str:
    rows = [f'| {picture.file} | {picture.author} | {picture.licence} | {picture.source} |' for split in ('exam', 'training') for picture in pictures(split)]
    head = '# Photographs: who made them and under which licence\n\nEach picture keeps its own licence; all were reduced in size. MIT pictures come with web themes published as a whole under MIT.'
    return f'{head}\n\n| file | author | licence | taken from |\n|---|---|---|---|\n' + '\n'.join(rows) + '\n'


if __name__ == '__main__':
    write_exam()
