"""One figure of bars: claims below one another, styles side by side."""
from pathlib import Path

from trainer.ablate.arms import ARMS
from trainer.ablate.row import Row


def plot_claims(rows: list[Row], out: Path) -> bool:
    """→ whether there was anything to compare."""
    import matplotlib
    matplotlib.use('Agg')
    from matplotlib import pyplot
    from trainer.ablate.claims import CLAIMS, STYLES

    there = {row.arm for row in rows}
    claims = [claim for claim in CLAIMS if len(there & set(claim.arms)) >= min(2, len(claim.arms))]  # one bar compares nothing
    if not claims:
        return False
    figure, axes = pyplot.subplots(len(claims), len(STYLES), figsize=(13, 2.9 * len(claims)), squeeze=False, sharey='row')
    colours = dict(zip(ARMS, pyplot.get_cmap('tab10').colors))
    for line, claim in zip(axes, claims):
        for axis, (style, title) in zip(line, STYLES.items()):
            arms = [name for name in claim.arms if any(row.arm == name for row in rows)]
            width = 0.8 / len(arms)
            for place, name in enumerate(arms):
                for x, metric in enumerate(claim.metrics):
                    values = [row.scores[style][metric][0] for row in rows if row.arm == name and metric in row.scores.get(style, {})]
                    if not values:
                        continue
                    mean = sum(values) / len(values)
                    axis.bar(x + place * width, mean, width, color=colours[name], label=ARMS[name].says)
                    axis.plot([x + place * width] * len(values), values, 'k.', markersize=3)
                    axis.text(x + place * width, mean + 0.01, f'{mean:.2f}', ha='center', fontsize=6)
            axis.set_xticks([x + 0.4 - width / 2 for x in range(len(claim.metrics))], claim.metrics, fontsize=8)
            axis.set_title(f'{claim.title}?\n{title}', fontsize=9)
            axis.set_ylim(0, 1.5)  # room for the legend above bars that reach 1
            axis.set_yticks([0, 0.25, 0.5, 0.75, 1])
            axis.spines[['top', 'right']].set_visible(False)
            handles = dict(zip(*reversed(axis.get_legend_handles_labels())))
            axis.legend(handles.values(), handles.keys(), fontsize=6, frameon=False, loc='upper left')
    figure.tight_layout()
    figure.savefig(out, dpi=110)
    pyplot.close(figure)
    return True
