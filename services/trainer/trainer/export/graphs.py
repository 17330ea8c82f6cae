"""The graphs of a bundle as small modules, each with its roles, an example and its dynamic axes (docs/design/bundle.md)."""
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from trainer.backbones.nano_eyes import FrozenEyes, NanoEyes, split_map
from trainer.export.conditional import Rare
from trainer.heads.mask import Memory
from trainer.model import TpoModel
from trainer.vocabulary import vocabulary

Q, S, P, B, M, N_POINTS = 'Q', 'S', 'P', 'B', 'M', 'n'


@dataclass
class GraphSpec:
    name: str                                  # 'vision', 'region.main', …
    file: str
    module: nn.Module
    inputs: dict[str, str]                     # graph input → role
    outputs: dict[str, str]                    # graph output → role
    example: tuple[Tensor, ...]
    dynamic: dict[str, dict[int, str]]         # input → axis → letter
    rare: Rare | None = None

    def golden(self) -> tuple[Tensor, ...]:
        """The example with one batch row: what goes to the golden files."""
        batched = any(B in axes.values() for axes in self.dynamic.values())
        return tuple(value[:1] for value in self.example) if batched else self.example


class Vision(nn.Module):
    def __init__(self, model: TpoModel, frozen: FrozenEyes) -> None:
        super().__init__()
        self.eyes = NanoEyes(model.config, frozen, model.backbone.encoder, model.backbone.neck, model.backbone.nouns, model.backbone.texture)

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.eyes(frames)


class Prefix(nn.Module):
    def __init__(self, model: TpoModel) -> None:
        super().__init__()
        self.words = model.backbone.words

    def forward(self, visual: Tensor, times: Tensor) -> Tensor:
        return self.words.prefix(visual, times)


class Embed(nn.Module):
    def __init__(self, model: TpoModel) -> None:
        super().__init__()
        self.words = model.backbone.words

    def forward(self, ids: Tensor, visual: Tensor) -> Tensor:
        return self.words(ids, visual, visual[:, :, 0, 0])


class Decoder(nn.Module):
    def __init__(self, model: TpoModel) -> None:
        super().__init__()
        self.backbone = model.backbone

    def forward(self, embeds: Tensor, lengths: Tensor, prefix: Tensor, *cache: Tensor) -> tuple[Tensor, ...]:
        past = list(zip(cache[0::2], cache[1::2]))
        done = self.backbone.decode(embeds, lengths, prefix, past)
        return done.logits, done.hidden, *(part for pair in done.cache for part in pair)


