"""CG-DETR's saliency losses: a margin between clips inside and outside, a contrast at every rank, and nothing for another video's words. All of it twice: for
the saliency curve, and for how much of a clip's attention falls on words.

The published code draws two pairs for the margin; here every pair counts, which is what it is on the mean. It doubles that part, and so does this.
"""
import torch
from torch import Tensor
from torch.nn import functional as F

from trainer.backbones.videochat.cg_study import Study

MARGIN, TEMPERATURE, RANKS, FAR = 0.2, 0.5, 12, -1e3


def saliency_losses(saliency: Tensor, study: Study, labels: Tensor, valid: Tensor) -> dict[str, Tensor]:
    """saliency (B, L); labels (B, L) how salient in truth, 0 outside and up to 12; valid (B, L) bool."""
    curve = margin_loss(saliency, labels, valid) + contrast(saliency, study.strange_saliency, study.strange, labels, valid)
    curve = curve + silence(F.softplus(study.strange_saliency), valid[study.strange])
    on_words = study.on_words
    words = margin_loss(on_words, labels, valid) + contrast(on_words, study.strange_on_words, study.strange, labels, valid)
    words = words + silence(-torch.log((1 - study.strange_on_words).clamp(min=1e-7)), valid[study.strange])
    words = words + F.binary_cross_entropy(on_words, labels.clamp(0, 1))
    return {'curve': curve, 'words': words}


def margin_loss(scores: Tensor, labels: Tensor, valid: Tensor) -> Tensor:
    """A clip scores at least `MARGIN` above every one that is less salient; the mean over rows that have such pairs."""
    pairs = (labels[:, :, None] > labels[:, None]) & valid[:, :, None] & valid[:, None]                  # (B, L, L)
    short = (MARGIN + scores[:, None] - scores[:, :, None]).clamp(min=0) * pairs
    count = pairs.flatten(1).sum(1)
    rows = count > 0
    return 2 * (short.flatten(1).sum(1)[rows] / count[rows]).sum() / rows.sum().clamp(min=1)


def contrast(scores: Tensor, strange_scores: Tensor, strange: Tensor, labels: Tensor, valid: Tensor) -> Tensor:
    """Rows beside another video stand against what their clips make of its words too; the others against their own clips alone."""
    losses = scores.new_zeros(())
    if strange.any():
        both = torch.cat([scores[strange], strange_scores], 1), torch.cat([labels[strange], torch.zeros_like(labels[strange])], 1)
        losses = losses + ranked(*both, valid[strange].repeat(1, 2))
    if not strange.all():
        losses = losses + ranked(scores[~strange], labels[~strange], valid[~strange])
    return losses


def ranked(scores: Tensor, labels: Tensor, valid: Tensor) -> Tensor:
    """At every rank, clips of at least that rank against all: the mean log share they take."""
    logits = torch.where(valid, scores, FAR) / TEMPERATURE
    shares = logits.log_softmax(1)
    total = scores.new_zeros(())
    for rank in range(1, RANKS):
        chosen = labels >= rank
        if chosen.any():
            total = total - ((chosen & valid) * shares).sum(1).div(chosen.sum(1) + 1e-6).mean()
    return total / RANKS


def silence(penalty: Tensor, valid: Tensor) -> Tensor:
    return (penalty * valid).sum(1).mean() if len(penalty) else penalty.sum()
