"""A public set, as its reader gives it, into an evaluation folder: pictures are copied smaller, videos decoded, answers brought to the frames that are kept."""
import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from trainer.metrics.rle import Rle, decode, encode

from . import readers
from .readers import DataError, Sample, Seen

SETS: dict[str, Callable[[Path, str], Iterator[Sample]]] = {
    'refcoco': lambda root, split: readers.read_refcoco(root, root / 'train2014', split),
    'refcoco-masks': lambda root, split: readers.read_refcoco(root, root / 'train2014', split, masks=True),
    'visual-genome': lambda root, split: readers.read_visual_genome(root),
    'mevis': lambda root, split: readers.read_mevis(root / split),
    'ref-youtube-vos': readers.read_ref_youtube_vos,
    'sa-v': lambda root, split: readers.read_sa_v(root),
    'lasot': lambda root, split: readers.read_lasot(root),
    'got-10k': readers.read_got10k,
    'charades-sta': lambda root, split: readers.read_charades_sta(root / f'charades_sta_{split}.txt', root / 'videos'),
    'qvhighlights': lambda root, split: readers.read_qvhighlights(root / f'highlight_{split}_release.jsonl', root / 'videos'),
    'didemo': lambda root, split: readers.read_didemo(root / f'{split}_data.json', root / 'videos'),
    'activitynet': lambda root, split: readers.read_activitynet(root / f'{split}.json', root / 'videos'),
    'next-gqa': lambda root, split: readers.read_next_gqa(root, root / 'videos', split),
    'mvbench': lambda root, split: readers.read_mvbench(root / 'json' / f'{split}.json', root / 'video'),
    'conversations': lambda root, split: readers.read_conversations(root / f'{split}.json', root),
}
WORDS = {'region': 'where is {}?', 'mask': 'segment {}', 'track': 'follow {}', 'moment': 'when does this happen: {}', 'text': '{}'}
ROWS = {'region': 'region-name', 'mask': 'mask', 'track': 'track-phrase', 'moment': 'moment', 'text': 'answer'}


def convert(samples: Iterable[Sample], out: Path, name: str, licence: str, limit: int | None = None, most_frames: int = 32, longest: int = 480) -> int:
    """Writes the folder and gives the number of clips. Frames are evenly spread, their longer side is at most `longest` pixels."""
    out.mkdir(parents=True, exist_ok=True)
    count, size = 0, [0, 0]
    with open(out / 'clips.jsonl', 'w') as lines:
        for sample in islice(samples, limit):
            pictures, times, kept = frames_of(sample, most_frames)
            if not pictures:
                continue
            clip = f'c{count:06d}'
            (out / clip).mkdir(exist_ok=True)
            scaled = [smaller(picture, longest) for picture in pictures]
            for t, picture in enumerate(scaled):
                cv2.imwrite(str(out / clip / f'{t:03d}.jpg'), picture, [cv2.IMWRITE_JPEG_QUALITY, 90])
            height, width = scaled[0].shape[:2]
            line = {'clip': clip, 'source': sample.name, 'frames': [f'{clip}/{t:03d}.jpg' for t in range(len(scaled))], 'times': times,
                    'asks': [ask_of(sample, kept, height, width)]}
            lines.write(json.dumps(line) + '\n')
            count, size = count + 1, [width, height]
    (out / 'dataset.json').write_text(json.dumps({'name': name, 'licence': licence, 'fps': 1.0, 'size': size}, indent=2) + '\n')
    return count


def frames_of(sample: Sample, most: int) -> tuple[list[np.ndarray], list[float], list[int]]:
    """Pictures (BGR), their times in ms and their numbers among the annotated frames."""
    media = sample.media
    if media.pictures:
        kept = np.unique(np.linspace(0, len(media.pictures) - 1, min(most, len(media.pictures))).round().astype(int)).tolist()
        return [read(media.pictures[i]) for i in kept], [1000.0 * i / (media.fps or 1.0) for i in kept], kept
    if media.video is None:
        return [], [], []
    if not media.video.is_file():
        raise DataError(media.video, 0, f'is missing; {sample.source} {sample.name} is about it.')
    return from_video(sample, most)


