"""CG-DETR's training against its public code: what its losses look at, and the losses."""
from collections.abc import Iterator

from safetensors.torch import load_file
import torch

from trainer.backbones.videochat.cg_detr import CgCriterion, CgDetr
from trainer.backbones.videochat.cg_loss import ALL, moment_loss
from trainer.backbones.videochat.cg_study import study
from trainer.backbones.videochat.config import VIDEOCHAT_TINY as C
from trainer.parity.cg_case import CASES, FIXTURE, LABELS, SPANS, VIDEOS, inputs
from trainer.parity.row import Row
from trainer.parity.seeded import fill

ALLOWED = 1e-4


@torch.no_grad()
def cg_rows() -> Iterator[Row]:
    told = load_file(FIXTURE)
    model = CgDetr(C.moment, C.width).eval()
    fill(model)
    for name in CASES:
        given, videos = inputs(name), VIDEOS[name]
        answer, reading = model.read(given.words, given.word_mask, given.clips, given.clip_mask, given.states[:, None])
        labels = torch.tensor(LABELS[name])
        strange = torch.tensor([video != other for video, other in zip(videos, [*videos[1:], videos[0]])])
        found = study(model, reading, labels > 0, strange)
        parts = moment_loss(answer, found, [torch.tensor(spans) for spans in SPANS[name]], labels, given.clip_mask.bool(), CgCriterion().empty_weight)
        losses = {part: float(value) / ALL for part, value in parts.items()}
        losses['saliency'] += losses.pop('words')   # the public code adds the two
        seen = {'sentence': found.sentence, 'dummy sentence': found.dummy_sentence, 'moment': found.moment, 'rest': found.rest, 'attention': found.attention}
        for what, value in seen.items():
            yield Row(f'CG-DETR training, {name} videos: {what}', '×'.join(map(str, value.shape)), float((value - told[f'{name} {what}']).abs().max()), ALLOWED)
        for part, value in losses.items():
            wanted = float(told[f'{name} loss {part}'])
            yield Row(f'CG-DETR training, {name} videos: loss {part} ({wanted:.4f}), relative', '1', abs(value - wanted) / abs(wanted), ALLOWED)
