"""One proposal for each true span: the Hungarian matching of DETR (Carion et al. 2020), with scipy."""
import numpy as np
from scipy.optimize import linear_sum_assignment
from torch import Tensor


def match_spans(spans: Tensor, scores: Tensor, truth: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """spans (K, 2), score logits (K), truth (n, 2) → indices of proposals and of true spans, in pairs.

    Cost: − score + L1 + (1 − IoU), in frames scaled to the length of the clip.
    """
    found, wanted = spans.detach().numpy()[:, None], truth.numpy()[None]
    both = np.clip(np.minimum(found[..., 1], wanted[..., 1]) - np.maximum(found[..., 0], wanted[..., 0]), 0, None)
    hull = np.maximum(found[..., 1], wanted[..., 1]) - np.minimum(found[..., 0], wanted[..., 0])
    cost = np.abs(found - wanted).sum(-1) / len(spans) * 2 + 1 - both / np.clip(hull, 1e-3, None) - scores.detach().sigmoid().numpy()[:, None]
    return linear_sum_assignment(cost)
