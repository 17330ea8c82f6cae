"""A correction as a clip: what was chosen becomes the thing that is there, and one question whose answer points at it."""
import cv2
import numpy as np

from trainer.data.ask import Ask, Target
from trainer.data.clip import Clip, Thing
from trainer.lesson import TRIGGERS
from trainer.metrics.rle import decode
from trainer.preference.correction import Correction
from trainer.vocabulary import vocabulary

SIZE, FRAMES = 160, 16


def clip_of(correction: Correction) -> Clip:
    pictures = correction.pictures()
    rows = [min(len(pictures) - 1, max(0, i - (FRAMES - len(pictures)))) for i in range(FRAMES)]  # a short clip begins with its first frame repeated
    rows = rows if len(pictures) <= FRAMES else [round(i * (len(pictures) - 1) / (FRAMES - 1)) for i in range(FRAMES)]
    frames = np.stack([cv2.resize(pictures[row], (SIZE, SIZE), interpolation=cv2.INTER_AREA) for row in rows])
    times = np.array([correction.times[row] for row in rows], np.float32)
    things = things_of(correction)
    noun = noun_in(correction.phrase)
    task = correction.chosen.task
    spans = [in_frames(span, times) for span in correction.chosen.spans]
    target = Target(task, correction.phrase, list(range(len(things))), noun, spans)
    bare = correction.phrase.removeprefix('the ').removeprefix('all ')
    answer = f'<p> {correction.phrase} {TRIGGERS[task]}' if correction.chosen.present else f'there is no {bare}'
    return Clip(0, 'train', frames, times, things, [Ask(task, correction.ask or correction.phrase, answer, FRAMES - 1, [target])], '', '', pictures[0].shape[1] / pictures[0].shape[0])


def things_of(correction: Correction) -> list[Thing]:
    """Known in the last frame only, so `clear` nowhere: nothing else is taught about them."""
    found = []
    noun = noun_in(correction.phrase)
    masks = [cv2.resize(decode(correction.chosen.mask).astype(np.uint8), (SIZE, SIZE), interpolation=cv2.INTER_NEAREST).astype(bool)] if correction.chosen.mask else []
    outlines = masks or [inside(box) for box in correction.chosen.regions]
    for number, outline in enumerate(outlines):
        y, x = outline.nonzero()
        box = correction.chosen.regions[number] if not masks else (x.min() / SIZE, y.min() / SIZE, (x.max() + 1) / SIZE, (y.max() + 1) / SIZE)
        boxes, shown, pixels = np.zeros((FRAMES, 4), np.float32), np.zeros(FRAMES, bool), np.zeros((FRAMES, SIZE, SIZE), bool)
        boxes[-1], shown[-1], pixels[-1] = box, True, outline
        found.append(Thing(number, noun, 'corrected', '', boxes, shown, pixels, boxes, np.zeros(FRAMES, bool), 'still', 'still'))
    return found


def inside(box: tuple[float, float, float, float]) -> np.ndarray:
    outline = np.zeros((SIZE, SIZE), bool)
    x0, y0, x1, y1 = (round(v * SIZE) for v in box)
    outline[y0:max(y1, y0 + 1), x0:max(x1, x0 + 1)] = True
    return outline


def noun_in(phrase: str) -> str:
    """The noun that the phrase is about: the last one of its longest form; '' where the vocabulary has none."""
    words = vocabulary()
    padded = f' {phrase.lower()} '
    forms = [form for form in words.forms if f' {form} ' in padded]
    return words.forms[max(forms, key=lambda form: (len(form.split()), padded.rfind(f' {form} ')))].noun if forms else ''


def in_frames(span: tuple[float, float], times: np.ndarray) -> tuple[float, float]:
    frames = np.arange(len(times))
    return float(np.interp(span[0], times, frames)), float(np.interp(span[1], times, frames))
