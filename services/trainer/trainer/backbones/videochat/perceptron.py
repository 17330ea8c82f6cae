"""A perceptron whose layers are named `layers.0`, `layers.1`, … as the checkpoint has them."""
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F


class Perceptron(nn.Module):
    """ReLU between the layers; a published quirk drops out after every layer, the last included."""

    def __init__(self, *widths: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers[:-1]:
            x = self.drop(F.relu(layer(x)))
        return self.drop(self.layers[-1](x))
