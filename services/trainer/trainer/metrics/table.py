"""The metrics table: a pure function of records. The same sums in TypeScript give the same figures (docs/design/evaluation.md)."""
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from . import judge
from .boxes import best_constant_box
from .interval import bootstrap
from .masks import best_constant_mask, giou
from .moments import best_constant_span, mean_ap
from .record import Record
from .text import best_constant_text, exact, names
from .tracking import average_overlap, id_switches, success, success_rate

Chooser = Callable[[Record], bool]
WIDE, SQUARE = 1.7, 0.05


@dataclass(frozen=True)
class Metric:
    name: str
    value: float
    low: float              # of the 95 % interval
    high: float
    count: int              # asks it is over
    constant: float | None  # what the best constant answer gets


@dataclass(frozen=True)
class Row:
    """A figure of the table: over which records, what each is worth, how the worths become one number, and what a constant answer would get."""
    name: str
    over: Chooser
    worth: Callable[[Record], tuple[float, ...]]
    total: Callable[[list[tuple[float, ...]]], float]
    constant: Callable[[list[Record]], float | None]


def mean(values: list[tuple[float, ...]]) -> float:
    """Of the first number of each."""
    return float(np.mean([v[0] for v in values])) if values else 0.0


def ratio(values: list[tuple[float, ...]]) -> float:
    """Sum of the first numbers over sum of the second."""
    below = sum(v[1] for v in values)
    return sum(v[0] for v in values) / below if below else 0.0


def gap(values: list[tuple[float, ...]]) -> float:
    """Mean of those marked 1 less the mean of those marked 0."""
    marked, plain = ([v[0] for v in values if v[1] == m] for m in (1, 0))
    return float(np.mean(marked) - np.mean(plain)) if marked and plain else 0.0


def of(*rows: str) -> Chooser:
    return lambda record: record['row'] in rows


def nothing(records: list[Record]) -> None:
    return None


def constant_box(threshold: float) -> Callable[[list[Record]], float]:
    return lambda records: best_constant_box([r['expect']['regions'][0] for r in records], threshold)[0]


def constant_span(threshold: float | None = None) -> Callable[[list[Record]], float]:
    """The best constant's mean IoU, or the share of asks in which that span reaches the threshold."""
    def figure(records: list[Record]) -> float:
        truths = [r['expect']['spans'] for r in records]
        value, span = best_constant_span(truths)
        if threshold is None:
            return value
        return float(np.mean([judge.top_iou([(span, 1.0)], t) >= threshold for t in truths]))
    return figure


def constant_text(records: list[Record]) -> float:
    return best_constant_text([r['expect']['answer'] for r in records])[0]


def constant_mask(records: list[Record]) -> float:
    return best_constant_mask([key_pair(r)[1] for r in records])


def constant_silence(records: list[Record]) -> float:
    """Never pointing at anything."""
    return float(np.mean([not any(p['present'] for p in r['phrases']) for r in records]))


def reaches(threshold: float) -> Callable[[Record], tuple[float, ...]]:
    return lambda record: (float(judge.region_iou(record) >= threshold),)


def told_by(way: str) -> Chooser:
    return lambda record: record['row'] == 'region-lookalike' and record['phrases'][0]['by'] == way


def shaped(record: Record) -> bool:
    aspect = record.get('aspect')
    return record['row'] in ('region-name', 'region-lookalike') and aspect is not None and (aspect >= WIDE or abs(aspect - 1) <= SQUARE)


def wide_or_square(record: Record) -> tuple[float, ...]:
    return float(judge.region_iou(record) >= 0.5), float(record['aspect'] >= WIDE)


def tracks_with_lookalikes(record: Record) -> bool:
    return record['row'].startswith('track-') and bool(record['expect'].get('lookalikes'))


def switches(record: Record) -> tuple[float, ...]:
    predicted, truth = judge.track_boxes(record)
    return (float(id_switches(predicted, [truth, *record['expect']['lookalikes']])),)


def answered(record: Record) -> tuple[float, ...]:
    return (float(exact(record['prediction']['text'], record['expect']['answer'])),)


def named(record: Record) -> tuple[int, int, int]:
    """Names that are right, that were said, that were to be said."""
    said, true = names(record['prediction']['text']), names(record['expect']['answer'][0])
    return len(said & true), len(said), len(true)


def photo(threshold: float) -> Callable[[Record], tuple[float, ...]]:
    return lambda record: (float(judge.any_box(record) >= threshold),)


