"""`fovea-train report`: what each stage did."""
from pathlib import Path
from typing import Annotated, Optional

import typer

from trainer.cache_folder import cache_folder

app = typer.Typer()


@app.command()
def report(
    run: Annotated[Optional[Path], typer.Argument(help='The folder of a run; default ~/.cache/fovea/runs/nano.')] = None,
    out: Annotated[Path, typer.Option(help='The page (markdown); its plot is put beside it.')] = Path('report.md'),
    exam: Annotated[Optional[Path], typer.Option(help='An evaluation folder: the weights kept after each stage are examined on it, free-running.')] = None,
    limit: Annotated[Optional[int], typer.Option(help='Clips of the exam.')] = None, config: str = 'nano', threads: int = 1,
) -> None:
    """Each stage's effect on each loss and each metric, as markdown and plot."""
    import torch
    from trainer.report.history import History
    from trainer.report.page import write_report

    torch.set_num_threads(threads)
    folder = run or cache_folder() / 'runs' / 'nano'
    if not (folder / 'metrics.jsonl').exists():
        raise typer.BadParameter(f'{folder} has no metrics.jsonl; expected the folder of a run of `fovea-train train`.')
    history = History.read(folder / 'metrics.jsonl')
    scores = {}
    if exam is not None:
        from trainer.report.stage_exam import stage_scores
        for stage in history.stages():
            if (found := stage_scores(folder, stage, config, exam, limit)) is not None:
                scores[stage] = found
            else:
                typer.echo(f'{folder} keeps no after-{stage}.safetensors: no exam of that stage.', err=True)
    write_report(history, scores, out, f'What each stage did: {folder.name}')
    typer.echo(f'{out}: {len(history.losses)} rows of {", ".join(history.stages())}')
