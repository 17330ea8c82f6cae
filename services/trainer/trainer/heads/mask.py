"""The mask head: outlines in the prompted frame, and through the frames after it with a memory (the shape of SAM 2, arXiv 2408.00714, made small).

Parts, as docs/design/bundle.md names them: `prompt.*` turns a task embedding, a box, points or a mask into prompt tokens; `decode` reads one frame
with the prompt and the memory; `memory` writes what was found for later frames. Where the paper's release imitates SAM 2's box prompt (arXiv
2412.19326, section 3.1), this head is trained on pixels, through several frames of its own memory.

A memory entry keeps what the thing looks like in the words' own space (its mean match vector and colours), so that a thing without words is found again
after it was hidden, and its outline, which is drawn as a prompt in the next frame.

A prompt is two tokens: the task embedding (and a flag that there is one), and the prompt drawn on the 20×20 grid, which counts on its own frame only.
"""
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.backbones.nano_eyes import HeadMap
from trainer.backbones.nano_neck import Separable, norm, up_by
from trainer.config import NanoConfig
from trainer.heads.conditioning import Conditioning, dot, rows_of
from trainer.vocabulary import COLOURS

PROMPT_TOKENS = 2
KEY = 32
AGES = 8
STEP, LEAP = 2, 4   # cells of twenty that a thing goes from one frame to the next, and that it may be off when seen again
GONE = 8.5          # frames after which it may be anywhere
BEYOND = 20.0       # logits


class Masks(NamedTuple):
    mask: Tensor    # (Q, 2G, 2G) logits
    iou: Tensor     # (Q) logit of the outline's IoU
    object: Tensor  # (Q) logit of presence


class Memory(NamedTuple):
    tokens: Tensor  # (Q, M, m, c)
    valid: Tensor   # (Q, M) 0/1
    age: Tensor     # (Q, M) frames ago


