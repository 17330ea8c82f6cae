"""What the moment head is asked for: matched spans, their scores, the saliency of every frame, presence."""
import torch
from torch import Tensor
from torch.nn import functional as F

from trainer.heads.moment import MomentFrames
from trainer.losses.matching import match_spans

WEIGHTS = {'saliency': 1.0, 'score': 1.0, 'l1': 1.0, 'iou': 1.0, 'near': 0.5, 'object': 0.5}


def span_iou(a: Tensor, b: Tensor) -> Tensor:
    """Temporal IoU of pairs (..., 2)."""
    both = (torch.minimum(a[..., 1], b[..., 1]) - torch.maximum(a[..., 0], b[..., 0])).clamp(min=0)
    return both / ((a[..., 1] - a[..., 0]) + (b[..., 1] - b[..., 0]) - both).clamp(min=1e-4)


def inside(spans: list[Tensor], frames: int) -> Tensor:
    """1 for the frames within any true span: (Q, T)."""
    here = torch.arange(frames)[None]
    return torch.stack([((here >= true[:, :1] - 0.01) & (here <= true[:, 1:] + 0.01)).any(0).float() if len(true) else torch.zeros(frames) for true in spans])


def moment_loss(found: MomentFrames, truth: list[Tensor]) -> dict[str, Tensor]:
    """truth: for each query the true spans (n, 2) in frames, n = 0 where it never happens (a negative query: all scores to zero)."""
    rows, frames = found.scores.shape
    within = inside(truth, frames)
    wanted = torch.zeros(rows, frames)
    pairs: list[tuple[int, int, Tensor]] = []   # one to one: the scores
    dense: list[tuple[int, int, Tensor]] = []   # every frame inside a span should know it: faster learning of the sides
    for row, true in enumerate(truth):
        if len(true) == 0:
            continue
        chosen, of = match_spans(found.spans[row], found.scores[row], true)
        pairs += [(row, int(k), true[j]) for k, j in zip(chosen, of)]
        for t in within[row].nonzero()[:, 0].tolist():
            nearest = (true.mean(1) - t).abs().argmin()
            dense.append((row, t, true[nearest]))
    for row, k, _ in pairs:
        wanted[row, k] = 1
    present = torch.tensor([float(len(true) > 0) for true in truth])
    zero = found.spans.sum() * 0

    def sides(chosen: list[tuple[int, int, Tensor]]) -> tuple[Tensor, Tensor]:
        if not chosen:
            return zero, zero
        predicted = torch.stack([found.spans[row, k] for row, k, _ in chosen])
        true = torch.stack([span for _, _, span in chosen])
        return (predicted - true).abs().mean() / frames * 4, (1 - span_iou(predicted, true)).mean()

    l1, iou = sides(pairs)
    near_l1, near_iou = sides(dense)
    return {
        'saliency': WEIGHTS['saliency'] * F.binary_cross_entropy_with_logits(found.saliency, within),
        'score': WEIGHTS['score'] * F.binary_cross_entropy_with_logits(found.scores, wanted, pos_weight=torch.tensor(4.0)),
        'l1': WEIGHTS['l1'] * l1,
        'iou': WEIGHTS['iou'] * iou,
        'near': WEIGHTS['near'] * (near_l1 + near_iou),
        'object': WEIGHTS['object'] * F.binary_cross_entropy_with_logits(found.object, present),
    }
