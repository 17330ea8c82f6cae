"""The metrics.jsonl of a run as one history, however often the run was stopped and gone on with."""
from dataclasses import dataclass, field
import json
from pathlib import Path

Row = dict[str, float | str | dict[str, float]]
NOT_LOSSES = {'step', 'stage', 'rate', 'seconds', 'norm'}


@dataclass
class History:
    losses: list[Row] = field(default_factory=list)   # rows of training, by rising step
    dev: list[Row] = field(default_factory=list)      # rows of evaluations: {'step', 'stage', 'dev': {…}}
    first: int = 0                                    # the step of the first row that was logged

    @classmethod
    def read(cls, path: Path) -> 'History':
        history, legs, shift = cls(), 0, 0
        for number, line in enumerate(path.read_text().splitlines(), 1):
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise ValueError(f'{path}:{number}: is no JSON ({error.msg}); expected one row of metrics a line.') from error
            kept = history.dev if 'dev' in row else history.losses
            if kept is history.losses and kept and row['step'] <= history.first:
                # Counting began anew: a run that started from another one's weights. Its leg is told behind the others.
                legs, shift = legs + 1, int(kept[-1]['step'])
            if not history.losses:
                history.first = row['step']
            row = {**row, 'step': row['step'] + shift, 'stage': f'{row["stage"]} ({legs + 1})' if legs else row['stage']}
            # A run that went on from a checkpoint repeats the steps behind it: the later telling counts.
            while kept and kept[-1]['step'] >= row['step']:
                kept.pop()
            kept.append(row)
        return history

    def stages(self) -> list[str]:
        return list(dict.fromkeys(str(row['stage']) for row in self.losses))

    def of(self, stage: str) -> list[Row]:
        return [row for row in self.losses if row['stage'] == stage]

    def parts(self) -> list[str]:
        return [name for name in dict.fromkeys(key for row in self.losses for key in row) if name not in NOT_LOSSES]


def grouped(row: Row) -> dict[str, float]:
    """Loss parts summed by what they belong to: 'region.heat' and 'region.l1' are `region`."""
    sums: dict[str, float] = {}
    for name, value in row.items():
        if name not in NOT_LOSSES:
            group = name.partition('.')[0]
            sums[group] = sums.get(group, 0.0) + float(value)
    return sums