class MaskHead(nn.Module):
    task = 'mask'

    def __init__(self, config: NanoConfig, conditioning: Conditioning) -> None:
        super().__init__()
        f, g, c = config.features, config.grid, config.memory
        self.config, self.conditioning = config, conditioning
        self.draw = nn.Conv2d(2, f, 3, padding=1)
        self.query = nn.Conv2d(f, KEY, 1)
        self.key, self.value = nn.Linear(c, KEY), nn.Linear(c, f)
        self.read = nn.Conv2d(f, f, 1)
        self.age = nn.Parameter(torch.zeros(AGES))
        self.nothing = nn.Parameter(torch.zeros(f))
        self.where = nn.Parameter(torch.randn(KEY, g, g) * 0.1)
        self.similar = nn.Conv2d(3, f, 1)
        self.trunk = nn.Sequential(norm(f), Separable(f), Separable(f, dilation=2), Separable(f))
        self.rough = nn.Conv2d(f, 1, 1)
        self.outline = nn.Sequential(nn.Conv2d(f // 2 + config.skip + 2, f // 2, 1), Separable(f // 2), nn.GELU(), nn.Conv2d(f // 2, 1, 3, padding=1))
        self.narrow = nn.Conv2d(f, f // 2, 1)
        self.cover = nn.Parameter(torch.tensor(0.5))
        self.judge = nn.Sequential(nn.Linear(2 * f + 2, f), nn.GELU(), nn.Linear(f, 2))  # IoU, presence
        self.write = nn.Sequential(nn.Conv2d(2 * f + 1, f, 1), nn.GELU(), Separable(f), nn.Conv2d(f, c, 1))
        self.where_memory = nn.Parameter(torch.randn(c, g // 2, g // 2) * 0.1)
        self.pointer = nn.Linear(f + 1, c)

    @property
    def read_tokens(self) -> int:
        """Tokens that the cells attend to: a 10×10 picture of the thing and one pointer."""
        return (self.config.grid // 2) ** 2 + 1

    @property
    def outline_tokens(self) -> int:
        """Tokens that keep the outline itself, cell by cell."""
        return -(-self.config.grid ** 2 // self.config.memory)

    @property
    def looks(self) -> int:
        """How many numbers say what a thing looks like."""
        return self.config.match + len(COLOURS) + 1

    @property
    def memory_tokens(self) -> int:
        return self.read_tokens + self.outline_tokens + -(-self.looks // self.config.memory)

    def prompt_state(self, state: Tensor) -> Tensor:
        """(Q, d) → prompt (Q, 2, G·G)."""
        cells = self.config.grid ** 2
        first = torch.cat([state, torch.ones_like(state[:, :1])], 1)
        return torch.stack([F.pad(first, (0, cells - first.shape[1])), torch.zeros_like(state[:, :1]).expand(-1, cells)], 1)

    def prompt_drawn(self, drawn: Tensor) -> Tensor:
        """A drawing (Q, G, G) in −1..1 → prompt (Q, 2, G·G), with no state."""
        flat = drawn.flatten(1)
        return torch.stack([torch.zeros_like(flat), flat], 1)

    def prompt_boxes(self, boxes: Tensor) -> Tensor:
        """(Q, 4) xyxy 0–1: the share of every cell that the box covers."""
        g = self.config.grid
        low = torch.arange(g, device=boxes.device, dtype=boxes.dtype)
        scaled = boxes * g
        x = (torch.minimum(scaled[:, 2:3], low + 1) - torch.maximum(scaled[:, 0:1], low)).clamp(0, 1)  # (Q, G)
        y = (torch.minimum(scaled[:, 3:4], low + 1) - torch.maximum(scaled[:, 1:2], low)).clamp(0, 1)
        return self.prompt_drawn(y[:, :, None] * x[:, None, :])

    def prompt_points(self, points: Tensor) -> Tensor:
        """(Q, n, 3) x, y, label: a bump at each point, upwards inside (1), downwards outside (0), none for padding (−1)."""
        g = self.config.grid
        centre = torch.arange(g, device=points.device, dtype=points.dtype) + 0.5
        x = torch.exp(-((points[..., 0:1] * g - centre) ** 2) / 2)  # (Q, n, G)
        y = torch.exp(-((points[..., 1:2] * g - centre) ** 2) / 2)
        label = points[..., 2]
        sign = (label > 0.5).to(points.dtype) - ((label > -0.5) & (label < 0.5)).to(points.dtype)
        return self.prompt_drawn(torch.einsum('qny,qnx,qn->qyx', y, x, sign).clamp(-1, 1))

    def prompt_mask(self, mask: Tensor) -> Tensor:
        """(Q, 2G, 2G) logits, as `decode` gives them."""
        return self.prompt_drawn(F.avg_pool2d(mask.sigmoid()[:, None], 2)[:, 0])

    def decode(self, maps: HeadMap, skip: Tensor, prompt: Tensor, age: Tensor, memory: Memory, frame: Tensor | None = None) -> Masks:
        """maps, skip of P frames; frame (Q) which of them each query reads; prompt (Q, 2, G·G); age (Q) frames since the prompt."""
        d, g, rows = self.config.width, self.config.grid, prompt.shape[0]
        state, trust = prompt[:, 0, :d], prompt[:, 0, d]
        x, heats = self.conditioning(maps, state, frame, trust)
        now = (age < 0.5).to(x.dtype)[:, None, None, None]
        again, since = self.last_outline(memory)
        again = again * (1 - now)
        drawn = prompt[:, 1].view(rows, 1, g, g) * now + again
        now = torch.maximum(now, (again.amax((1, 2, 3), keepdim=True) > 0).to(x.dtype))
        x = x + self.draw(torch.cat([drawn, now.expand(-1, -1, g, g)], 1)) + self.read(self.recall(rows_of(maps.features, frame, rows), memory, trust))
        x = x + self.similar(self.likeness(maps, memory, frame))
        x = self.trunk(x)
        rough = self.rough(x)
        if not self.training:  # frames of a lesson lie further apart than those of a stream
            rough = rough - BEYOND * out_of_reach(rough, again, since)
        sharp = rows_of(skip, frame, rows)
        covered = sharp[:, -2:-1]                                           # where any thing is: an outline ends where things end
        mask = (self.outline(torch.cat([up_by(self.narrow(x), 2), sharp], 1)) + up_by(rough, 2) + covered * self.cover)[:, 0]
        weight = rough.flatten(2).softmax(-1)
        pooled = torch.cat([(x.flatten(2) * weight).sum(-1), x.mean((2, 3)), rough.amax((2, 3)), heats.amax(1).amax((1, 2))[:, None]], 1)
        judged = self.judge(pooled)
        return Masks(mask, judged[:, 0], judged[:, 1])

    def last_outline(self, memory: Memory) -> tuple[Tensor, Tensor]:
        """Where the thing was when last seen, drawn as a prompt: (Q, 1, G, G), and how many frames ago: (Q). It is prompted anew with itself in every frame."""
        g = self.config.grid
        outlines = memory.tokens[:, :, self.read_tokens:].flatten(2)[..., :g * g]                  # (Q, M, G·G)
        seen = memory.valid * (outlines.sum(2) > 1).to(outlines.dtype)
        latest = (seen * (1000 - memory.age)).argmax(1)                                            # (Q)
        chosen = outlines.gather(1, latest[:, None, None].expand(-1, 1, g * g)) * seen.amax(1)[:, None, None]
        return chosen.view(-1, 1, g, g), memory.age.gather(1, latest[:, None])[:, 0]

    def likeness(self, maps: HeadMap, memory: Memory, frame: Tensor | None) -> Tensor:
        """How much each cell looks like the thing did, by shape and by colour, and whether there is a look to go by: (Q, 3, G, G)."""
        looks = memory.tokens[:, :, self.read_tokens + self.outline_tokens:].flatten(2)[..., :self.looks]   # (Q, M, looks)
        known = memory.valid * (looks.abs().sum(2) > 0).to(looks.dtype)                            # (Q, M)
        mean = (looks * known[..., None]).sum(1) / known.sum(1, keepdim=True).clamp(min=1)
        shape, colour = mean.split([self.config.match, len(COLOURS) + 1], 1)
        flag = known.amax(1)[:, None, None, None].expand(-1, 1, self.config.grid, self.config.grid)
        return torch.cat([dot(cells_of(maps), shape, frame) / self.config.match ** 0.5, dot(maps.colour.softmax(1), colour, frame) * 2, flag], 1)

    def recall(self, features: Tensor, memory: Memory, trust: Tensor) -> Tensor:
        """Cells ask the memory what was there: attention over all entries' tokens → (Q, F, G, G). Only where there are words: see `last_outline`."""
        g, (q, m, _, c), n = self.config.grid, memory.tokens.shape, self.read_tokens
        query = (self.query(features) + self.where).flatten(2).transpose(1, 2)  # (Q, G·G, KEY)
        tokens = memory.tokens[:, :, :n].reshape(q, m * n, c)
        old = self.age[memory.age.long().clamp(0, AGES - 1)] + (memory.valid - 1) * 1e4            # (Q, M)
        bias = old[:, :, None].expand(-1, -1, n).reshape(q, 1, m * n)
        weights = (query @ self.key(tokens).transpose(1, 2) / KEY ** 0.5 + bias).softmax(-1)       # (Q, G·G, M·m)
        any_entry = (memory.valid.amax(1) * trust)[:, None, None]
        found = weights @ self.value(tokens) * any_entry + self.nothing * (1 - any_entry)
        return found.transpose(1, 2).unflatten(2, (g, g))

    def memorise(self, maps: HeadMap, mask: Tensor, present: Tensor, frame: Tensor | None = None) -> Tensor:
        """mask (Q, 2G, 2G) logits, present (Q) probability → memory tokens (Q, m, c): a 10×10 picture of it, one pointer, its outline."""
        features = rows_of(maps.features, frame, mask.shape[0])
        share = F.avg_pool2d(mask.sigmoid()[:, None], 2) * present[:, None, None, None]
        written = F.avg_pool2d(self.write(torch.cat([features, features * share, share], 1)), 2) + self.where_memory
        weight = share / share.sum((2, 3), keepdim=True).clamp(min=1e-3)
        pointer = self.pointer(torch.cat([(features * weight).sum((2, 3)), present[:, None]], 1))
        outline = F.pad(share.flatten(1), (0, self.outline_tokens * self.config.memory - self.config.grid ** 2)).unflatten(1, (self.outline_tokens, -1))
        return torch.cat([written.flatten(2).transpose(1, 2), pointer[:, None], outline, self.look_of(maps, share, frame)], 1)

    def look_of(self, maps: HeadMap, share: Tensor, frame: Tensor | None) -> Tensor:
        """Mean match vector and colours under the outline, nothing where too little of it was seen: (Q, tokens, c)."""
        seen = share * (share.sum((2, 3), keepdim=True) > 1).to(share.dtype)
        weight = (seen / seen.sum((2, 3), keepdim=True).clamp(min=1e-3)).flatten(2)                # (Q, 1, G·G)
        cells = torch.cat([cells_of(maps), maps.colour.softmax(1)], 1)                             # (P, looks, G, G)
        look = (rows_of(cells, frame, share.shape[0]).flatten(2) * weight).sum(-1)                 # (Q, looks)
        tokens = -(-self.looks // self.config.memory)
        return F.pad(look, (0, tokens * self.config.memory - self.looks)).unflatten(1, (tokens, -1))

    def no_memory(self, rows: int, entries: int = 1) -> Memory:
        return Memory(torch.zeros(rows, entries, self.memory_tokens, self.config.memory), torch.zeros(rows, entries), torch.zeros(rows, entries))


def out_of_reach(rough: Tensor, last: Tensor, since: Tensor) -> Tensor:
    """Where a thing cannot be, having been at `last` a moment ago: rough and last (Q, 1, G, G), since (Q) frames → (Q, 1, G, G) 0–1.

    Things of one look are told apart by this alone. Within a step's reach something sure rules out all that lies beyond; a longer way off it is
    looked for at once only where it has been gone for a while.
    """
    was = (last > 0.3).to(rough.dtype)
    known = was.amax((1, 2, 3), keepdim=True)
    step, leap = (F.max_pool2d(was, 2 * cells + 1, 1, cells) for cells in (STEP, LEAP))
    sure = ((rough + (step - 1) * 1e4).amax((1, 2, 3), keepdim=True)).sigmoid()
    recent = (since < GONE).to(rough.dtype)[:, None, None, None]
    return known * torch.maximum((1 - step) * sure, (1 - leap) * recent)


def cells_of(maps: HeadMap) -> Tensor:
    """The match map as it is compared with nouns: (P, M, G, G)."""
    return F.layer_norm(maps.match.movedim(1, -1), (maps.match.shape[1],)).movedim(-1, 1)
