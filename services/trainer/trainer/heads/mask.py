"""The mask head: outlines in the prompted frame, and through the frames after it with a memory (the shape of SAM 2, arXiv 2408.00714, made small).

Parts, as docs/design/bundle.md names them: `prompt.*` turns a task embedding, a box, points or a mask into prompt tokens; `decode` reads one frame
with the prompt and the memory; `memory` writes what was found for later frames. Where the paper's release imitates SAM 2's box prompt (arXiv
2412.19326, section 3.1), this head is trained on pixels, through several frames of its own memory.

A memory entry keeps what the thing looks like in the words' own space (its mean match vector and colours), so that a thing without words is found again
after it was hidden, its outline, which is drawn as a prompt in the next frame, and what else looks like it (`heads/reach.py`). Where it is not seen, the
entry hands on what was known before.

A prompt is two tokens: the task embedding (and a flag that there is one), and the prompt drawn on the 20×20 grid, which counts on its own frame only.
"""
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.backbones.nano_eyes import HeadMap
from trainer.backbones.nano_neck import FOLDED, Separable, norm, up_by
from trainer.config import NanoConfig
from trainer.heads.conditioning import Conditioning, dot, rows_of
from trainer.heads.reach import ALIKE, THERE, middle, out_of_reach, rivals_of, taken
from trainer.vocabulary import COLOURS

PROMPT_TOKENS = 2
KEY = 32
AGES = 8
BEYOND = 20.0       # logits
DETAIL = 40
COURSE = 3          # numbers kept beside an outline: frames since it was seen, and its way a frame, x and y in cells


class Masks(NamedTuple):
    mask: Tensor    # (Q, 4G, 4G) logits
    iou: Tensor     # (Q) logit of the outline's IoU
    object: Tensor  # (Q) logit of presence


class Memory(NamedTuple):
    tokens: Tensor  # (Q, M, m, c)
    valid: Tensor   # (Q, M) 0/1
    age: Tensor     # (Q, M) frames ago


