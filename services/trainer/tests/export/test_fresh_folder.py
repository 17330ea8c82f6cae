"""An export takes the place of an earlier one, and of nothing else."""
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from trainer.cli import app
from trainer.export.fresh_folder import UsedFolderError, files_in, fresh_folder


def export(out: Path, *names: str) -> None:
    with fresh_folder(out) as folder:
        for name in names:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(name)
        (folder / 'manifest.json').write_text(json.dumps({'hashes': dict.fromkeys(sorted(files_in(folder)), '')}))


def test_files_of_the_earlier_export_go_and_what_people_put_beside_stays(tmp_path: Path) -> None:
    export(tmp_path, 'vision.onnx', 'vision.onnx.data', 'golden/a00.png')
    (tmp_path / 'MODEL_CARD.md').write_text('mine')
    (tmp_path / 'training').mkdir()
    (tmp_path / 'training' / 'weights.safetensors').write_text('of the earlier export')
    export(tmp_path, 'vision.onnx', 'golden/a01.png')
    assert files_in(tmp_path) == {'manifest.json', 'vision.onnx', 'golden/a01.png', 'MODEL_CARD.md'}
    assert set(json.loads((tmp_path / 'manifest.json').read_text())['hashes']) == {'vision.onnx', 'golden/a01.png'}


def test_an_export_that_fails_leaves_the_earlier_one_whole(tmp_path: Path) -> None:
    export(tmp_path, 'vision.onnx')
    with pytest.raises(ZeroDivisionError), fresh_folder(tmp_path) as folder:
        (folder / 'vision.onnx').write_text('half')
        raise ZeroDivisionError
    assert (tmp_path / 'vision.onnx').read_text() == 'vision.onnx'
    assert sorted(path.name for path in tmp_path.iterdir()) == ['manifest.json', 'vision.onnx']


def test_what_a_killed_export_left_is_taken_away(tmp_path: Path) -> None:
    (tmp_path / '.unfinished').mkdir()
    (tmp_path / '.unfinished' / 'vision.onnx').write_text('half')
    export(tmp_path, 'embed.onnx')
    assert sorted(path.name for path in tmp_path.iterdir()) == ['embed.onnx', 'manifest.json']


def test_a_folder_with_anything_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    export(tmp_path, 'vision.onnx')
    (tmp_path / 'thesis.tex').write_text('years')
    with pytest.raises(UsedFolderError, match='holds thesis.tex, which no export wrote; expected an empty folder'):
        export(tmp_path, 'vision.onnx')
    assert files_in(tmp_path) == {'manifest.json', 'vision.onnx', 'thesis.tex'}


@pytest.mark.parametrize('papers', ['', '[]', '{}'])
def test_papers_that_no_export_wrote_are_refused(tmp_path: Path, papers: str) -> None:
    (tmp_path / 'manifest.json').write_text(papers)
    with pytest.raises(UsedFolderError, match='manifest.json is not what an export writes'):
        export(tmp_path, 'vision.onnx')


@pytest.mark.parametrize('config', ['tiny', 'small', 'llava-onevision-tiny', 'videochat-tiny'])
def test_the_command_refuses_it_before_a_model_is_loaded(tmp_path: Path, config: str) -> None:
    (tmp_path / 'thesis.tex').write_text('years')
    done = CliRunner().invoke(app, ['export', str(tmp_path), '--config', config, '--checkpoint', str(tmp_path / 'gone')])
    assert done.exit_code == 1 and 'thesis.tex, which no export wrote' in done.output


def test_a_part_refuses_it_too(tmp_path: Path) -> None:
    (tmp_path / 'thesis.tex').write_text('years')
    done = CliRunner().invoke(app, ['export-sam', 'edgetam', str(tmp_path)])
    assert done.exit_code == 1 and 'thesis.tex, which no export wrote' in done.output
