"""The mask head over a shared map, frame by frame with a memory of one token a frame: SAM 2's shape, as small as a test needs and a phrase allows.

For masks of SAM's sharpness a bundle takes its mask part from SAM 2.1 or EdgeTAM instead; the state that prompts it is the same.
"""
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.heads.mask import Masks
from trainer.heads.shared.centred import Centred
from trainer.heads.shared.conditioned import Adapter, Conditioned

PROMPT = 2     # tokens of a prompt
FORGET = 0.1   # how much an entry's weight falls with every frame of age


class SharedMaskHead(nn.Module):
    task = 'mask'

    def __init__(self, channels: int, state: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.centred, self.adapter, self.conditioned = Centred(state), Adapter(channels, width), Conditioned(3 * width, width)
        self.from_state = nn.Sequential(nn.Linear(state, width), nn.GELU(), nn.Linear(width, PROMPT * width))
        self.from_box = nn.Sequential(nn.Linear(8, width), nn.GELU(), nn.Linear(width, PROMPT * width))
        self.finer = nn.ConvTranspose2d(width, width, 2, 2)
        self.pixel = nn.Linear(3 * width, width)
        self.judge = nn.Sequential(nn.Linear(5 * width + 1, width), nn.GELU(), nn.Linear(width, 2))
        self.write = nn.Linear(2 * width + 1, width)
        self.relevance = nn.Linear(width, width)

    def prompt_state(self, state: Tensor) -> Tensor:
        """(Q, d) → (Q, k, c)."""
        return self.from_state(self.centred(state)).unflatten(-1, (PROMPT, self.width))

    def prompt_boxes(self, boxes: Tensor) -> Tensor:
        """(Q, 4) xyxy 0–1 → (Q, k, c)."""
        return self.from_box(torch.cat([boxes, (boxes * torch.pi).sin()], 1)).unflatten(-1, (PROMPT, self.width))

    def decode(self, features: Tensor, prompt: Tensor, age: Tensor, tokens: Tensor, valid: Tensor, ages: Tensor) -> Masks:
        """features (Q or 1, D, G, G), prompt (Q, k, c), its age (Q), memory tokens (Q, M, 1, c), valid and ages (Q, M)."""
        kept = tokens[:, :, 0]                                                           # (Q, M, c)
        asks = prompt.mean(1) / (1 + FORGET * age[:, None])
        scores = (self.relevance(asks)[:, None] * kept).sum(-1) / self.width ** 0.5 - FORGET * ages + (valid - 1) * 1e4
        weights = scores.softmax(-1) * valid
        vector = torch.cat([prompt.flatten(1), (weights[..., None] * kept).sum(1)], 1)    # (Q, 3c)
        x, match = self.conditioned(self.adapter(features), vector)
        fine = F.gelu(self.finer(x))                                                     # (Q, c, 2G, 2G)
        mask = (fine * self.pixel(vector)[:, :, None, None]).sum(1) / self.width ** 0.5 + F.interpolate(match, scale_factor=2.0, mode='nearest')[:, 0]
        inside = mask.sigmoid()[:, None]
        pooled = (fine * inside).sum((2, 3)) / inside.sum((2, 3)).clamp(min=1e-3)
        judged = self.judge(torch.cat([pooled, x.mean((2, 3)), vector, mask.amax((1, 2))[:, None]], 1))
        return Masks(mask, judged[:, 0], judged[:, 1])

    def memorise(self, features: Tensor, mask: Tensor, present: Tensor) -> Tensor:
        """mask (Q, 2G, 2G) logits, present (Q) probability → (Q, 1, c): what the thing looked like, and whether it was there."""
        x = self.adapter(features)
        share = F.avg_pool2d(mask.sigmoid()[:, None], 2) * present[:, None, None, None]
        thing = (x * share).sum((2, 3)) / share.sum((2, 3)).clamp(min=1e-3)
        return self.write(torch.cat([thing, x.mean((2, 3)).expand(mask.shape[0], -1), present[:, None]], 1))[:, None]

    def nothing(self, rows: int, entries: int) -> tuple[Tensor, Tensor, Tensor]:
        """A memory of `entries` that holds nothing: tokens, valid, ages."""
        like = self.write.weight
        return like.new_zeros(rows, entries, 1, self.width), like.new_zeros(rows, entries), like.new_zeros(rows, entries)
