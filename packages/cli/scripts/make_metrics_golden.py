"""Records of every row with made-up predictions, and the table that the trainer's metrics give for them: what the TypeScript table must reproduce.

    cd services/trainer && python ../../packages/cli/scripts/make_metrics_golden.py > ../../packages/cli/src/metrics/golden.json
"""
import json
import sys

import numpy as np
from trainer.metrics.rle import encode
from trainer.metrics.table import metrics

rng = np.random.default_rng(7)
H, W = 24, 32


def box():
    x, y = rng.uniform(0, 0.6, 2)
    return [round(float(v), 4) for v in (x, y, x + rng.uniform(0.1, 0.4), y + rng.uniform(0.1, 0.4))]


def near(b):
    return [round(float(np.clip(v + rng.normal(0, 0.03), 0, 1)), 4) for v in b]


def mask(b):
    m = np.zeros((H, W), bool)
    m[int(b[1] * H):int(b[3] * H) + 1, int(b[0] * W):int(b[2] * W) + 1] = True
    return m & (rng.random((H, W)) < 0.97)


def head(task, phrase, **found):
    return {'task': task, 'phrase': phrase, **found}


def scored(boxes):
    return [{'box': b, 'score': round(float(rng.random()), 4)} for b in boxes]


def phrase(task, words, by='name', present=True):
    return {'task': task, 'phrase': words, 'noun': words.split()[-1], 'by': by, 'lookalike': by != 'name', 'present': present}


def one(n):
    lucky = rng.random() < 0.7
    clip = f'c{n // 3:04d}'
    rows = ['region-name', 'region-attribute', 'region-lookalike', 'region-several', 'absent', 'mask', 'track-phrase', 'track-box', 'track-point', 'moment', 'exist', 'count',
            'motion', 'list', 'two-heads', 'standing-seen', 'standing-later', 'standing-never', 'photo-coco', 'photo-imagenet', 'photo-absent', 'answer', 'photo-list', 'region-shape']
    row = rows[n % len(rows)]
    record = {'clip': clip, 'ask': n, 'row': row, 'prediction': {'text': 'Yes, it is.', 'heads': []}, 'aspect': float(rng.choice([1.0, 1.02, 1.33, 1.78]))}
    truth = box()
    mine = near(truth) if lucky else box()
    if row == 'region-shape':
        record |= {'scene': f's{n // 50:04d}'}
    if row in ('region-shape', 'region-name', 'region-attribute', 'region-lookalike', 'photo-coco', 'photo-imagenet'):
        by = str(rng.choice(['colour', 'place', 'relation', 'motion', 'order'])) if row == 'region-lookalike' else 'name'
        record |= {'expect': {'regions': [truth]}, 'phrases': [phrase('region', 'the red car', by)]}
        record['prediction']['heads'] = [head('region', 'The red  car.' if lucky else 'a car', regions=scored([mine, box()][:int(rng.integers(0, 3))]))]
    elif row == 'region-several':
        truths = [truth, box(), box()]
        record |= {'expect': {'regions': truths}}
        record['prediction']['heads'] = [head('region', 'cars', regions=scored([near(t) if rng.random() < 0.7 else box() for t in truths] + [box()]))]
    elif row in ('absent', 'photo-absent'):
        record |= {'expect': {'regions': []}, 'phrases': [phrase('region', 'the dog', present=False)]}
        record['prediction']['heads'] = [] if lucky else [head('region', 'the dog', regions=scored([box()]))]
    elif row == 'mask':
        record |= {'expect': {'mask': encode(mask(truth)) if rng.random() < 0.8 else None}}
        record['prediction']['heads'] = [head('mask', 'the dog', mask=encode(mask(mine)) if rng.random() < 0.9 else None)]
    elif row.startswith('track'):
        boxes = [near(truth) for _ in range(6)]
        other = [box() for _ in range(6)]
        entries = [{'frame': t, 'absent': True} if t == 4 else {'frame': t, 'box': b, 'mask': encode(mask(b))} for t, b in enumerate(boxes)]
        record |= {'expect': {'track': entries, 'lookalikes': [other]}}
        follow = [b if rng.random() < 0.7 else o for b, o in zip(boxes, other)]
        record['prediction']['heads'] = [head('track', 'the dog', track=[{'frame': t, 'box': near(b), 'mask': encode(mask(b))} for t, b in enumerate(follow) if rng.random() < 0.9])]
    elif row == 'moment':
        start = float(rng.integers(0, 2000))
        spans = [[start, start + 1000]] + ([[start + 1500, start + 1900]] if rng.random() < 0.3 else [])
        record |= {'expect': {'spans': spans}}
        record['prediction']['heads'] = [head('moment', 'the cat leaves', spans=[{'span': [start + float(rng.normal(0, 200)), start + 1000 + float(rng.normal(0, 200))], 'score': round(float(rng.random()), 4)} for _ in range(3)])]
    elif row == 'two-heads':
        present = bool(rng.random() < 0.8)
        record |= {'expect': {'parts': [{'regions': [truth]}, {'mask': encode(mask(truth))}]}, 'phrases': [phrase('region', 'the dog'), phrase('mask', 'the ball', present=present)]}
        record['prediction']['heads'] = [head('region', 'the dog', regions=scored([mine]))] + ([head('mask', 'the ball', mask=encode(mask(mine)))] if rng.random() < 0.8 else [])
    elif row.startswith('standing'):
        frames = []
        found = []
        for t in range(5):
            there = row == 'standing-seen' or (row == 'standing-later' and t >= 2)
            frames.append({'frame': t, 'regions': [near(truth)] if there else [], **({'doubtful': [box()]} if rng.random() < 0.15 else {})})
            found.append({'frame': t, 'regions': scored([near(truth)] if rng.random() < (0.8 if there else 0.2) else [])})
        record |= {'expect': {'frames': frames}}
        record['prediction']['frames'] = found
    elif row == 'photo-list':
        record |= {'expect': {'answer': ['cup, dog, hot dog']}}
        record['prediction']['text'] = ['Hot dog , cup, cat.', 'A dog and cup', 'Cup, dog, hot dog', ''][int(rng.integers(0, 4))]
    else:
        record |= {'expect': {'answer': ['Yes it is', 'yes'] if rng.random() < 0.6 else ['no']}}
    return record


records = [one(n) for n in range(161)]
table = [{'name': m.name, 'value': m.value, 'count': m.count, **({} if m.constant is None or m.name.startswith('mask') else {'constant': m.constant})} for m in metrics(records, samples=10)]
json.dump({'records': records, 'table': table}, sys.stdout, separators=(',', ':'))
sys.stdout.write('\n')
