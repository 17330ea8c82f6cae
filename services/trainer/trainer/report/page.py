"""The report of a run: each stage's effect on each loss and each metric, as markdown with a plot."""
from pathlib import Path

from trainer.report.history import History, grouped

ENDS = 3  # logged rows that a beginning or an end is the mean of


def write_report(history: History, scores: dict[str, dict[str, tuple[float, int]]], out: Path, title: str) -> None:
    """scores: by stage, by metric, value and count; a stage without an exam is left out."""
    out.parent.mkdir(parents=True, exist_ok=True)
    plot = out.with_suffix('.png')
    plot_history(history, plot)
    lines = [f'# {title}', '', f'![Losses by stage]({plot.name})', '', '## Losses, from the beginning to the end of each stage', '']
    groups = list(dict.fromkeys(name for row in history.losses for name in grouped(row)))
    lines += ['| stage | steps | ' + ' | '.join(groups) + ' |', '|---|---|' + '---|' * len(groups)]
    for stage in history.stages():
        rows = [grouped(row) for row in history.of(stage)]
        steps = [int(row['step']) for row in history.of(stage)]
        lines.append(f'| {stage} | …{steps[-1]} | ' + ' | '.join(change(rows, group) for group in groups) + ' |')
    if scores:
        lines += ['', '## Metrics after each stage', '', *score_table(scores)]
    measured = {str(row['stage']): row['dev'] for row in history.dev}  # the last of each stage
    if measured:
        lines += ['', '## Development clips, at the last evaluation of each stage', '',
                  *score_table({stage: {name: (value, 0) for name, value in dev.items()} for stage, dev in measured.items() if isinstance(dev, dict)})]
    out.write_text('\n'.join(lines) + '\n')


def change(rows: list[dict[str, float]], group: str) -> str:
    values = [row[group] for row in rows if group in row]
    if not values:
        return '–'
    first, last = (sum(part) / len(part) for part in (values[:ENDS], values[-ENDS:]))
    return f'{first:.2f} → {last:.2f}'


def score_table(scores: dict[str, dict[str, tuple[float, int]]]) -> list[str]:
    """One line a metric, one column a stage; the change from the stage before in brackets."""
    stages = list(scores)
    lines = ['| metric | ' + ' | '.join(stages) + ' |', '|---|' + '---|' * len(stages)]
    for name in dict.fromkeys(name for found in scores.values() for name in found):
        cells, before = [], None
        for stage in stages:
            value, count = scores[stage].get(name, (None, 0))
            if value is None:
                cells.append('–')
                continue
            moved = '' if before is None else f' ({value - before:+.3f})'
            cells.append(f'{value:.3f}{moved}' + (f', n {count}' if count and before is None else ''))
            before = value
        lines.append(f'| {name} | ' + ' | '.join(cells) + ' |')
    return lines


def plot_history(history: History, out: Path) -> None:
    import matplotlib
    matplotlib.use('Agg')
    from matplotlib import pyplot

    groups = [name for name in dict.fromkeys(name for row in history.losses for name in grouped(row)) if name != 'loss']
    figure, axis = pyplot.subplots(figsize=(11, 5))
    for group in groups:
        points = [(int(row['step']), grouped(row)[group]) for row in history.losses if group in grouped(row)]
        axis.plot(*zip(*points), label=group, linewidth=1)
    for number, stage in enumerate(history.stages()):
        steps = [int(row['step']) for row in history.of(stage)]
        axis.axvspan(steps[0], steps[-1], color='0.94' if number % 2 else '1.0', zorder=0)
        axis.text(steps[0], 1.01, stage, transform=axis.get_xaxis_transform(), fontsize=8)
    axis.set_yscale('log')
    axis.set_xlabel('step')
    axis.set_ylabel('loss part')
    axis.spines[['top', 'right']].set_visible(False)
    axis.legend(fontsize=8, frameon=False, ncols=4)
    figure.tight_layout()
    figure.savefig(out, dpi=110)
    pyplot.close(figure)
