"""`fovea-train parity`: the tables of docs/models.md, computed anew."""
from typing import Annotated

import typer

from trainer.parity.row import Row, as_table

app = typer.Typer()


@app.command()
def parity(family: Annotated[str, typer.Argument(help='videochat, llava, sam (small models of SAM 2.0, SAM 2.1 and EdgeTAM), or edgetam, sam2-tiny, sam2.1-tiny (the real shape at 512 px, some minutes).')]) -> None:
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
    if family in ('sam', 'edgetam', 'sam2-tiny', 'sam2.1-tiny'):
        from trainer.sam.parity import sam_rows
        return sam_rows(family, 512) if family != 'sam' else [row for small in ('edgetam-test', 'sam2.1-test', 'sam2-test') for row in sam_rows(small, 128)]
    raise typer.BadParameter(f'There is no family {family}; expected videochat, llava, sam, edgetam, sam2-tiny or sam2.1-tiny.')
