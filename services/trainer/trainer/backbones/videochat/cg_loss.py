"""What CG-DETR is asked for: matched spans and their class in every layer, and a saliency that is higher inside.

The weights are the published ones; saliency is a margin over every pair of clips, where the published code samples pairs and adds contrastive terms. Three further losses of CG-DETR's own training (moment–sentence alignment, its distillation, orthogonal dummies) are not here;
they need pairs of different videos, and the checkpoint's parts that serve them alone stay as they are.
"""
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional as F

from trainer.backbones.videochat.cg_detr import MomentAnswer

SPAN, GIOU, LABEL, SALIENCY, MARGIN, ALL = 10.0, 1.0, 4.0, 4.0, 0.2, 0.05
COST_SPAN, COST_GIOU, COST_CLASS = 10.0, 1.0, 4.0


def moment_loss(answer: MomentAnswer, truth: list[Tensor], background: Tensor) -> dict[str, Tensor]:
    """truth: by row (n, 2) start and end 0–1; background (2) class weights. → weighted parts."""
    parts = {'span': answer.spans.new_zeros(()), 'giou': answer.spans.new_zeros(()), 'label': answer.spans.new_zeros(())}
    for logits, spans in zip(answer.logits, answer.spans):
        for row, true in enumerate(truth):
            found = edges(spans[row])
            chosen, of = match(found, spans[row], logits[row], true)
            wanted = torch.ones(len(found), dtype=torch.long, device=found.device)
            wanted[chosen] = 0
            parts['label'] = parts['label'] + LABEL * (F.cross_entropy(logits[row], wanted, background.to(logits), reduction='none')).mean() / len(truth)
            if len(chosen):
                parts['span'] = parts['span'] + SPAN * (spans[row][chosen] - centred(true[of])).abs().mean() / len(truth)
                parts['giou'] = parts['giou'] + GIOU * (1 - overlap(found[chosen], true[of])).mean() / len(truth)
    parts['saliency'] = SALIENCY * saliency_loss(answer.saliency, truth)
    return {name: ALL * value for name, value in parts.items()}


def saliency_loss(scores: Tensor, truth: list[Tensor]) -> Tensor:
    """A clip inside a span scores at least `MARGIN` above one outside; every pair of them counts."""
    here = (torch.arange(scores.shape[1], device=scores.device) + 0.5) / scores.shape[1]
    losses = []
    for row, true in enumerate(truth):
        inside = ((here >= true[:, :1]) & (here < true[:, 1:])).any(0) if len(true) else torch.zeros_like(here, dtype=torch.bool)
        if inside.any() and not inside.all():
            losses.append((MARGIN + scores[row][~inside][None] - scores[row][inside][:, None]).clamp(min=0).mean())
    return torch.stack(losses).mean() if losses else scores.sum() * 0


@torch.no_grad()
def match(found: Tensor, spans: Tensor, logits: Tensor, true: Tensor) -> tuple[Tensor, Tensor]:
    if len(true) == 0:
        return torch.zeros(0, dtype=torch.long), torch.zeros(0, dtype=torch.long)
    cost = COST_SPAN * torch.cdist(spans, centred(true), p=1) - COST_GIOU * overlap(found[:, None], true[None]) - COST_CLASS * logits.softmax(-1)[:, :1]
    chosen, of = linear_sum_assignment(cost.cpu().numpy())
    return torch.as_tensor(chosen), torch.as_tensor(of)


def overlap(a: Tensor, b: Tensor) -> Tensor:
    """Generalised IoU of spans in one dimension."""
    both = (torch.minimum(a[..., 1], b[..., 1]) - torch.maximum(a[..., 0], b[..., 0])).clamp(min=0)
    whole = (a[..., 1] - a[..., 0]) + (b[..., 1] - b[..., 0]) - both
    hull = (torch.maximum(a[..., 1], b[..., 1]) - torch.minimum(a[..., 0], b[..., 0])).clamp(min=1e-6)
    return both / whole.clamp(min=1e-6) - (hull - whole) / hull


def edges(spans: Tensor) -> Tensor:
    return torch.stack([spans[..., 0] - spans[..., 1] / 2, spans[..., 0] + spans[..., 1] / 2], -1)


def centred(spans: Tensor) -> Tensor:
    return torch.stack([(spans[..., 0] + spans[..., 1]) / 2, spans[..., 1] - spans[..., 0]], -1)
