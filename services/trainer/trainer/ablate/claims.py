"""Rows → docs/claims.md: a table a claim, a plot, and the commands that made them. Whichever way the claims fall, this prints what the rows say."""
from collections import defaultdict
from dataclasses import dataclass
import json
from pathlib import Path

from trainer.ablate.arms import ARMS
from trainer.ablate.cost import cost_table
from trainer.ablate.row import Row


@dataclass(frozen=True)
class Claim:
    title: str
    source: str                 # where the claim comes from
    arms: tuple[str, ...]
    metrics: tuple[str, ...]


CLAIMS = (
    Claim('Task heads improve the multimodal model itself', 'paper, tables 2–4 and 11: text-only baseline < textualised < TPO', ('text-only', 'textual', 'tpo'),
          ('qa', 'qa.exist', 'qa.count', 'qa.motion', 'qa.list', 'trigger')),
    Claim('Heads beat coordinates as text', 'paper, table 11; there the 2-layer MLP does no better than text', ('textual', 'tpo-mlp', 'tpo'),
          ('region.acc50', 'region.by-name', 'region.told-apart', 'region.presence', 'moment.miou', 'moment.r1@.5')),
    Claim('Training tasks together helps each of them', 'paper, table 12', ('moment', 'region', 'mask', 'region-mask', 'tasks', 'tpo'),
          ('moment.miou', 'region.acc50', 'mask.miou', 'track.j&f')),
    Claim('A standing embedding loses nothing', 'Fovea: one embedding, compiled where the thing is first clear, used on the last frame; against asking again there', ('tpo',),
          ('per-frame', 'standing')),
    Claim('Pixels through propagation beat imitating a box prompt', 'Fovea; the published code of the paper imitates', ('tpo-imitation', 'tpo'), ('mask.miou', 'track.j&f')),
)
Constants = dict[str, dict[str, tuple[float, int]]]   # by style, by metric
STYLES = {'seen': 'seen styles', 'held-out': 'held-out style and compositions (zero-shot)'}


def write_claims(folder: Path, out: Path) -> None:
    groups: dict[str, list[Row]] = defaultdict(list)
    for path in sorted(folder.glob('*-seed*.json')):
        row = Row.read(path)
        groups[row.settings].append(row)
    latest = max(groups.values(), key=lambda rows: (len(rows), rows[0].steps), default=[])
    out.parent.mkdir(parents=True, exist_ok=True)
    path = folder / 'constants.json'
    constants: Constants = json.loads(path.read_text()) if path.exists() else {}
    text = INTRODUCTION + ''.join(section(rows, constants) for rows in sorted(groups.values(), key=lambda rows: -len(rows)))
    text += '\n'.join(cost_table(folder / 'cost.json'))
    findings = folder / 'findings.md'
    if findings.exists():
        text += '\n' + findings.read_text()
    if latest:
        from trainer.ablate.plot import plot_claims
        if plot_claims(latest, out.with_name('claims.png')):
            text += f'\n![The rows of settings {latest[0].settings}: dots are seeds](claims.png)\n'
    else:
        text += '\nNo row has been run yet.\n'
    out.write_text(text)


def section(rows: list[Row], constants: Constants) -> str:
    one = rows[0]
    clips = ', '.join(sorted({f'{max(count for _, count in scores.values())} asks at most ({style})' for row in rows for style, scores in row.scores.items()}))
    lines = [f'\n## {one.base_steps} steps of stage 0, then {one.steps} of each arm{", the neck learning" if one.learning else ""} (settings `{one.settings}`)\n',
             f'{len(rows)} rows; {sum(row.cpu_seconds for row in rows) / 60:.0f} CPU-minutes for the arms\' own steps; {clips}.\n']
    for claim in CLAIMS:
        table = claim_table(claim, rows, constants)
        if table:
            lines += [f'### {claim.title}\n', f'{claim.source[0].upper()}{claim.source[1:]}.\n', *undecided(claim, rows), *table]
    lines += ['### What each arm cost\n', '| arm | what it is taught | seeds | CPU seconds |', '|---|---|---|---|']
    for name, arm in ARMS.items():
        mine = [row for row in rows if row.arm == name]
        if mine:
            lines.append(f'| `{name}` | {arm.says} | {len(mine)} | {sum(row.cpu_seconds for row in mine) / len(mine):.0f} |')
    return '\n'.join(lines) + '\n'


