import json
from pathlib import Path

import pytest

from trainer.report.history import History, grouped
from trainer.report.page import score_table, write_report


def rows(folder: Path, *lines: dict[str, object]) -> Path:
    path = folder / 'metrics.jsonl'
    path.write_text('\n'.join(json.dumps(line) for line in lines) + '\n')
    return path


def row(step: int, stage: str, text: float) -> dict[str, object]:
    return {'step': step, 'stage': stage, 'rate': 0.1, 'seconds': 1.0, 'text': text, 'region.heat': 1.0, 'region.l1': 0.5, 'loss': text + 1.5, 'norm': 3.0}


def test_a_run_that_went_on_tells_its_repeated_steps_once(tmp_path: Path):
    path = rows(tmp_path, row(10, 'base', 5.0), row(20, 'base', 4.0), row(30, 'heads', 9.0), row(20, 'base', 3.0), row(30, 'heads', 2.0), {'step': 30, 'stage': 'heads', 'dev': {'qa': 0.5}})
    history = History.read(path)
    assert [(r['step'], r['text']) for r in history.losses] == [(10, 5.0), (20, 3.0), (30, 2.0)]
    assert history.stages() == ['base', 'heads'] and history.dev[0]['dev'] == {'qa': 0.5}


def test_a_run_from_the_weights_of_another_is_told_behind_it(tmp_path: Path):
    history = History.read(rows(tmp_path, row(10, 'heads', 5.0), row(20, 'together', 4.0), row(10, 'together', 3.5), row(20, 'together', 3.0)))
    assert [(r['step'], r['stage']) for r in history.losses] == [(10, 'heads'), (20, 'together'), (30, 'together (2)'), (40, 'together (2)')]


def test_parts_are_summed_by_group():
    assert grouped(row(1, 'base', 2.0)) == {'text': 2.0, 'region': 1.5, 'loss': 3.5}


def test_the_table_says_what_each_stage_changed():
    lines = score_table({'heads': {'qa': (0.5, 40), 'mask': (0.1, 9)}, 'together': {'qa': (0.75, 40)}})
    assert lines[2] == '| qa | 0.500, n 40 | 0.750 (+0.250) |'
    assert lines[3] == '| mask | 0.100, n 9 | – |'


def test_the_page_has_losses_metrics_and_a_plot(tmp_path: Path):
    history = History.read(rows(tmp_path, row(10, 'base', 5.0), row(20, 'base', 3.0), row(30, 'heads', 2.0), {'step': 30, 'stage': 'heads', 'dev': {'qa': 0.5}}))
    write_report(history, {'base': {'trigger': (0.25, 8)}}, tmp_path / 'report.md', 'a run')
    page = (tmp_path / 'report.md').read_text()
    assert '| base | …20 | 4.00 → 4.00 |' in page and '| trigger | 0.250, n 8 |' in page and '| qa | 0.500 |' in page
    assert (tmp_path / 'report.png').stat().st_size > 5000


def test_a_broken_line_is_named(tmp_path: Path):
    path = tmp_path / 'metrics.jsonl'
    path.write_text('{"step": 1, "stage": "base", "loss": 1}\n{"step":\n')
    with pytest.raises(ValueError, match=r'metrics\.jsonl:2: '):
        History.read(path)
