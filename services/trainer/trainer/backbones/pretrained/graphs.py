"""The graphs of a bundle that are traced from modules; decoder and embed are written from the weights (`export/decoder_part.py`)."""
import torch
from torch import Tensor, nn

from trainer.backbones.pretrained.model import Pretrained
from trainer.export.graphs import B, M, N_POINTS, Q, GraphSpec


class Vision(nn.Module):
    def __init__(self, model: Pretrained) -> None:
        super().__init__()
        self.model = model

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        sight = self.model.encode(frames[:, None])
        return sight.visual[:, 0].float(), sight.features[:, 0]


class Prefix(nn.Module):
    def __init__(self, model: Pretrained) -> None:
        super().__init__()
        self.model = model

    def forward(self, visual: Tensor) -> Tensor:
        return self.model.prefix(visual)


class GivenBox(nn.Module):
    """A box that the question names (Q, 4) → its word (Q, d)."""

    def __init__(self, model: Pretrained) -> None:
        super().__init__()
        self.box = model.box

    def forward(self, boxes: Tensor) -> Tensor:
        return self.box(boxes)


class Region(nn.Module):
    def __init__(self, model: Pretrained) -> None:
        super().__init__()
        self.head = model.heads['region']

    def forward(self, features: Tensor, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.head(features, state)


class PromptState(nn.Module):
    def __init__(self, model: Pretrained) -> None:
        super().__init__()
        self.head = model.heads['mask']

    def forward(self, state: Tensor) -> Tensor:
        return self.head.prompt_state(state)


class PromptBoxes(PromptState):
    def forward(self, boxes: Tensor) -> Tensor:
        return self.head.prompt_boxes(boxes)


class PromptPoints(PromptState):
    def forward(self, points: Tensor) -> Tensor:
        return self.head.prompt_points(points)


class PromptMask(PromptState):
    def forward(self, mask: Tensor) -> Tensor:
        return self.head.prompt_mask(mask)


class MaskDecode(PromptState):
    def forward(self, features: Tensor, prompt: Tensor, age: Tensor, tokens: Tensor, valid: Tensor, ages: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        found = self.head.decode(features, prompt, age, tokens, valid, ages)
        return found.mask, found.iou.sigmoid(), found.object.sigmoid()


class MaskMemory(PromptState):
    def forward(self, features: Tensor, mask: Tensor, present: Tensor) -> Tensor:
        return self.head.memorise(features, mask, present)


class Moment(nn.Module):
    def __init__(self, model: Pretrained) -> None:
        super().__init__()
        self.head = model.heads['moment']

    def forward(self, visual: Tensor, times: Tensor, state: Tensor) -> tuple[Tensor, ...]:
        return self.head(visual, times, state)


def graphs_of(model: Pretrained) -> list[GraphSpec]:
    settings, map_role = model.settings, model.map_role
    generator = torch.Generator().manual_seed(7)
    draw = lambda *shape: torch.randn(*shape, generator=generator)
    frames = torch.randint(0, 256, (2, model.picture, model.picture, 3), generator=generator, dtype=torch.uint8)
    with torch.no_grad():
        visual, features = Vision(model)(frames)
    clip = visual[:1].expand(settings.frames, -1, -1)[None] + draw(1, settings.frames, *visual.shape[1:]) * 0.1
    times = torch.linspace(-(settings.frames - 1) * settings.every_ms, 0, settings.frames)[None]
    state, entries, side, width = draw(3, model.width), 1 + settings.recent, 2 * features.shape[-1], settings.head_width
    boxes = torch.tensor([[0.1, 0.2, 0.5, 0.6], [0.3, 0.3, 0.9, 0.8], [0.0, 0.0, 0.2, 0.3]])
    points = torch.tensor([[[0.3, 0.4, 1.0], [0.7, 0.2, 0.0]], [[0.5, 0.5, 1.0], [0.0, 0.0, -1.0]], [[0.1, 0.2, 1.0], [0.2, 0.2, 1.0]]])
    valid = torch.tensor([[1.0] * entries, [1.0] + [0.0] * (entries - 1), [0.0] * entries])
    ages = torch.arange(entries).float().expand(3, -1).contiguous()
    seen, q = features[:1], {0: Q}
    return [
        GraphSpec('vision', 'vision.onnx', Vision(model), {'frames': 'pixels.frame'}, {'visual': 'visual', 'map': map_role}, (frames,), {'frames': {0: B}}),
        GraphSpec('prefix', 'prefix.onnx', Prefix(model), {'visual': 'visual'}, {'embeds': 'embeds'}, (clip,), {'visual': {}}),
        GraphSpec('box', 'box.onnx', GivenBox(model), {'boxes': 'boxes'}, {'embeds': 'embeds'}, (boxes,), {'boxes': q}),
        GraphSpec('region.main', 'region.onnx', Region(model), {'map': map_role, 'state': 'state'}, {'boxes': 'boxes', 'scores': 'scores', 'object': 'object'}, (seen, state), {'features': {}, 'state': q}),
        GraphSpec('mask.prompt.state', 'mask-prompt-state.onnx', PromptState(model), {'state': 'state'}, {'prompt': 'prompt'}, (state,), {'state': q}),
        GraphSpec('mask.prompt.boxes', 'mask-prompt-boxes.onnx', PromptBoxes(model), {'boxes': 'boxes'}, {'prompt': 'prompt'}, (boxes,), {'boxes': q}),
        GraphSpec('mask.prompt.points', 'mask-prompt-points.onnx', PromptPoints(model), {'points': 'points'}, {'prompt': 'prompt'}, (points,), {'points': {0: Q, 1: N_POINTS}}),
        GraphSpec('mask.prompt.mask', 'mask-prompt-mask.onnx', PromptMask(model), {'mask': 'mask'}, {'prompt': 'prompt'}, (draw(3, side, side),), {'mask': q}),
        GraphSpec('mask.decode', 'mask-decode.onnx', MaskDecode(model),
                  {'map': map_role, 'prompt': 'prompt', 'age': 'prompt.age', 'tokens': 'memory.tokens', 'valid': 'memory.valid', 'ages': 'memory.age'},
                  {'mask': 'mask', 'iou': 'iou', 'object': 'object'}, (seen, draw(3, model.heads['mask'].prompt_tokens, width), torch.tensor([0.0, 1.0, 5.0]), draw(3, entries, 1, width), valid, ages),
                  {'features': {}, 'prompt': q, 'age': q, 'tokens': {0: Q, 1: M}, 'valid': {0: Q, 1: M}, 'ages': {0: Q, 1: M}}),
        GraphSpec('mask.memory', 'mask-memory.onnx', MaskMemory(model), {'map': map_role, 'mask': 'mask', 'object': 'object'}, {'tokens': 'memory.tokens'},
                  (seen, draw(3, side, side), torch.tensor([0.9, 0.1, 0.7])), {'features': {}, 'mask': q, 'present': q}),
        GraphSpec('moment.main', 'moment.onnx', Moment(model), {'visual': 'visual', 'times': 'times', 'state': 'state'},
                  {'spans': 'spans', 'scores': 'scores', 'saliency': 'saliency', 'object': 'object'}, (clip, times, state), {'visual': {}, 'times': {}, 'state': q}),
    ]