def undecided(claim: Claim, rows: list[Row]) -> list[str]:
    missing = [name for name in claim.arms if not any(row.arm == name for row in rows)]
    return [f'**Open:** no row yet for {", ".join(f"`{name}`" for name in missing)}.\n'] if missing else []


def claim_table(claim: Claim, rows: list[Row], constants: Constants) -> list[str]:
    there = [name for name in claim.arms if any(row.arm == name for row in rows)]
    if not there:
        return []
    lines = []
    for style, title in STYLES.items():
        shown = [metric for metric in claim.metrics if any(metric in row.scores.get(style, {}) for row in rows if row.arm in there)]
        if not shown:
            continue
        lines += [f'| {title} | ' + ' | '.join(shown) + ' |', '|---|' + '---|' * len(shown)]
        for name in there:
            lines.append(f'| {ARMS[name].says} | ' + ' | '.join(cell([row for row in rows if row.arm == name], style, metric) for metric in shown) + ' |')
        known = constants.get(style, {})
        if any(metric in known for metric in shown):
            lines.append('| *the best constant answer* | ' + ' | '.join(f'{known[metric][0]:.3f}' if metric in known else '–' for metric in shown) + ' |')
        lines.append('')
    return lines


def cell(rows: list[Row], style: str, metric: str) -> str:
    """Mean ± half the range over seeds, and how many seeds and asks."""
    scores = [row.scores[style][metric] for row in rows if metric in row.scores.get(style, {})]
    if not scores:
        return '–'
    values = [value for value, _ in scores]
    spread = f' ± {(max(values) - min(values)) / 2:.3f}' if len(values) > 1 else ''
    return f'{sum(values) / len(values):.3f}{spread} (n {len(values)} × {scores[0][1]})'


INTRODUCTION = '''<!-- Written by `fovea-train ablate claims` from services/trainer/claims/*.json and findings.md; do not edit. -->
# The claims, as experiments

TPO (arXiv 2412.19326) claims that heads which are trained through their task tokens make the multimodal model itself better, find better than coordinates
written as text, and help one another. Here each claim is an experiment on [SpriteWorld](design/spriteworld.md): arms that differ in one thing, from one
start (stage 0: captions and plain questions), the same clips and the same questions in the same order, the same number of steps; an arm drops the
questions it is not taught. All arms share the trained neck and noun space of the model that ships, frozen; language model and heads begin anew at nano's size, on cached features of
the frozen encoder; stages 1–3 are one. Where it says *the neck learning*, neck and noun space begin anew too: stage 0 names cells as well, and what an arm is taught reaches them.

```
recipes/ablate.sh                                            # everything that has no row yet; stop it anywhere
fovea-train ablate run --arms text-only,textual,tpo --seeds 1  # some of it
fovea-train ablate run --learning --arms text-only,textual,tpo --seeds 1 --steps 200  # the neck learns in every arm
fovea-train ablate cost; fovea-train ablate constants         # the price of a phrase; what constant answers score
fovea-train ablate claims --out docs/claims.md               # this page
```

How to read it: `qa` are whole answers, exactly right; `trigger`: the right heads called for the right words, or absence said; `region.acc50`: the best box
of a single thing, IoU ≥ .5, asked with a forced trigger (`by-name`, or `told-apart` by colour, place, relation, motion or among look-alikes); `presence`:
there or not, said rightly (the share of phrases that are there is the same for all arms); `moment.miou`: the best span; `mask.miou`: outline in the last frame at 80 × 80 cells (settings `bc45bcfd3f53` and `f0b4478f3277`: 40 × 40);
`track.j&f`: from the frame where the thing is first clear, on up to eight frames; `region` figures of "text" are the first box that is written. Cells are mean ± half
the range over seeds (n seeds × asks). With n asks, a difference below about 1 / √n is noise.
'''
