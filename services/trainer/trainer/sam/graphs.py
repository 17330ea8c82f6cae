"""The graphs of a SAM-class mask head, with their roles (docs/design/bundle.md)."""
import torch
from torch import nn

from trainer.export.graphs import GraphSpec
from trainer.sam.attend import Attend
from trainer.sam.decode import Decode
from trainer.sam.drawn import Drawn
from trainer.sam.eyes import Eyes, merged
from trainer.sam.prompts import Boxes, MaskAdapter, Points
from trainer.sam.remember import Remember

Q, K, M, P, N, H, W = 'Q', 'k', 'M', 'P', 'n', 'H', 'W'


def graphs_of(model: nn.Module, adapter: MaskAdapter, state_width: int, seed: int = 7) -> list[GraphSpec]:
    generator = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, generator=generator)
    size, grid, width, narrow = model.image_size, model.image_size // 16, model.hidden_dim, model.mem_dim
    pixels = torch.randint(0, 256, (1, size, size, 3), generator=generator, dtype=torch.uint8)
    eyes, attend, decode, remember = Eyes(merged(model)), Attend(model), Decode(model), Remember(model)
    with torch.no_grad():
        s4, s8, s16, _ = eyes(pixels)
        mask = draw(2, 4 * grid, 4 * grid) * 4
        entry = remember(s16, mask, torch.tensor([0.9, 0.1]))
    memory = torch.stack([entry, entry + draw(*entry.shape) * 0.1, entry * 0.9], 1)              # (2, 3, m, c)
    valid, prompted = torch.tensor([[1.0, 1.0, 1.0], [1.0, 1.0, 0.0]]), torch.tensor([[1.0, 0.0, 0.0]] * 2)
    boxes = torch.tensor([[0.1, 0.2, 0.5, 0.6], [0.3, 0.3, 0.9, 0.8]])
    points = torch.tensor([[[0.3, 0.4, 1.0], [0.7, 0.2, 0.0]], [[0.5, 0.5, 1.0], [0.0, 0.0, -1.0]]])
    rows = {0: Q}
    return [
        GraphSpec('mask.encode', 'mask-encode.onnx', eyes, {'pixels': 'pixels.frame'}, {'s4': 'features.s4', 's8': 'features.s8', 's16': 'features.s16', 'fresh': 'attended'}, (pixels,), {'pixels': {1: H, 2: W}}),
        GraphSpec('mask.prompt.state', 'mask-prompt-state.onnx', adapter, {'state': 'state'}, {'prompt': 'prompt'}, (draw(2, state_width),), {'state': rows}),
        GraphSpec('mask.prompt.boxes', 'mask-prompt-boxes.onnx', Boxes(model), {'boxes': 'boxes'}, {'prompt': 'prompt'}, (boxes,), {'boxes': rows}),
        GraphSpec('mask.prompt.points', 'mask-prompt-points.onnx', Points(model), {'points': 'points'}, {'prompt': 'prompt'}, (points,), {'points': {0: Q, 1: N}}),
        GraphSpec('mask.attend', 'mask-attend.onnx', attend,
                  {'features': 'features.s16', 'memory': 'memory.tokens', 'valid': 'memory.valid', 'age': 'memory.age', 'prompted': 'memory.prompted',
                   'pointers': 'pointer.tokens', 'pointer_valid': 'pointer.valid', 'pointer_age': 'pointer.age'},
                  {'attended': 'attended', 'prompt': 'prompt'},
                  (s16, memory, valid, torch.tensor([[5.0, 2.0, 1.0]] * 2), prompted, draw(2, 4, width), torch.tensor([[1.0] * 4, [1.0, 1.0, 0.0, 0.0]]), torch.tensor([[5.0, 1.0, 2.0, 3.0]] * 2)),
                  {'features': {}, 'memory': {0: Q, 1: M}, 'valid': {0: Q, 1: M}, 'age': {0: Q, 1: M}, 'prompted': {0: Q, 1: M}, 'pointers': {0: Q, 1: P}, 'pointer_valid': {0: Q, 1: P}, 'pointer_age': {0: Q, 1: P}}),
        GraphSpec('mask.decode', 'mask-decode.onnx', decode, {'s4': 'features.s4', 's8': 'features.s8', 'attended': 'attended', 'prompt': 'prompt', 'count': 'prompt.count'},
                  {'mask': 'mask', 'iou': 'iou', 'object': 'object', 'pointer': 'pointer'},
                  (s4, s8, s16 + draw(2, width, grid, grid) * 0.1, draw(2, 3, width), torch.tensor([1.0, 2.0])), {'s4': {}, 's8': {}, 'attended': rows, 'prompt': {0: Q, 1: K}, 'count': rows}),
        GraphSpec('mask.drawn', 'mask-drawn.onnx', Drawn(model), {'s4': 'features.s4', 's8': 'features.s8', 's16': 'features.s16', 'drawn': 'mask'},
                  {'mask': 'mask', 'iou': 'iou', 'object': 'object', 'pointer': 'pointer'}, (s4, s8, s16, ellipses(size)), {'s4': {}, 's8': {}, 's16': {}, 'mask': rows}),
        GraphSpec('mask.memory', 'mask-memory.onnx', remember, {'features': 'features.s16', 'mask': 'mask', 'object': 'object'}, {'tokens': 'memory.tokens'},
                  (s16, mask, torch.tensor([0.9, 0.1])), {'features': {}, 'mask': rows, 'object': rows}),
    ]


def ellipses(size: int) -> torch.Tensor:
    """Two drawn masks (2, size, size) as logits; one lies against the rim."""
    y, x = torch.meshgrid(torch.linspace(0, 1, size), torch.linspace(0, 1, size), indexing='ij')
    inside = torch.stack([(x - 0.4) ** 2 / 0.04 + (y - 0.5) ** 2 / 0.09 < 1, (x - 1.0) ** 2 / 0.09 + (y - 0.1) ** 2 / 0.04 < 1])
    return torch.where(inside, 10.0, -10.0)