class Region(nn.Module):
    def __init__(self, model: TpoModel) -> None:
        super().__init__()
        self.head, self.config = model.region, model.config

    def forward(self, s8: Tensor, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.head(split_map(s8, self.config), state)


class PromptState(nn.Module):
    def __init__(self, model: TpoModel) -> None:
        super().__init__()
        self.head = model.mask

    def forward(self, state: Tensor) -> Tensor:
        return self.head.prompt_state(state)


class PromptBoxes(nn.Module):
    def __init__(self, model: TpoModel) -> None:
        super().__init__()
        self.head = model.mask

    def forward(self, boxes: Tensor) -> Tensor:
        return self.head.prompt_boxes(boxes)


class PromptPoints(nn.Module):
    def __init__(self, model: TpoModel) -> None:
        super().__init__()
        self.head = model.mask

    def forward(self, points: Tensor) -> Tensor:
        return self.head.prompt_points(points)


class PromptMask(nn.Module):
    def __init__(self, model: TpoModel) -> None:
        super().__init__()
        self.head = model.mask

    def forward(self, mask: Tensor) -> Tensor:
        return self.head.prompt_mask(mask)


class MaskDecode(nn.Module):
    def __init__(self, model: TpoModel) -> None:
        super().__init__()
        self.head, self.config = model.mask, model.config

    def forward(self, s8: Tensor, s4: Tensor, prompt: Tensor, age: Tensor, tokens: Tensor, valid: Tensor, ages: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        found = self.head.decode(split_map(s8, self.config), s4, prompt, age, Memory(tokens, valid, ages))
        return found.mask, found.iou.sigmoid(), found.object.sigmoid()


class MaskMemory(nn.Module):
    def __init__(self, model: TpoModel) -> None:
        super().__init__()
        self.head, self.config = model.mask, model.config

    def forward(self, s8: Tensor, mask: Tensor, present: Tensor, tokens: Tensor, valid: Tensor, ages: Tensor) -> Tensor:
        return self.head.memorise(split_map(s8, self.config), mask, present, Memory(tokens, valid, ages))


class Moment(nn.Module):
    def __init__(self, model: TpoModel) -> None:
        super().__init__()
        self.head = model.moment

    def forward(self, visual: Tensor, times: Tensor, state: Tensor) -> tuple[Tensor, ...]:
        return self.head(visual, times, state)


def graphs_of(model: TpoModel, frozen: FrozenEyes) -> list[GraphSpec]:
    c = model.config
    generator = torch.Generator().manual_seed(7)
    draw = lambda *shape: (torch.randn(*shape, generator=generator) * 4).round() / 4  # quarters: golden files of them stay small
    blocks = torch.randint(0, 256, (2, c.picture // 20, c.picture // 20, 3), generator=generator, dtype=torch.uint8)
    frames = blocks.repeat_interleave(20, 1).repeat_interleave(20, 2)
    with torch.no_grad():
        visual, s8, s4 = NanoEyes(c, frozen, model.backbone.encoder, model.backbone.neck, model.backbone.nouns, model.backbone.texture)(frames)
    clip = visual[:1].expand(c.frames, -1, -1)[None] + draw(1, c.frames, *visual.shape[1:]) * 0.1
    clip[:, :-1, :, c.width + 4 * c.match:] = 0  # of older frames no more is read (`VisualParts`)
    times = torch.linspace(-(c.frames - 1) * c.every_ms, 0, c.frames)[None]
    prefix = model.backbone.words.prefix_length
    state = draw(3, c.width)
    cells, side, memory = c.grid ** 2, c.grid * 4, c.prompted + c.recent
    boxes = torch.tensor([[0.1, 0.2, 0.5, 0.6], [0.3, 0.3, 0.9, 0.8], [0.0, 0.0, 0.2, 0.3]])
    points = torch.tensor([[[0.3, 0.4, 1.0], [0.7, 0.2, 0.0]], [[0.5, 0.5, 1.0], [0.0, 0.0, -1.0]], [[0.1, 0.2, 1.0], [0.2, 0.2, 1.0]]])
    asked = torch.tensor([vocabulary().id(word) for word in ('where', 'is', 'the', 'red', 'dog', '?')])[None]
    cache = [draw(2, c.heads, c.cache, c.width // c.heads) for _ in range(2 * c.layers)]
    kv = [f'kv.{kind}.{layer}' for layer in range(c.layers) for kind in ('key', 'value')]
    tokens = draw(3, memory, model.mask.memory_tokens, c.memory)
    valid = torch.tensor([[1.0] * memory, [1.0, 0.0, 1.0] + [0.0] * (memory - 3), [0.0] * memory])
    ages = torch.arange(memory).float().expand(3, -1).contiguous()
    return [
        GraphSpec('vision', 'vision.onnx', Vision(model, frozen), {'frames': 'pixels.frame'}, {'visual': 'visual', 's8': 'features.s8', 's4': 'features.s4'}, (frames,), {'frames': {0: B}}),
        GraphSpec('prefix', 'prefix.onnx', Prefix(model), {'visual': 'visual', 'times': 'times'}, {'embeds': 'embeds'}, (clip, times), {'visual': {}, 'times': {}}),
        GraphSpec('embed', 'embed.onnx', Embed(model), {'ids': 'ids', 'visual': 'visual'}, {'embeds': 'embeds'}, (asked, clip), {'ids': {1: S}, 'visual': {}},
                  Rare('embeds', 'visual', 'ids', model.backbone.words.looked_up.numpy(), model.backbone.words.attribute_of_token.numpy())),
        GraphSpec('decoder', 'decoder.onnx', Decoder(model), {'embeds': 'embeds', 'lengths': 'lengths', 'prefix': 'prefix', **{f'past_{n.replace(".", "_")}': n for n in kv}},
                  {'logits': 'logits', 'hidden': 'hidden', **{f'new_{n.replace(".", "_")}': n for n in kv}},
                  (draw(2, 6, c.width), torch.tensor([prefix, 12]), torch.tensor([0, 4]), *cache), {'embeds': {0: B, 1: S}, 'lengths': {0: B}, 'prefix': {0: B}, 'cache': {0: B}}),
        GraphSpec('region.main', 'region.onnx', Region(model), {'s8': 'features.s8', 'state': 'state'}, {'boxes': 'boxes', 'scores': 'scores', 'object': 'object'}, (s8[:1], state), {'s8': {}, 'state': {0: Q}}),
        GraphSpec('mask.prompt.state', 'mask-prompt-state.onnx', PromptState(model), {'state': 'state'}, {'prompt': 'prompt'}, (state,), {'state': {0: Q}}),
        GraphSpec('mask.prompt.boxes', 'mask-prompt-boxes.onnx', PromptBoxes(model), {'boxes': 'boxes'}, {'prompt': 'prompt'}, (boxes,), {'boxes': {0: Q}}),
        GraphSpec('mask.prompt.points', 'mask-prompt-points.onnx', PromptPoints(model), {'points': 'points'}, {'prompt': 'prompt'}, (points,), {'points': {0: Q, 1: N_POINTS}}),
        GraphSpec('mask.prompt.mask', 'mask-prompt-mask.onnx', PromptMask(model), {'mask': 'mask'}, {'prompt': 'prompt'}, (draw(3, side, side),), {'mask': {0: Q}}),
        GraphSpec('mask.decode', 'mask-decode.onnx', MaskDecode(model), {'s8': 'features.s8', 's4': 'features.s4', 'prompt': 'prompt', 'age': 'prompt.age', 'tokens': 'memory.tokens', 'valid': 'memory.valid', 'ages': 'memory.age'},
                  {'mask': 'mask', 'iou': 'iou', 'object': 'object'}, (s8[:1], s4[:1], draw(3, 2, cells) * 0.3, torch.tensor([0.0, 1.0, 5.0]), tokens, valid, ages),
                  {'s8': {}, 's4': {}, 'prompt': {0: Q}, 'age': {0: Q}, 'tokens': {0: Q, 1: M}, 'valid': {0: Q, 1: M}, 'ages': {0: Q, 1: M}}),
        GraphSpec('mask.memory', 'mask-memory.onnx', MaskMemory(model), {'s8': 'features.s8', 'mask': 'mask', 'object': 'object', 'tokens': 'memory.tokens', 'valid': 'memory.valid', 'ages': 'memory.age'}, {'written': 'memory.tokens'},
                  (s8[:1], draw(3, side, side), torch.tensor([0.9, 0.1, 0.7]), tokens, valid, ages),
                  {'s8': {}, 'mask': {0: Q}, 'present': {0: Q}, 'tokens': {0: Q, 1: M}, 'valid': {0: Q, 1: M}, 'ages': {0: Q, 1: M}}),
        GraphSpec('moment.main', 'moment.onnx', Moment(model), {'visual': 'visual', 'times': 'times', 'state': 'state'}, {'spans': 'spans', 'scores': 'scores', 'saliency': 'saliency', 'object': 'object'},
                  (clip, times, state), {'visual': {}, 'times': {}, 'state': {0: Q}}),
    ]
