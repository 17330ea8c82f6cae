"""One line of a parity table: what was compared, how far apart, how far is allowed."""
from typing import NamedTuple

from torch import Tensor


class Row(NamedTuple):
    what: str
    shape: str
    difference: float   # largest absolute one; for tokens the count of differing ones
    allowed: float

    @property
    def holds(self) -> bool:
        return self.difference <= self.allowed


def compared(what: str, ours: Tensor, theirs: Tensor, allowed: float) -> Row:
    assert ours.shape == theirs.shape, f'{what}: shape {tuple(ours.shape)}, expected {tuple(theirs.shape)}'
    return Row(what, '×'.join(str(side) for side in theirs.shape) or 'one', float((ours.float() - theirs.float()).abs().max()), allowed)


def same(what: str, ours: list[int], theirs: list[int]) -> Row:
    differing = sum(a != b for a, b in zip(ours, theirs)) + abs(len(ours) - len(theirs))
    return Row(what, str(len(theirs)), float(differing), 0.0)


def as_table(rows: list[Row]) -> str:
    lines = ['| compared | shape | largest difference | allowed |', '|---|---|---|---|']
    return '\n'.join([*lines, *(f'| {row.what} | {row.shape} | {row.difference:.1e} | {row.allowed:.0e} |' for row in rows)])
