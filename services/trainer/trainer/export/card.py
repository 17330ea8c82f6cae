"""MODEL_CARD.md of a bundle: what it is made of, how it was trained, every metric that the evaluation printed, its limits."""
from dataclasses import dataclass
import json
from pathlib import Path

TITLES = {
    'trigger': 'right trigger, name and presence', 'absence': 'absence said when absent', 'region-name.acc50': 'region Acc@.5, asked by name', 'region-name.acc75': 'region Acc@.75, asked by name',
    'region-attribute.acc50': 'region Acc@.5, asked by name and attribute', 'region-lookalike.acc50': 'region Acc@.5, look-alikes told apart', 'region-several.precision': 'several objects, precision', 'region-several.recall': 'several objects, recall',
    'region-wide-square': 'region Acc@.5, 16:9 clips less square ones', 'region-shapes': 'region Acc@.5, the same scenes 16:9 less square', 'mask.giou': 'mask mIoU, key frame', 'track-phrase.jf': 'track J&F from a phrase', 'track-box.jf': 'track J&F from a box',
    'track-point.jf': 'track J&F from a point', 'id-switches': 'id switches on look-alikes, per track', 'two-heads': 'two heads in one answer, both right', 'moment.miou': 'moment mIoU', 'moment.r1@.7': 'moment R1@.7',
    'exist': 'QA exist', 'count': 'QA count', 'motion': 'QA motion', 'list': 'QA list', 'standing.acc50': 'standing embedding, region', 'standing-later.recall': 'standing, compiled while absent: recall after entry',
    'standing-later.false': 'standing, compiled while absent: false boxes', 'photo-coco.acc50': 'photographs, COCO nouns, IoU ≥ .5', 'photo-imagenet.acc30': 'photographs, other ImageNet nouns, IoU ≥ .3', 'photo-absent.false': 'photographs, false boxes for absent nouns',
    'photo-boxes.precision': 'photographs, of the boxes told, right ones',
    'photo-list.precision': 'photographs, what do you see: of the nouns named, boxed ones', 'photo-list.recall': 'photographs, what do you see: of the nouns boxed, named ones',
}
TARGETS = {
    'trigger': ('≥ .96', '≥ .88'), 'absence': ('≥ .95', '≥ .93'), 'region-name.acc50': ('≥ .96', '≥ .90'), 'region-lookalike.acc50': ('≥ .78', '≥ .70'), 'region-several.precision': ('≥ .92', '≥ .86'),
    'region-several.recall': ('≥ .92', '≥ .86'), 'region-shapes': ('± .03', '± .03'), 'mask.giou': ('≥ .82', '≥ .74'), 'track-phrase.jf': ('≥ .75', '≥ .66'), 'track-box.jf': ('≥ .80', '≥ .74'), 'track-point.jf': ('≥ .72', '≥ .64'),
    'id-switches': ('≤ .1', '≤ .15'), 'two-heads': ('≥ .85', '≥ .75'), 'moment.miou': ('≥ .85', '≥ .80'), 'moment.r1@.7': ('≥ .80', '≥ .74'), 'exist': ('≥ .97', '≥ .92'), 'count': ('≥ .90', '≥ .80'), 'motion': ('≥ .85', '≥ .75'),
    'list': ('≥ .60', '≥ .45'), 'standing-later.recall': ('≥ .90', '≥ .82'), 'standing-later.false': ('≤ .05', '≤ .08'), 'photo-coco.acc50': ('≥ .65', ''), 'photo-imagenet.acc30': ('≥ .5', ''), 'photo-absent.false': ('≤ .15', ''),
}


@dataclass
class Results:
    """The metrics.json files that `fovea-train eval --out` wrote, one list for each art style."""
    seen: list[Path]
    held_out: list[Path]


def read(paths: list[Path]) -> dict[str, dict]:
    return {metric['name']: metric for path in paths if path.exists() for metric in json.loads(path.read_text())}


def cell(metric: dict | None) -> str:
    return f'**{metric["value"]:.3f}** ({metric["low"]:.2f}–{metric["high"]:.2f}, n {metric["count"]})' if metric else '–'


def constant(metric: dict | None) -> str:
    return f'{metric["constant"]:.2f}' if metric and metric['constant'] is not None else '–'


def metrics_table(results: Results) -> str:
    seen, held = read(results.seen), read(results.held_out)
    lines = ['| metric | seen styles | aim | held-out style | aim | best constant |', '|---|---|---|---|---|---|']
    for name, title in TITLES.items():
        if name in seen or name in held:
            aims = TARGETS.get(name, ('', ''))
            lines.append(f'| {title} | {cell(seen.get(name))} | {aims[0]} | {cell(held.get(name))} | {aims[1]} | {constant(seen.get(name) or held.get(name))} |')
    return '\n'.join(lines)


def manifest_metrics(results: Results) -> dict[str, float]:
    return {f'{style}.{name}': round(metric['value'], 4) for style, paths in (('seen', results.seen), ('held-out', results.held_out)) for name, metric in read(paths).items()}


def write_card(bundle: Path, template: str, results: Results) -> None:
    """The text around the table is `template`, with `{metrics}` where the table goes; the figures also go to the manifest."""
    (bundle / 'MODEL_CARD.md').write_text(template.replace('{metrics}', metrics_table(results)))
    manifest = json.loads((bundle / 'manifest.json').read_text())
    manifest['metrics'] = manifest_metrics(results)
    (bundle / 'manifest.json').write_text(json.dumps(manifest, indent=2) + '\n')
