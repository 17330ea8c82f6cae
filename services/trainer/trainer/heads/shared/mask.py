"""The mask head over a shared map, frame by frame with a memory of one token a frame: SAM 2's shape, as small as a test needs and a phrase allows.

A prompt is two tokens of words, from a task state or, where a thing is drawn, learned ones; and behind them the drawing, cell by cell: a box, points or a
mask. The drawing counts on its own frame only: cells see it, and the head looks for what lies under it. Later frames go by the memory.

For masks of SAM's sharpness a bundle takes its mask part from SAM 2.1 or EdgeTAM instead; the state that prompts it is the same.
"""
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.heads.mask import Masks
from trainer.heads.shared import drawn
from trainer.heads.shared.centred import Centred
from trainer.heads.shared.conditioned import Adapter, Conditioned

WORDS = 2      # tokens of a prompt before the drawing
FORGET = 0.1   # how much an entry's weight falls with every frame of age


class SharedMaskHead(nn.Module):
    task = 'mask'

    def __init__(self, channels: int, state: int, width: int, grid: int) -> None:
        super().__init__()
        self.width, self.grid = width, grid
        self.centred, self.adapter, self.conditioned = Centred(state), Adapter(channels, width), Conditioned(4 * width, width)
        self.from_state = nn.Sequential(nn.Linear(state, width), nn.GELU(), nn.Linear(width, WORDS * width))
        self.pointed = nn.Parameter(torch.randn(WORDS, width) * 0.02)
        self.draw, self.under = nn.Conv2d(1, width, 3, padding=1), nn.Linear(width, width)
        self.finer = nn.ConvTranspose2d(width, width, 2, 2)
        self.pixel = nn.Linear(4 * width, width)
        self.judge = nn.Sequential(nn.Linear(6 * width + 1, width), nn.GELU(), nn.Linear(width, 2))
        self.write = nn.Linear(2 * width + 1, width)
        self.relevance = nn.Linear(width, width)

    @property
    def prompt_tokens(self) -> int:
        """Words, and as many as hold a drawing."""
        return WORDS - (-self.grid ** 2 // self.width)

    def prompt_state(self, state: Tensor) -> Tensor:
        """(Q, d) → (Q, k, c)."""
        words = self.from_state(self.centred(state)).unflatten(-1, (WORDS, self.width))
        return F.pad(words, (0, 0, 0, self.prompt_tokens - WORDS))

    def prompt_boxes(self, boxes: Tensor) -> Tensor:
        """(Q, 4) xyxy 0–1 → (Q, k, c)."""
        return self.prompt_drawn(drawn.of_boxes(boxes, self.grid))

    def prompt_points(self, points: Tensor) -> Tensor:
        """(Q, n, 3) x, y, label (1 inside, 0 outside, −1 padding) → (Q, k, c)."""
        return self.prompt_drawn(drawn.of_points(points, self.grid))

    def prompt_mask(self, mask: Tensor) -> Tensor:
        """(Q, 2G, 2G) logits, as `decode` gives them → (Q, k, c)."""
        return self.prompt_drawn(drawn.of_masks(mask))

    def prompt_drawn(self, cells: Tensor) -> Tensor:
        """(Q, G, G) −1…1 → (Q, k, c)."""
        tokens = self.prompt_tokens - WORDS
        flat = F.pad(cells.flatten(1), (0, tokens * self.width - self.grid ** 2)).unflatten(1, (tokens, self.width))
        return torch.cat([self.pointed.expand(cells.shape[0], -1, -1), flat], 1)

    def decode(self, features: Tensor, prompt: Tensor, age: Tensor, tokens: Tensor, valid: Tensor, ages: Tensor) -> Masks:
        """features (Q or 1, D, G, G), prompt (Q, k, c), its age (Q), memory tokens (Q, M, 1, c), valid and ages (Q, M)."""
        words, kept = prompt[:, :WORDS], tokens[:, :, 0]                                  # (Q, 2, c), (Q, M, c)
        asks = words.mean(1) / (1 + FORGET * age[:, None])
        scores = (self.relevance(asks)[:, None] * kept).sum(-1) / self.width ** 0.5 - FORGET * ages + (valid - 1) * 1e4
        weights = scores.softmax(-1) * valid
        now = (age < 0.5).to(prompt.dtype)[:, None, None, None]
        drawing = prompt[:, WORDS:].flatten(1)[:, :self.grid ** 2].unflatten(1, (1, self.grid, self.grid)) * now
        maps = self.adapter(features)
        vector = torch.cat([words.flatten(1), (weights[..., None] * kept).sum(1), self.under(beneath(maps, drawing))], 1)  # (Q, 4c)
        x, match = self.conditioned(maps + self.draw(drawing), vector)
        fine = F.gelu(self.finer(x))                                                     # (Q, c, 2G, 2G)
        mask = (fine * self.pixel(vector)[:, :, None, None]).sum(1) / self.width ** 0.5 + F.interpolate(match, scale_factor=2.0, mode='nearest')[:, 0]
        inside = mask.sigmoid()[:, None]
        pooled = (fine * inside).sum((2, 3)) / inside.sum((2, 3)).clamp(min=1e-3)
        judged = self.judge(torch.cat([pooled, x.mean((2, 3)), vector, mask.amax((1, 2))[:, None]], 1))
        return Masks(mask, judged[:, 0], judged[:, 1])

    def memorise(self, features: Tensor, mask: Tensor, present: Tensor) -> Tensor:
        """mask (Q, 2G, 2G) logits, present (Q) probability → (Q, 1, c): what the thing looked like, and whether it was there."""
        x = self.adapter(features)
        share = drawn.of_masks(mask)[:, None] * present[:, None, None, None]
        return self.write(torch.cat([beneath(x, share), x.mean((2, 3)).expand(mask.shape[0], -1), present[:, None]], 1))[:, None]

    def nothing(self, rows: int, entries: int) -> tuple[Tensor, Tensor, Tensor]:
        """A memory of `entries` that holds nothing: tokens, valid, ages."""
        like = self.write.weight
        return like.new_zeros(rows, entries, 1, self.width), like.new_zeros(rows, entries), like.new_zeros(rows, entries)


def beneath(maps: Tensor, share: Tensor) -> Tensor:
    """maps (Q or 1, c, G, G), share (Q, 1, G, G) → the mean of the cells that it covers (Q, c); what lies outside counts for nothing."""
    covers = share.clamp(min=0)
    return (maps * covers).sum((2, 3)) / covers.sum((2, 3)).clamp(min=1e-3)
