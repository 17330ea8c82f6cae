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


def half_precision(name: str, device: str) -> bool:
    """Whether to run in bfloat16: where asked for, or, with `auto`, where the machine has instructions for it."""
    if name not in ('auto', 'bf16', 'fp32'):
        raise ValueError(f'There is no precision {name}; expected auto, bf16 or fp32.')
    if name != 'auto':
        return name == 'bf16'
    if device_named(device).type == 'cuda':
        return torch.cuda.is_bf16_supported()
    return torch.cpu.get_capabilities().get('avx512_bf16', False)
