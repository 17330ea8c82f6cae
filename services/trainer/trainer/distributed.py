"""One process or several under `torchrun`: gloo on CPUs, nccl on GPUs."""
import os

import torch
from torch import distributed


def open_world() -> tuple[int, int]:
    """→ rank and number of processes."""
    world = int(os.environ.get('WORLD_SIZE', '1'))
    if world == 1:
        return 0, 1
    distributed.init_process_group('nccl' if torch.cuda.is_available() else 'gloo')
    return distributed.get_rank(), world


def close_world() -> None:
    if distributed.is_initialized():
        distributed.destroy_process_group()


def device_named(name: str) -> torch.device:
    if name == 'auto':
        name = 'cuda' if torch.cuda.is_available() else 'cpu'
    if name == 'cuda' and not torch.cuda.is_available():
        raise ValueError('There is no CUDA device here; use --device cpu or auto.')
    return torch.device(name)
