"""How sure a figure is."""
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

Item = TypeVar('Item')


def bootstrap(groups: Sequence[Sequence[Item]], figure: Callable[[list[Item]], float], samples: int = 1000, seed: int = 0) -> tuple[float, float]:
    """The 95 % interval of a figure over items that come in groups (the asks of a clip): whole groups are drawn again, with repetition."""
    filled = [list(group) for group in groups if group]
    if not filled:
        return 0.0, 0.0
    rng = np.random.default_rng(seed)
    figures = []
    for _ in range(samples):
        drawn = rng.integers(0, len(filled), len(filled))
        figures.append(figure([item for i in drawn for item in filled[i]]))
    low, high = np.percentile(figures, (2.5, 97.5))
    return float(low), float(high)
