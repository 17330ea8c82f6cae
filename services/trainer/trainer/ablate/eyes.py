"""The eyes that all arms share: the neck and the noun space of a trained model, frozen. The claims are about what stands behind them."""
import hashlib
from pathlib import Path

from safetensors import safe_open
import torch
from torch import Tensor, nn

EYES = ('backbone.encoder.', 'backbone.neck.', 'backbone.nouns.')
LEARNING = ('backbone.neck.skip.', 'backbone.neck.fine.', 'backbone.neck.outline.', 'backbone.nouns.blend', 'backbone.nouns.weigh.')  # what the stages after `look` train too: its value is a start


def read_eyes(path: Path) -> dict[str, Tensor]:
    """Encoder, neck and noun space of a `weights.safetensors`, as the trainer writes them."""
    with safe_open(path, 'pt') as file:
        return {name: file.get_tensor(name).float() for name in file.keys() if name.startswith(EYES)}


def fingerprint_of(eyes: dict[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(name for name in eyes if not name.startswith(LEARNING)):
        digest.update(name.encode())
        digest.update(eyes[name].half().numpy().tobytes())
    return digest.hexdigest()[:12]


def put_in(model: nn.Module, eyes: dict[str, Tensor], learning: bool = False) -> None:
    """Their values into the model, which trains them no more but for what later stages go on with. Where eyes learn in every arm, the encoder's alone."""
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for name, value in eyes.items():
            if learning and not name.startswith('backbone.encoder.'):
                continue
            parameters[name].copy_(value)
            parameters[name].requires_grad_(name.startswith(LEARNING))