def rows() -> list[Row]:
    table = [
        Row('trigger', lambda r: 'phrases' in r, lambda r: (float(judge.triggers_right(r)),), mean, constant_silence),
        Row('absence', of('absent'), lambda r: (float(judge.said_absent(r)),), mean, nothing),
        Row('region-name.acc50', of('region-name'), reaches(0.5), mean, constant_box(0.5)),
        Row('region-name.acc75', of('region-name'), reaches(0.75), mean, constant_box(0.75)),
        Row('region-attribute.acc50', of('region-attribute'), reaches(0.5), mean, constant_box(0.5)),
        Row('region-lookalike.acc50', of('region-lookalike'), reaches(0.5), mean, constant_box(0.5)),
    ]
    table += [Row(f'region-lookalike.{way}', told_by(way), reaches(0.5), mean, nothing) for way in ('colour', 'place', 'relation', 'motion', 'order')]
    table += [
        Row('region-several.precision', of('region-several'), lambda r: (judge.found_of(r)[0], judge.found_of(r)[1]), ratio, nothing),
        Row('region-several.recall', of('region-several'), lambda r: (judge.found_of(r)[0], judge.found_of(r)[2]), ratio, nothing),
        Row('region-wide-square', shaped, wide_or_square, gap, nothing),
        Row('region-shapes', of('region-shape'), wide_or_square, gap, nothing),
        Row('mask.giou', of('mask'), lambda r: (giou([key_pair(r)]),), mean, constant_mask),
        Row('mask.ciou', of('mask'), lambda r: areas(r), ratio, nothing),
    ]
    for way in ('phrase', 'box', 'point'):
        table += [
            Row(f'track-{way}.jf', of(f'track-{way}'), lambda r: (sum(judge.track_score(r)) / 2,), mean, nothing),
            Row(f'track-{way}.success', of(f'track-{way}'), lambda r: (success(*judge.track_boxes(r)),), mean, nothing),
            Row(f'track-{way}.ao', of(f'track-{way}'), lambda r: (average_overlap([judge.track_boxes(r)]),), mean, nothing),
            Row(f'track-{way}.sr50', of(f'track-{way}'), lambda r: (success_rate([judge.track_boxes(r)], 0.5),), mean, nothing),
        ]
    table += [
        Row('id-switches', tracks_with_lookalikes, switches, mean, nothing),
        Row('two-heads', of('two-heads'), lambda r: (float(judge.parts_right(r)),), mean, nothing),
        Row('moment.miou', of('moment'), lambda r: (judge.moment_iou(r),), mean, constant_span()),
        Row('moment.r1@.5', of('moment'), lambda r: (float(judge.moment_iou(r) >= 0.5),), mean, constant_span(0.5)),
        Row('moment.r1@.7', of('moment'), lambda r: (float(judge.moment_iou(r) >= 0.7),), mean, constant_span(0.7)),
        Row('moment.map', of('moment'), lambda r: (mean_ap([moments_of(r)]),), mean, nothing),
    ]
    table += [Row(name, of(name), answered, mean, constant_text) for name in ('exist', 'count', 'motion', 'list', 'answer')]
    table += [
        Row('standing.acc50', of('standing-seen'), judge.standing_found, ratio, nothing),
        Row('standing-later.recall', of('standing-later'), judge.standing_found, ratio, nothing),
        Row('standing-later.false', of('standing-later', 'standing-never'), judge.standing_false, ratio, nothing),
        Row('photo-coco.acc50', of('photo-coco'), photo(0.5), mean, nothing),
        Row('photo-imagenet.acc30', of('photo-imagenet'), photo(0.3), mean, nothing),
        Row('photo-absent.false', of('photo-absent'), lambda r: (float(not judge.said_absent(r)),), mean, nothing),
        Row('photo-boxes.precision', of('photo-coco', 'photo-imagenet'), lambda r: (judge.found_of(r)[0], judge.found_of(r)[1]), ratio, nothing),
        Row('photo-list.precision', of('photo-list'), lambda r: (named(r)[0], named(r)[1]), ratio, nothing),
        Row('photo-list.recall', of('photo-list'), lambda r: (named(r)[0], named(r)[2]), ratio, nothing),
    ]
    return table


def key_pair(record: Record) -> tuple[np.ndarray, np.ndarray]:
    return judge.mask_pair(judge.key_mask(judge.first_head(record, 'mask')), record['expect']['mask'])


def areas(record: Record) -> tuple[float, ...]:
    a, b = key_pair(record)
    return float(np.count_nonzero(a & b)), float(np.count_nonzero(a | b))


def moments_of(record: Record) -> tuple[list[tuple[list[float], float]], list[list[float]]]:
    head = judge.first_head(record, 'moment')
    return [(entry['span'], entry['score']) for entry in (head or {}).get('spans', [])], record['expect']['spans']


def metrics(records: Sequence[Record], samples: int = 1000) -> list[Metric]:
    """Every figure that the records have something to say about.

    >>> metrics([{'clip': 'a', 'row': 'exist', 'expect': {'answer': ['yes']}, 'prediction': {'text': 'Yes.', 'heads': []}}])[0]
    Metric(name='exist', value=1.0, low=1.0, high=1.0, count=1, constant=1.0)
    """
    found = []
    for row in rows():
        mine = [record for record in records if row.over(record)]
        if not mine:
            continue
        by_clip: dict[str, list[tuple[float, ...]]] = {}
        for record in mine:
            by_clip.setdefault(record.get('scene', record['clip']), []).append(row.worth(record))
        value = row.total([worth for worths in by_clip.values() for worth in worths])
        low, high = bootstrap(list(by_clip.values()), row.total, samples)
        found.append(Metric(row.name, value, low, high, len(mine), row.constant(mine)))
    return found


def as_json(table: Sequence[Metric]) -> list[dict[str, float | int | str | None]]:
    return [asdict(metric) for metric in table]


def as_markdown(table: Sequence[Metric]) -> str:
    lines = ['| metric | value | 95 % | asks | best constant |', '|---|---|---|---|---|']
    for m in table:
        constant = '' if m.constant is None else f'{m.constant:.3f}'
        lines.append(f'| {m.name} | {m.value:.3f} | {m.low:.3f} – {m.high:.3f} | {m.count} | {constant} |')
    return '\n'.join(lines) + '\n'
