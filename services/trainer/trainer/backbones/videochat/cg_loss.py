"""What CG-DETR is asked for in training, with its published weights: matched spans and their class in every layer, saliency, and the alignment of moments, words
and dummies.
"""
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional as F

from trainer.backbones.videochat.cg_alignment import alignment, distillation, orthogonality
from trainer.backbones.videochat.cg_detr import MomentAnswer
from trainer.backbones.videochat.cg_saliency import saliency_losses
from trainer.backbones.videochat.cg_study import Study

SPAN, GIOU, LABEL, SALIENCY, ALIGN, DISTILL, ORTHOGONAL, ALL = 10.0, 1.0, 4.0, 4.0, 1.0, 1.0, 1.0, 0.05
COST_SPAN, COST_GIOU, COST_CLASS = 10.0, 1.0, 4.0


def moment_loss(answer: MomentAnswer, study: Study, truth: list[Tensor], labels: Tensor, valid: Tensor, background: Tensor) -> dict[str, Tensor]:
    """truth: by row (n, 2) start and end 0–1; labels (B, L) how salient each clip is, 0 outside; valid (B, L) bool; background (2) class weights. → weighted parts."""
    inside = labels > 0
    saliency = saliency_losses(answer.saliency, study, labels, valid)
    parts = {
        **span_losses(answer, truth, background), 'saliency': SALIENCY * saliency['curve'], 'words': SALIENCY * saliency['words'], 'align': ALIGN * alignment(study, inside, valid),
        'distill': DISTILL * distillation(study, inside), 'orthogonal': ORTHOGONAL * orthogonality(study),
    }
    return {name: ALL * value for name, value in parts.items()}


def span_losses(answer: MomentAnswer, truth: list[Tensor], background: Tensor) -> dict[str, Tensor]:
    """Over the matched spans of all rows together, summed over layers."""
    parts = {name: answer.spans.new_zeros(()) for name in ('span', 'giou', 'label')}
    for logits, spans in zip(answer.logits, answer.spans):
        wanted = torch.ones(logits.shape[:2], dtype=torch.long, device=logits.device)
        found, true = [], []
        for row, spans_of in enumerate(truth):
            chosen, of = match(edges(spans[row]), spans[row], logits[row], spans_of)
            wanted[row, chosen] = 0
            found.append(spans[row][chosen])
            true.append(spans_of[of])
        parts['label'] = parts['label'] + LABEL * F.cross_entropy(logits.transpose(1, 2), wanted, background.to(logits), reduction='none').mean()
        if any(len(each) for each in found):
            flat, wanted_spans = torch.cat(found), torch.cat(true)
            parts['span'] = parts['span'] + SPAN * (flat - centred(wanted_spans)).abs().mean()
            parts['giou'] = parts['giou'] + GIOU * (1 - overlap(edges(flat), wanted_spans)).mean()
    return parts


def clip_labels(truth: list[Tensor], clips: int) -> Tensor:
    """(B, L): 1 for clips whose middle lies inside a span."""
    here = (torch.arange(clips, device=truth[0].device) + 0.5) / clips
    return torch.stack([((here >= true[:, :1]) & (here < true[:, 1:])).any(0) for true in truth]).float()


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