def from_video(sample: Sample, most: int) -> tuple[list[np.ndarray], list[float], list[int]]:
    media = sample.media
    capture = cv2.VideoCapture(str(media.video))
    rate, length = capture.get(cv2.CAP_PROP_FPS) or 25.0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    start, end = media.part or (0.0, 1000.0 * length / rate)
    step = max(1.0, rate / media.fps) if media.fps else 1.0  # frames of the video a frame that is annotated
    first, last = int(start * rate / 1000), min(length, int(end * rate / 1000))
    annotated = max(1, int((last - first) / step))
    kept = np.unique(np.linspace(0, annotated - 1, min(most, annotated)).round().astype(int)).tolist()
    pictures, times, numbers = [], [], []
    for i in kept:
        capture.set(cv2.CAP_PROP_POS_FRAMES, first + round(i * step))
        good, picture = capture.read()
        if good:
            pictures.append(picture)
            times.append(1000.0 * i * step / rate)
            numbers.append(i)
    capture.release()
    if not pictures:
        raise DataError(media.video or Path('?'), 0, 'cannot be decoded; expected a video that OpenCV reads.')
    return pictures, times, numbers


def read(path: Path) -> np.ndarray:
    picture = cv2.imread(str(path))
    if picture is None:
        raise DataError(path, 0, 'is missing or is no picture.')
    return picture


def smaller(picture: np.ndarray, longest: int) -> np.ndarray:
    height, width = picture.shape[:2]
    scale = min(1.0, longest / max(height, width))
    return picture if scale == 1 else cv2.resize(picture, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)


def resized(mask: Rle, height: int, width: int) -> Rle:
    return encode(cv2.resize(decode(mask).astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST).astype(bool))


def box_of(mask: Rle) -> list[float]:
    pixels = decode(mask)
    rows, columns = np.flatnonzero(pixels.any(1)), np.flatnonzero(pixels.any(0))
    height, width = pixels.shape
    return [float(columns[0]) / width, float(rows[0]) / height, float(columns[-1] + 1) / width, float(rows[-1] + 1) / height]


def ask_of(sample: Sample, kept: list[int], height: int, width: int) -> dict:
    ask: dict = {'text': WORDS[sample.task].format(sample.text), 'kind': sample.task, 'row': ROWS[sample.task]}
    if sample.task == 'region':
        ask['expect'] = {'regions': [list(box) for box in sample.boxes]}
    elif sample.task == 'mask':
        ask['expect'] = {'mask': resized(sample.mask, height, width) if sample.mask else None}
    elif sample.task == 'moment':
        ask['expect'] = {'spans': [list(span) for span in sample.spans]}
    elif sample.task == 'text':
        if sample.choices:
            ask['text'] += ' ' + ' '.join(f'({letter}) {choice}' for letter, choice in zip('ABCDEFGH', sample.choices))
        ask['expect'] = {'answer': list(sample.answers)}
    else:
        track = [entry(seen, t, height, width) for t, number in enumerate(kept) if (seen := by_number(sample.track, number)) is not None]
        ask['expect'] = {'track': track}
        first = next((e for e in track if 'box' in e), None)
        if not sample.text and first:  # no words: followed from where it is first seen
            del ask['text']
            ask |= {'prompt': {'frame': first['frame'], 'box': first['box']}, 'row': 'track-box'}
    if sample.task in ('region', 'mask', 'track', 'moment') and 'text' in ask:
        ask['phrases'] = [{'task': sample.task, 'phrase': sample.text, 'noun': '', 'by': 'name', 'lookalike': False, 'present': True}]
    return ask


def by_number(track: tuple[Seen, ...], number: int) -> Seen | None:
    return next((seen for seen in track if seen.frame == number), None)


def entry(seen: Seen, t: int, height: int, width: int) -> dict:
    if seen.mask is None and seen.box is None:
        return {'frame': t, 'absent': True}
    if seen.mask is not None:
        return {'frame': t, 'box': box_of(seen.mask), 'mask': resized(seen.mask, height, width)}
    assert seen.box is not None
    return {'frame': t, 'box': list(seen.box)}
