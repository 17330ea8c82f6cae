"""The moment head over a backbone's visual tokens: every frame asks its own with the state, a small transformer looks over the frames."""
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.heads.moment import MomentFrames, Moments
from trainer.heads.shared.centred import Centred

HEADS = 4


class SharedMomentHead(nn.Module):
    task = 'moment'

    def __init__(self, visual: int, state: int, width: int, spans: int = 10) -> None:
        super().__init__()
        self.spans = spans
        self.norm, self.centred = nn.LayerNorm(visual), Centred(state)
        self.query, self.state = nn.Linear(state, width), nn.Linear(state, width)
        self.key, self.value = nn.Linear(visual, width), nn.Linear(visual, width)
        self.time = nn.Linear(5, width)
        layer = lambda: nn.TransformerEncoderLayer(width, HEADS, 2 * width, dropout=0.0, activation='gelu', batch_first=True, norm_first=True)
        self.layers = nn.ModuleList(layer() for _ in range(2))
        self.outputs = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 4))
        self.presence = nn.Sequential(nn.Linear(width + state, width), nn.GELU(), nn.Linear(width, 1))

    def frames(self, visual: Tensor, times: Tensor, state: Tensor) -> MomentFrames:
        """visual (Q or 1, T, N, C), times (Q or 1, T) ms relative to the last, state (Q, d)."""
        seen, state = self.norm(visual), self.centred(state)
        asks = self.query(state)[:, None, None]                                          # (Q, 1, 1, W)
        match = (asks * self.key(seen)).sum(-1) / asks.shape[-1] ** 0.5                   # (Q, T, N)
        read = (match.softmax(-1)[..., None] * self.value(seen)).sum(2)
        along = fractions(times)[..., None]                                              # (Q or 1, T, 1)
        waves = torch.cat([along, (along * torch.pi).sin(), (along * torch.pi).cos(), (along * 2 * torch.pi).sin()], -1).expand(state.shape[0], -1, -1)
        x = read + self.state(state)[:, None] + self.time(torch.cat([waves, match.amax(-1, keepdim=True)], -1))
        for layer in self.layers:
            x = layer(x)
        out = self.outputs(x)                                                            # (Q, T, 4)
        frames = x.shape[1]
        here = torch.arange(frames, device=x.device, dtype=x.dtype)
        spans = torch.stack([here - F.softplus(out[..., 0]) * 2, here + F.softplus(out[..., 1]) * 2], -1).clamp(0, frames - 1)
        return MomentFrames(spans, out[..., 2], out[..., 3], self.presence(torch.cat([x.amax(1), state], 1))[:, 0])

    def forward(self, visual: Tensor, times: Tensor, state: Tensor) -> Moments:
        found = self.frames(visual, times, state)
        present = found.object.sigmoid()
        scores, chosen = found.scores.sigmoid().topk(min(self.spans, found.scores.shape[1]), dim=1)
        spans = found.spans.gather(1, chosen[..., None].expand(-1, -1, 2))                # between frames
        here = torch.arange(times.shape[1], device=spans.device, dtype=spans.dtype)
        hats = (1 - (spans[..., None] - here).abs()).clamp(min=0)                         # (Q, K, 2, T)
        return Moments((hats * fractions(times)[:, None, None]).sum(-1), scores * present[:, None], found.saliency.sigmoid() * present[:, None], present)


def fractions(times: Tensor) -> Tensor:
    """Times → fractions of the window from the first to the last frame."""
    return (times - times[:, :1]) / (times[:, -1:] - times[:, :1]).clamp(min=1e-6)
