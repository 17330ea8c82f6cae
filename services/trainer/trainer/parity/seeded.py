"""Weights and inputs that two programs make alike from names alone, so that a comparison needs no weights in the repository."""
import zlib

import torch
from torch import Tensor, nn


def seeded(name: str, *shape: int, scale: float = 1.0, seed: int = 0) -> Tensor:
    """The same normal numbers for the same name, shape and seed, everywhere."""
    generator = torch.Generator().manual_seed(zlib.crc32(f'{seed}:{name}'.encode()))
    return torch.randn(shape, generator=generator) * scale


def fill(module: nn.Module, prefix: str = '', seed: int = 0) -> None:
    """Every floating tensor of the state dict by its name: matrices keep the size of what goes through, norms stay near one."""
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if not tensor.is_floating_point() or name.endswith('empty_weight'):
                continue
            last = name.rsplit('.', 1)[-1]
            if tensor.ndim > 1:
                value = seeded(prefix + name, *tensor.shape, scale=(tensor[0].numel()) ** -0.5, seed=seed)
            elif last == 'weight':
                value = 1 + seeded(prefix + name, *tensor.shape, scale=0.1, seed=seed)
            else:
                value = seeded(prefix + name, *tensor.shape, scale=0.1, seed=seed)
            tensor.copy_(value)
