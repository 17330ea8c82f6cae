"""A map that has been told what is asked for: FiLM by a vector, places by their coordinates, two rounds of looking around."""
import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Adapter(nn.Module):
    """The tower's channels to the heads' width, once a frame; each cell knows where it is."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.project = nn.Linear(channels, width)
        self.place = nn.Linear(4, width)

    def forward(self, features: Tensor) -> Tensor:
        """(P, D, G, G) → (P, F, G, G)."""
        x = self.project(self.norm(features.permute(0, 2, 3, 1)))                        # (P, G, G, F)
        side = (torch.arange(x.shape[1], device=x.device, dtype=x.dtype) + 0.5) / x.shape[1]
        y, u = torch.meshgrid(side, side, indexing='ij')
        place = torch.stack([u, y, (u * torch.pi).sin(), (y * torch.pi).sin()], -1)      # (G, G, 4)
        return (x + self.place(place)).permute(0, 3, 1, 2)


class Conditioned(nn.Module):
    """One map and one vector a query → one map a query."""

    def __init__(self, vector: int, width: int) -> None:
        super().__init__()
        self.key, self.film = nn.Linear(vector, width), nn.Linear(vector, 2 * width)
        self.around = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(2))
        self.norms = nn.ModuleList(nn.GroupNorm(1, width) for _ in range(2))
        self.sharp = nn.Parameter(torch.tensor(4.0))

    def forward(self, maps: Tensor, vector: Tensor) -> tuple[Tensor, Tensor]:
        """maps (Q or 1, F, G, G), vector (Q, d) → conditioned (Q, F, G, G), match (Q, 1, G, G)."""
        match = self.sharp * (F.normalize(maps, dim=1) * F.normalize(self.key(vector), dim=1)[:, :, None, None]).sum(1, keepdim=True)
        scale, shift = self.film(vector)[:, :, None, None].chunk(2, 1)
        x = maps * (1 + scale) + shift + match
        for conv, norm in zip(self.around, self.norms):
            x = x + F.gelu(conv(norm(x)))
        return x, match
