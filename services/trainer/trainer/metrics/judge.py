"""One record, one verdict: what an answer is worth by the measure of its row."""
import numpy as np

from .boxes import best_iou, iou, matched
from .masks import boundary_f, mask_iou
from .moments import top_iou
from .record import Expect, Head, Record, TrackEntry
from .rle import Rle, decode
from .text import normalised

HEAD_OF = {'region': 'region', 'mask': 'mask', 'track': 'mask', 'moment': 'moment'}  # which trigger serves a task


def regions_of(head: Head | None) -> list[tuple[list[float], float]]:
    return [(entry['box'], entry['score']) for entry in (head or {}).get('regions', [])]


def first_head(record: Record, task: str) -> Head | None:
    return next((head for head in record['prediction']['heads'] if HEAD_OF[head['task']] == HEAD_OF[task]), None)


def gives_something(head: Head) -> bool:
    mask, track = head.get('mask'), head.get('track')
    seen = mask is not None and bool(decode(mask).any())
    followed = any(not entry.get('absent') for entry in track or [])
    return bool(head.get('regions')) or seen or followed or bool(head.get('spans'))


def triggers_right(record: Record) -> bool:
    """The heads that ran, in order, are those of the phrases that are there, each for its own words."""
    wanted = [(HEAD_OF[p['task']], normalised(p['phrase'])) for p in record.get('phrases', []) if p['present']]
    return [(HEAD_OF[h['task']], normalised(h['phrase'])) for h in record['prediction']['heads']] == wanted


def said_absent(record: Record) -> bool:
    return not any(gives_something(head) for head in record['prediction']['heads'])


def region_iou(record: Record) -> float:
    return best_iou(regions_of(first_head(record, 'region')), record['expect']['regions'][0])


def found_of(record: Record) -> tuple[int, int, int]:
    """Right boxes, boxes, true boxes."""
    boxes, truths = regions_of(first_head(record, 'region')), record['expect']['regions']
    return matched(boxes, truths), len(boxes), len(truths)


def mask_pair(mask: Rle | None, truth: Rle | None) -> tuple[np.ndarray, np.ndarray]:
    """Both as pictures; a missing one is empty."""
    like = truth or mask
    empty = np.zeros(like['size'] if like else (1, 1), bool)
    return (decode(mask) if mask else empty), (decode(truth) if truth else empty)


def key_mask(head: Head | None) -> Rle | None:
    return (head or {}).get('mask')


def track_masks(record: Record) -> list[tuple[np.ndarray, np.ndarray]]:
    """Prediction and truth at every frame that counts: from a box or a point the prompted frame does not."""
    truth = by_frame(record['expect']['track'])
    head = first_head(record, 'track')
    predicted = by_frame((head or {}).get('track', []))
    frames = sorted(truth)[0 if record['row'] == 'track-phrase' else 1:]
    size = next(entry['mask']['size'] for entry in truth.values() if 'mask' in entry)
    empty: Rle | None = None
    pairs = []
    for t in frames:
        mine, theirs = predicted.get(t, {}).get('mask', empty), truth[t].get('mask', empty)
        blank = np.zeros(size, bool)
        pairs.append((decode(mine) if mine else blank, decode(theirs) if theirs else blank))
    return pairs


def by_frame(entries: list[TrackEntry]) -> dict[int, TrackEntry]:
    return {entry['frame']: entry for entry in entries}


def track_score(record: Record) -> tuple[float, float]:
    """Mean J and mean F of the object."""
    pairs = track_masks(record)
    return float(np.mean([mask_iou(a, b) for a, b in pairs])), float(np.mean([boundary_f(a, b) for a, b in pairs]))


def track_boxes(record: Record) -> tuple[list[list[float] | None], list[list[float] | None]]:
    """Predicted and true box at every frame of the truth, None where there is none."""
    truth, head = by_frame(record['expect']['track']), first_head(record, 'track')
    predicted = by_frame((head or {}).get('track', []))
    frames = sorted(truth)
    return [predicted.get(t, {}).get('box') for t in frames], [truth[t].get('box') for t in frames]


def moment_iou(record: Record) -> float:
    head = first_head(record, 'moment')
    return top_iou([(entry['span'], entry['score']) for entry in (head or {}).get('spans', [])], record['expect']['spans'])


def parts_right(record: Record) -> bool:
    """Every part of a several-headed answer is right; a part that is not there has no head, or a head that gives nothing."""
    heads = iter(record['prediction']['heads'])
    left = len(record['prediction']['heads'])
    for part, phrase in zip(record['expect']['parts'], record.get('phrases', []), strict=True):
        if not phrase['present']:
            continue
        head = next(heads, None)
        left -= 1
        if head is None or HEAD_OF[head['task']] != HEAD_OF[phrase['task']] or not part_right(head, part):
            return False
    return left <= 0 or not any(gives_something(head) for head in heads)


def part_right(head: Head, part: Expect) -> bool:
    if 'regions' in part:
        return best_iou(regions_of(head), part['regions'][0]) >= 0.5
    if 'mask' in part:
        return mask_iou(*mask_pair(key_mask(head), part['mask'])) >= 0.5
    return top_iou([(entry['span'], entry['score']) for entry in head.get('spans', [])], part.get('spans', [])) >= 0.5


def standing_found(record: Record) -> tuple[int, int]:
    """True boxes found at IoU ≥ .5, and true boxes, over the frames after the phrase was compiled that leave no doubt."""
    found = {entry['frame']: entry['regions'] for entry in record['prediction'].get('frames', [])}
    hits = total = 0
    for entry in record['expect']['frames'][1:]:
        if not entry.get('doubtful'):
            boxes = [(box['box'], box['score']) for box in found.get(entry['frame'], [])]
            hits += matched(boxes, entry['regions'])
            total += len(entry['regions'])
    return hits, total


def standing_false(record: Record) -> tuple[int, int]:
    """Frames with a box though nothing is there, and frames where nothing is there."""
    found = {entry['frame']: entry['regions'] for entry in record['prediction'].get('frames', [])}
    empty = [entry['frame'] for entry in record['expect']['frames'][1:] if not entry['regions'] and not entry.get('doubtful')]
    return sum(bool(found.get(t)) for t in empty), len(empty)


def any_box(record: Record) -> float:
    """The highest IoU of any reported box with the true one."""
    boxes = regions_of(first_head(record, 'region'))
    return max((iou(box, truth) for box, _ in boxes for truth in record['expect']['regions']), default=0.0)
