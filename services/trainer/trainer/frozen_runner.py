"""Eyes that learn no more, through ONNX Runtime: five times faster on a CPU than PyTorch's depthwise convolutions. Caches are made with it."""
from pathlib import Path
import warnings

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from trainer.backbones.evidence import Evidence
from trainer.backbones.lite0 import Lite0
from trainer.backbones.nano_encoder import NanoEncoder, name_of
from trainer.backbones.nano_eyes import taps_of
from trainer.cache_folder import cache_folder


class EncoderGraph(nn.Module):
    def __init__(self, frozen: Lite0, own: NanoEncoder | None) -> None:
        super().__init__()
        self.frozen, self.own = frozen, own

    def forward(self, frames: Tensor) -> tuple[Tensor, ...]:
        """uint8 (B, S, S, 3) at the encoder's own size → taps and the small picture."""
        pixels = frames.permute(0, 3, 1, 2).float()
        return *taps_of(pixels, self.own, self.frozen), nn.functional.avg_pool2d(pixels, 2)


class EvidenceGraph(nn.Module):
    def __init__(self, evidence: Evidence) -> None:
        super().__init__()
        self.evidence = evidence

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        found = self.evidence(frames)
        return torch.cat([found.coco, found.imagenet], 1), found.ltrb


class FrozenRunner:
    """own: the encoder of a trained model; without one it is ImageNet's."""

    def __init__(self, own: NanoEncoder | None = None, threads: int = 1, evidence: bool = True) -> None:
        folder = cache_folder() / 'graphs'
        folder.mkdir(exist_ok=True)
        module = Evidence.pretrained()
        self.name = name_of(own)
        self.encoder = open_graph(folder / f'look-{self.name}.onnx', lambda: EncoderGraph(module.encoder, own), 160, threads)
        self.evidence = open_graph(folder / f'evidence-{module.size}-{module.glance}-{module.classes_of_noun.shape[0]}.onnx', lambda: EvidenceGraph(module), 320, threads) if evidence else None

    def look(self, frames: np.ndarray) -> list[np.ndarray]:
        """uint8 (B, 160, 160, 3) → s4, s8, s16, s32, rgb (B, 3, 80, 80) 0–255."""
        return list(self.encoder.run(None, {'frames': frames}))

    def find(self, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """uint8 (B, 320, 320, 3) → evidence (B, E, 20, 20), ltrb (B, 4, 20, 20)."""
        assert self.evidence is not None
        maps, ltrb = self.evidence.run(None, {'frames': frames})
        return maps, ltrb


def open_graph(path: Path, make: type[nn.Module] | object, size: int, threads: int) -> onnxruntime.InferenceSession:
    if not path.exists():
        module = make().eval()  # type: ignore[operator]
        example = torch.zeros(2, size, size, 3, dtype=torch.uint8)
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            torch.onnx.export(module, (example,), path, input_names=['frames'], opset_version=18, dynamo=True, verbose=False,
                              dynamic_shapes=({0: torch.export.Dim('B', min=1, max=64)},), external_data=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(path, options)