class Known(NamedTuple):
    """What the newest entry says."""
    outline: Tensor   # (Q, 1, G, G) share of each cell, when last seen
    since: Tensor     # (Q) frames ago, 1 where it was seen in the frame before
    velocity: Tensor  # (Q, 2) cells a frame
    rivals: Tensor    # (Q, 1, G, G) 0/1
    look: Tensor      # (Q, looks)


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
        self.detail = nn.Sequential(nn.Conv2d(f // 2 + 1 + FOLDED, DETAIL, 1), Separable(DETAIL), Separable(DETAIL), nn.GELU(), nn.Conv2d(DETAIL, 4, 3, padding=1))
        nn.init.normal_(self.detail[-1].weight, std=1e-3)  # it begins as the outline on cells of twice the size
        nn.init.zeros_(self.detail[-1].bias)
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
        """Tokens that keep the outline itself, cell by cell, and its course; as many keep its rivals."""
        return -(-(self.config.grid ** 2 + COURSE) // self.config.memory)

    @property
    def looks(self) -> int:
        """How many numbers say what a thing looks like."""
        return self.config.match + len(COLOURS) + 1

    @property
    def memory_tokens(self) -> int:
        return self.read_tokens + 2 * self.outline_tokens + -(-self.looks // self.config.memory)

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
        """(Q, 4G, 4G) logits, as `decode` gives them."""
        return self.prompt_drawn(F.avg_pool2d(mask.sigmoid()[:, None], 4)[:, 0])

    def decode(self, maps: HeadMap, skip: Tensor, prompt: Tensor, age: Tensor, memory: Memory, frame: Tensor | None = None) -> Masks:
        """maps, skip of P frames; frame (Q) which of them each query reads; prompt (Q, 2, G·G); age (Q) frames since the prompt."""
        d, g, rows = self.config.width, self.config.grid, prompt.shape[0]
        state, trust = prompt[:, 0, :d], prompt[:, 0, d]
        x, heats = self.conditioning(maps, state, frame, trust)
        given = (age < 0.5).to(x.dtype)[:, None, None, None]
        known = self.known(memory)
        again = known.outline * (1 - given)
        drawn = prompt[:, 1].view(rows, 1, g, g) * given + again
        now = torch.maximum(given, (again.amax((1, 2, 3), keepdim=True) > 0).to(x.dtype))
        x = x + self.draw(torch.cat([drawn, now.expand(-1, -1, g, g)], 1)) + self.read(self.recall(rows_of(maps.features, frame, rows), memory, trust))
        x = x + self.similar(self.likeness(maps, memory, frame))
        x = self.trunk(x)
        rough = self.rough(x)
        if not self.training:  # frames of a lesson lie further apart than those of a stream
            # A phrase is looked for anew in every frame: what it began with in error must not bar the way to what it means.
            elsewhere = taken(known.rivals, known.outline, known.since, known.velocity) * (1 - given) * (1 - trust)[:, None, None, None]
            rough = rough - BEYOND * torch.maximum(out_of_reach(rough, again, known.since), elsewhere)
        picture, sharp = rows_of(skip, frame, rows).split([FOLDED, skip.shape[1] - FOLDED], 1)
        covered = sharp[:, -2:-1]                                           # where any thing is: an outline ends where things end
        lines = self.outline[:-1](torch.cat([up_by(self.narrow(x), 2), sharp], 1))
        coarse = self.outline[-1](lines) + up_by(rough, 2) + covered * self.cover                          # (Q, 1, 2G, 2G)
        detail = self.detail(torch.cat([lines, coarse.clamp(-8, 8) / 4, picture], 1))                      # of each cell its four quarters
        mask = (up_by(coarse, 2) + F.pixel_shuffle(detail, 2))[:, 0]
        weight = rough.flatten(2).softmax(-1)
        pooled = torch.cat([(x.flatten(2) * weight).sum(-1), x.mean((2, 3)), rough.amax((2, 3)), heats.amax(1).amax((1, 2))[:, None]], 1)
        judged = self.judge(pooled)
        return Masks(mask, judged[:, 0], judged[:, 1])

    def known(self, memory: Memory) -> Known:
        """Nothing where there is no entry."""
        cells, n, m = self.config.grid ** 2, self.read_tokens, self.outline_tokens
        newest = (memory.valid * (1000 - memory.age)).argmax(1)[:, None]                           # (Q, 1)
        here = memory.valid.gather(1, newest)                                                      # (Q, 1)
        entry = memory.tokens.gather(1, newest[..., None, None].expand(-1, -1, *memory.tokens.shape[2:]))[:, 0] * here[..., None]
        drawn, rivals, look = (part.flatten(1) for part in entry[:, n:].split([m, m, entry.shape[1] - n - 2 * m], 1))
        outline, since, velocity, _ = drawn.split([cells, 1, 2, drawn.shape[1] - cells - COURSE], 1)
        square = lambda values: values.unflatten(1, (1, self.config.grid, self.config.grid))
        return Known(square(outline), (since + memory.age.gather(1, newest))[:, 0], velocity, square(rivals[:, :cells]), look[:, :self.looks])

    def likeness(self, maps: HeadMap, memory: Memory, frame: Tensor | None) -> Tensor:
        """How much each cell looks like the thing did, by shape and by colour, and whether there is a look to go by: (Q, 3, G, G)."""
        looks = memory.tokens[:, :, self.read_tokens + 2 * self.outline_tokens:].flatten(2)[..., :self.looks]   # (Q, M, looks)
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

    def memorise(self, maps: HeadMap, mask: Tensor, present: Tensor, memory: Memory, frame: Tensor | None = None) -> Tensor:
        """mask (Q, 4G, 4G) logits, present (Q) probability, memory as `decode` had it → tokens (Q, m, c): a 10×10 picture of it, one pointer, its outline, its rivals, its look."""
        features = rows_of(maps.features, frame, mask.shape[0])
        share = F.avg_pool2d(mask.sigmoid()[:, None], 4) * present[:, None, None, None]
        written = F.avg_pool2d(self.write(torch.cat([features, features * share, share], 1)), 2) + self.where_memory
        weight = share / share.sum((2, 3), keepdim=True).clamp(min=1e-3)
        pointer = self.pointer(torch.cat([(features * weight).sum((2, 3)), present[:, None]], 1))
        return torch.cat([written.flatten(2).transpose(1, 2), pointer[:, None], *self.whereabouts(maps, share, present, self.known(memory), frame)], 1)

    def whereabouts(self, maps: HeadMap, share: Tensor, present: Tensor, known: Known, frame: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Outline with its course, rivals and look, each (Q, tokens, c)."""
        seen = (share.sum((2, 3), keepdim=True) > 1).to(share.dtype)                               # (Q, 1, 1, 1)
        sure = seen * (present >= 0.5).to(share.dtype)[:, None, None, None]
        flat = sure[:, :, 0, 0]                                                                    # (Q, 1)
        outline = share * sure + known.outline * (1 - sure)
        since = known.since[:, None] * (1 - flat)
        there, was = (share > THERE).to(share.dtype), (known.outline > THERE).to(share.dtype)
        steady = flat * (known.since < 1.5).to(share.dtype)[:, None] * (was.sum((2, 3)) > 0).to(share.dtype)
        velocity = (middle(there) - middle(was)) * steady
        cells = cells_of(maps)
        weight = (share * seen / share.sum((2, 3), keepdim=True).clamp(min=1e-3)).flatten(2)       # (Q, 1, G·G)
        told = torch.cat([cells, maps.colour.softmax(1)], 1)                                       # (P, looks, G, G)
        own = (rows_of(told, frame, share.shape[0]).flatten(2) * weight).sum(-1)                   # (Q, looks)
        fresh = seen[:, :, 0, 0]
        look = own * fresh + known.look * (1 - fresh)
        cosine = dot(F.normalize(cells, dim=1), F.normalize(look[:, :self.config.match], dim=1), frame)
        rivals = rivals_of((cosine > ALIKE).to(share.dtype), share, sure, known.rivals, taken(known.rivals, known.outline, known.since, known.velocity))
        return (self.as_tokens(torch.cat([outline.flatten(1), since, velocity], 1), self.outline_tokens), self.as_tokens(rivals.flatten(1), self.outline_tokens),
                self.as_tokens(look, -(-self.looks // self.config.memory)))

    def as_tokens(self, values: Tensor, tokens: int) -> Tensor:
        """(Q, n) → (Q, tokens, c)"""
        return F.pad(values, (0, tokens * self.config.memory - values.shape[1])).unflatten(1, (tokens, -1))

    def no_memory(self, rows: int, entries: int = 1) -> Memory:
        return Memory(torch.zeros(rows, entries, self.memory_tokens, self.config.memory), torch.zeros(rows, entries), torch.zeros(rows, entries))


def cells_of(maps: HeadMap) -> Tensor:
    """The match map as it is compared with nouns: (P, M, G, G)."""
    return F.layer_norm(maps.match.movedim(1, -1), (maps.match.shape[1],)).movedim(-1, 1)
