"""What keeps stored tensors from fitting a model, in a few words each."""
from torch import Size

SHOWN = 8  # names of a kind

Shapes = dict[str, tuple[int, ...] | Size]


def misfits(found: Shapes, expected: Shapes) -> list[str]:
    shapes = [f'{name} has shape {list(shape)}, expected {list(expected[name])}' for name, shape in found.items() if name in expected and tuple(shape) != tuple(expected[name])]
    return [*listed('missing', sorted(expected.keys() - found.keys())), *listed('unexpected', sorted(found.keys() - expected.keys())), *shapes[:SHOWN]]


def listed(what: str, names: list[str]) -> list[str]:
    rest = f' and {len(names) - SHOWN} more' if len(names) > SHOWN else ''
    return [f'{what} {", ".join(names[:SHOWN])}{rest}'] if names else []
