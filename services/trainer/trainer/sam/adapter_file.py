"""What adapter training leaves: the adapter, and the mask decoder where it learnt too, in one file of safetensors."""
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

ADAPTER, DECODER = 'adapter.', 'decoder.'


class AdapterError(Exception):
    code = 'sam-adapter'


def save_adapter(path: Path, adapter: nn.Module, model: nn.Module | None = None, taught: str = '') -> None:
    """model: the SAM-class model whose decoder went along; taught: name and version of the bundle whose phrases these are."""
    tensors = {ADAPTER + name: value.contiguous() for name, value in adapter.state_dict().items()}
    if model is not None:
        tensors |= {DECODER + name: value.contiguous() for name, value in model.sam_mask_decoder.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path, metadata={'taught': taught})


def load_adapter(path: Path, adapter: nn.Module, model: nn.Module) -> str:
    """Into an adapter of the same widths, strictly; and into the model's decoder, where the file holds one → which bundle it was taught with, or ''."""
    tensors = load_file(path)
    parts = {prefix: {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)} for prefix in (ADAPTER, DECODER)}
    try:
        adapter.load_state_dict(parts[ADAPTER], strict=True)
        if parts[DECODER]:
            model.sam_mask_decoder.load_state_dict(parts[DECODER], strict=True)
    except RuntimeError as error:
        raise AdapterError(f'{path} does not fit: give the family, --state-width and --tokens that it was trained with. {error}') from error
    with safe_open(path, 'pt') as file:
        return (file.metadata() or {}).get('taught', '')
