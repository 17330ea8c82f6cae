"""The traced graphs of a VideoChat bundle: the video to 96 tokens, and the box of a task embedding."""
import torch
from torch import Tensor, nn

from trainer.backbones.videochat.model import VideoChat
from trainer.export.graphs import B, Q, GraphSpec

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Vision(nn.Module):
    """uint8 (B, T, H, W, 3) → what Mistral reads of the whole video, and the tower's map of the last frame."""

    def __init__(self, model: VideoChat) -> None:
        super().__init__()
        self.model = model
        self.register_buffer('mean', torch.tensor(MEAN) * 255)
        self.register_buffer('std', torch.tensor(STD) * 255)

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        video = ((frames.float() - self.mean) / self.std).permute(0, 4, 1, 2, 3)     # (B, 3, T, H, W)
        seen = self.model.see(video)
        side = self.model.config.picture // self.model.config.patch
        last = seen[:, -side * side:].transpose(1, 2).unflatten(-1, (side, side))
        return self.model.project_up(self.model.connect(seen)), last


class Region(nn.Module):
    """One box a phrase, always: TPO's region head says nothing about absence."""

    def __init__(self, model: VideoChat) -> None:
        super().__init__()
        self.loc_decoder = model.loc_decoder

    def forward(self, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        a, b = self.loc_decoder(state).clamp(0, 1).chunk(2, -1)                      # corners, in whichever order they came
        boxes = torch.cat([torch.minimum(a, b), torch.maximum(a, b)], -1)[:, None]
        sure = torch.ones_like(boxes[:, :, 0])
        return boxes, sure, sure[:, 0]


class GivenBox(nn.Module):
    """A box that the question names (Q, 4) → its word (Q, d)."""

    def __init__(self, model: VideoChat) -> None:
        super().__init__()
        self.loc_encoder = model.loc_encoder

    def forward(self, boxes: Tensor) -> Tensor:
        return self.loc_encoder(boxes)


def graphs_of(model: VideoChat) -> list[GraphSpec]:
    c = model.config
    row = torch.arange(c.picture)
    shade = (row[:, None] + 2 * row[None])[None, None, :, :, None] + 16 * torch.arange(c.frames)[None, :, None, None, None] + torch.tensor([0, 60, 120])
    frames = (shade % 256).to(torch.uint8).repeat(2, 1, 1, 1, 1)
    state = torch.randn(3, c.width, generator=torch.Generator().manual_seed(7))
    return [
        GraphSpec('vision', 'vision.onnx', Vision(model), {'frames': 'pixels.clip'}, {'visual': 'visual', 'map': 'features.s16'}, (frames,), {'frames': {0: B}}),
        GraphSpec('box', 'box.onnx', GivenBox(model), {'boxes': 'boxes'}, {'embeds': 'embeds'}, (torch.tensor([[0.1, 0.2, 0.5, 0.6], [0.3, 0.3, 0.9, 0.8]]),), {'boxes': {0: Q}}),
        GraphSpec('region.main', 'region.onnx', Region(model), {'state': 'state'}, {'boxes': 'boxes', 'scores': 'scores', 'object': 'object'}, (state,), {'state': {0: Q}}),
    ]
