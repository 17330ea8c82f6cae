"""CG-DETR's other losses: the moment's token is near its own sentence and far from its dummies, clips attend to words as they are like them, and dummies (and the
saliency token's prompts) differ from one another.
"""
import torch
from torch import Tensor
from torch.nn import functional as F

from trainer.backbones.videochat.cg_study import Study


def alignment(study: Study, inside: Tensor, valid: Tensor) -> Tensor:
    """inside, valid (B, L) bool."""
    rows = torch.arange(len(study.moment), device=inside.device)
    tokens = [F.normalize(token, dim=1) for token in (study.moment, study.rest)]
    own = F.cross_entropy(against(tokens, study.sentence), rows)
    # Of the sentences of dummies, the published target is the first that is not a row's own.
    other = F.cross_entropy(against(tokens, study.dummy_sentence), (rows == 0).long())
    near = (study.moment[:, None] @ study.frames.transpose(1, 2))[:, 0].sigmoid()
    clips = F.binary_cross_entropy(near, inside.to(near), reduction='none') * valid
    return own + other + clips.mean()


def against(tokens: list[Tensor], sentence: Tensor) -> Tensor:
    """(B, 2B): how like each row's moment is to every sentence, then its rest."""
    sentence = F.normalize(sentence, dim=1)
    return torch.cat([token @ sentence.T for token in tokens], 1)


def distillation(study: Study, inside: Tensor) -> Tensor:
    """Inside a moment, attention on dummies and words follows their likeness; the likeness itself is not moved."""
    apart = F.kl_div(torch.log(study.attention + 1e-6), study.likeness.softmax(-1).detach(), reduction='none').mean(-1)
    return (apart * inside).sum() / inside.sum().clamp(min=1)


def orthogonality(study: Study) -> Tensor:
    return likeness_within(study.dummies) + likeness_within(study.prompts[None])


def likeness_within(tokens: Tensor) -> Tensor:
    """(B, n, d): the mean absolute cosine of each with every other; gradients go one way, as published."""
    unit = tokens / tokens.norm(dim=-1, keepdim=True)
    cosines = unit @ unit.transpose(1, 2).detach()
    return (cosines * (1 - torch.eye(cosines.shape[1], device=tokens.device))).abs().mean() if tokens.shape[1] > 1 else tokens.sum() * 0
