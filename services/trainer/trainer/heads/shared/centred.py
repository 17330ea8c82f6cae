"""A task state as a head reads it: what all states have in common taken off, what tells them apart brought to size.

Of a pretrained language model's state at a token it has never seen, a few hundredths depend on the phrase. Beginning with nothing taken off, a head has to find those by itself.
"""
import torch
from torch import Tensor, nn

LEAST = 1e-3


class Centred(nn.Module):
    def __init__(self, state: int) -> None:
        super().__init__()
        self.mean, self.scale = nn.Parameter(torch.zeros(state)), nn.Parameter(torch.ones(state))

    def forward(self, state: Tensor) -> Tensor:
        """(…, d) → (…, d)."""
        return (state - self.mean) * self.scale

    @torch.no_grad()
    def fit(self, states: Tensor) -> None:
        """states (n, d): from here on they have mean 0 and variance 1."""
        self.mean.copy_(states.mean(0))
        self.scale.copy_(1 / states.std(0).clamp(min=LEAST))
