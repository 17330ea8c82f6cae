"""What the best constant answer scores in the exam: the line that every arm must be read against."""
from collections.abc import Sequence

import numpy as np

from trainer.ablate.exam_lessons import query_of
from trainer.feature_cache import CachedClip
from trainer.metrics.boxes import best_constant_box
from trainer.metrics.masks import best_constant_mask
from trainer.metrics.moments import best_constant_span
from trainer.metrics.text import best_constant_text

QUESTIONS = ('exist', 'count', 'motion', 'list')


def constant_scores(clips: Sequence[CachedClip]) -> dict[str, tuple[float, int]]:
    """metric → the best constant's score and the number of asks; the same asks as in `exam`."""
    boxes: list[np.ndarray] = []
    presence: list[bool] = []
    spans: list[list[tuple[float, float]]] = []
    masks: list[np.ndarray] = []
    words: dict[str, list[list[str]]] = {kind: [] for kind in QUESTIONS}
    for clip in clips:
        last, frame = len(clip.kept) - 1, int(clip.kept[-1])
        for ask in clip.asks:
            if ask.kind in words:
                words[ask.kind].append([ask.answer])
            for target in ask.targets if ask.kind != 'caption' else ():
                query = query_of(clip, target, last)
                if query.task == 'region':
                    things = query.looks[0].things
                    presence.append(bool(things))
                    boxes += [clip.things[things[0]].boxes[frame]] if len(things) == 1 else []
                elif query.task == 'mask':
                    outline = np.any([clip.things[i].masks[last] > 127 for i in query.looks[0].things], axis=0)
                    masks += [outline] if outline.any() else []
                elif query.spans:
                    spans.append([(start, min(end, len(clip.times) - 1)) for start, end in query.spans])
    found = {f'qa.{kind}': (best_constant_text(answers)[0], len(answers)) for kind, answers in words.items() if answers}
    if boxes:
        found['region.acc50'] = (best_constant_box([tuple(box.tolist()) for box in boxes])[0], len(boxes))
        found['region.presence'] = (max(np.mean(presence), 1 - np.mean(presence)), len(presence))
    if spans:
        found['moment.miou'] = (best_constant_span(spans)[0], len(spans))
    if masks:
        found['mask.miou'] = (best_constant_mask(masks, side=40), len(masks))
    return {name: (round(float(value), 4), count) for name, (value, count) in found.items()}
