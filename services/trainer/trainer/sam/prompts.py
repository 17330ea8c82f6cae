"""What points an object out, as prompt tokens: a box, points, or a task embedding of a language model."""
import torch
from torch import Tensor, nn


class Points(nn.Module):
    """points (Q, n, 3): x, y in 0–1, label 1 inside, 0 outside, −1 nothing → (Q, n+1, C)"""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.encoder, self.size = model.sam_prompt_encoder, model.image_size

    def forward(self, points: Tensor) -> Tensor:
        return self.embed(points[..., :2], points[..., 2])

    def embed(self, places: Tensor, labels: Tensor) -> Tensor:
        """The official encoder, label by label: it assigns to selections, which graphs cannot."""
        places = torch.cat([places * self.size + 0.5, torch.zeros_like(places[:, :1])], 1) / self.size      # the last is padding
        labels = torch.cat([labels, -torch.ones_like(labels[:, :1])], 1)[..., None]
        kinds = torch.stack([kind.weight[0] for kind in self.encoder.point_embeddings])                     # (4, C): outside, inside, two corners
        spread = self.encoder.pe_layer._pe_encoding(places)
        chosen = sum((labels == kind).to(spread.dtype) * kinds[kind] for kind in range(4))
        return torch.where(labels < 0, self.encoder.not_a_point_embed.weight, spread + chosen)


class Boxes(Points):
    """boxes (Q, 4) xyxy in 0–1 → (Q, 3, C): two corners and padding"""

    def forward(self, boxes: Tensor) -> Tensor:
        return self.embed(boxes.reshape(-1, 2, 2), torch.tensor([[2.0, 3.0]]).expand(boxes.shape[0], -1))


class MaskAdapter(nn.Module):
    """state (Q, d) → (Q, k, C): a task embedding in the place of a prompt (arXiv 2412.19326, section 3.1)."""

    def __init__(self, state: int, width: int = 256, tokens: int = 2) -> None:
        super().__init__()
        self.tokens = tokens
        self.layers = nn.Sequential(nn.Linear(state, state), nn.GELU(), nn.Linear(state, tokens * width))

    def forward(self, state: Tensor) -> Tensor:
        return self.layers(state).unflatten(1, (self.tokens, -1))
