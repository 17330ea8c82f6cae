"""Rotary positions in real numbers, for layers whose official form needs complex ones.

The official code turns neighbouring channels (2i, 2i+1) as one complex number. Here the channels of queries and keys are put in another order once, in
the weights: first all real parts, then all imaginary ones. The products of queries and keys stay the same, and a graph splits a tensor in two halves
instead of picking every second number.
"""
import torch
from torch import Tensor, nn


def halves(linear: nn.Linear) -> tuple[Tensor, Tensor]:
    """Weight (d, c) and bias (d) with even outputs first, then odd ones."""
    order = torch.cat([torch.arange(0, linear.out_features, 2), torch.arange(1, linear.out_features, 2)])
    return linear.weight[order], linear.bias[order]


def turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """x (…, n, d) in halves; cos, sin (n, d/2)."""
    real, imaginary = x.chunk(2, -1)
    return torch.cat([real * cos - imaginary * sin, real * sin + imaginary * cos], -1)


def table(angles: Tensor) -> tuple[Tensor, Tensor]:
    """The official complex table (n, d/2) as cos and sin."""
    return angles.real.clone(), angles.imag.clone()
