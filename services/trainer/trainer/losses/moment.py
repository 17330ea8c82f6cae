"""What a moment head is asked for: its spans, the saliency of every frame, presence. A head that weighs all spans against each other (`MomentPairs`) is asked for
the chance of each; one that proposes a span a frame (`MomentFrames`), for matched spans and their scores."""
import torch
from torch import Tensor
from torch.nn import functional as F

from trainer.heads.moment import MomentFrames, MomentPairs
from trainer.losses.matching import match_spans

WEIGHTS = {'saliency': 1.0, 'score': 1.0, 'l1': 1.0, 'iou': 1.0, 'near': 0.5, 'object': 0.5, 'chance': 0.5, 'expected': 2.0}
NEAR = 10.0  # of IoU as a power: a span of IoU .93 is wanted half as much as the true one


def span_iou(a: Tensor, b: Tensor) -> Tensor:
    """Temporal IoU of pairs (..., 2)."""
    both = (torch.minimum(a[..., 1], b[..., 1]) - torch.maximum(a[..., 0], b[..., 0])).clamp(min=0)
    return both / ((a[..., 1] - a[..., 0]) + (b[..., 1] - b[..., 0]) - both).clamp(min=1e-4)


def inside(spans: list[Tensor], frames: int) -> Tensor:
    """1 for the frames within any true span: (Q, T)."""
    here = torch.arange(frames)[None]
    return torch.stack([((here >= true[:, :1] - 0.01) & (here <= true[:, 1:] + 0.01)).any(0).float() if len(true) else torch.zeros(frames) for true in spans])


def moment_loss(found: MomentFrames | MomentPairs, truth: list[Tensor]) -> dict[str, Tensor]:
    """truth: for each query the true spans (n, 2) in frames, n = 0 where it never happens (a negative query)."""
    present = torch.tensor([float(len(true) > 0) for true in truth])
    return {
        **(pairs_loss(found, truth) if isinstance(found, MomentPairs) else frames_loss(found, truth)),
        'saliency': WEIGHTS['saliency'] * F.binary_cross_entropy_with_logits(found.saliency, inside(truth, found.saliency.shape[1])),
        'object': WEIGHTS['object'] * F.binary_cross_entropy_with_logits(found.object, present),
    }


def pairs_loss(found: MomentPairs, truth: list[Tensor]) -> dict[str, Tensor]:
    """Cross-entropy with the true spans and those close to them, and the overlap that the answer is expected to have. Negative queries have no span to learn."""
    rows = [row for row, true in enumerate(truth) if len(true)]
    if not rows:
        return {'chance': found.scores.sum() * 0, 'expected': found.scores.sum() * 0}
    chance = found.scores[rows].log_softmax(-1)                                       # (R, P)
    overlap = [span_iou(found.spans[row][None], truth[row][:, None]) for row in rows]      # each (n, P)
    near = [each ** NEAR for each in overlap]
    wanted = torch.stack([(each / each.sum(1, keepdim=True).clamp(min=1e-6)).mean(0) for each in near])
    best = torch.stack([each.amax(0) for each in overlap])
    return {
        'chance': WEIGHTS['chance'] * -(wanted * chance).sum(-1).mean(),
        'expected': WEIGHTS['expected'] * (1 - (chance.exp() * best).sum(-1)).mean(),
    }


def frames_loss(found: MomentFrames, truth: list[Tensor]) -> dict[str, Tensor]:
    """A negative query wants all scores at zero."""
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
        'score': WEIGHTS['score'] * F.binary_cross_entropy_with_logits(found.scores, wanted, pos_weight=torch.tensor(4.0)),
        'l1': WEIGHTS['l1'] * l1,
        'iou': WEIGHTS['iou'] * iou,
        'near': WEIGHTS['near'] * (near_l1 + near_iou),
    }
