"""`fovea-train parity`: the tables of docs/models.md, computed anew."""
from typing import Annotated

import typer

from trainer.parity.row import Row, as_table

app = typer.Typer()


@app.command()
def parity(family: Annotated[str, typer.Argument(help='videochat, llava, sam (small models of SAM 2.1 and EdgeTAM), or edgetam (the real shape at 512 px, some minutes).')]) -> None:
    """How far a backbone is from its reference implementation, on tiny random weights. Fails where a figure is beyond what is allowed."""
    rows = rows_of(family)
    typer.echo(as_table(rows))
    if wrong := [row for row in rows if not row.holds]:
        typer.echo(f'{len(wrong)} of {len(rows)} figures are beyond what is allowed, first: {wrong[0].what}', err=True)
        raise typer.Exit(1)


def rows_of(family: str) -> list[Row]:
    if family == 'videochat':
        from trainer.parity.videochat import videochat_rows
        return videochat_rows()
    if family == 'llava':
        from trainer.parity.llava import llava_rows
        return llava_rows()
    if family in ('sam', 'edgetam'):
        from trainer.sam.parity import sam_rows
        return sam_rows('edgetam', 512) if family == 'edgetam' else [*sam_rows('edgetam-test', 128), *sam_rows('sam2.1-test', 128)]
    raise typer.BadParameter(f'There is no family {family}; expected videochat, llava, sam or edgetam.')
