"""The checkpoint's own SAM 2 with its mask adapter, as a part of a bundle."""
import json
from pathlib import Path

import pytest

pytest.importorskip('peft', reason='the extra `videochat` is not installed')
pytest.importorskip('sam2', reason='the module `sam2` is not installed (docs/models.md)')

from trainer.backbones.videochat.mask_part import export_mask_part
from trainer.backbones.videochat.tiny import tiny_videochat


def test_every_graph_is_pytorchs_and_tpos_own_tokens_trigger_it(tmp_path: Path) -> None:
    differences = export_mask_part(tiny_videochat(with_sam=True), tmp_path)
    assert set(differences) == {f'mask.{part}' for part in ('encode', 'prompt.state', 'prompt.boxes', 'prompt.points', 'drawn', 'attend', 'decode', 'memory')}
    assert max(differences.values()) <= 1e-3
    part = json.loads((tmp_path / 'mask.json').read_text())
    assert part['head']['token'] == {'trigger': '<track_begin>', 'task': '<tracking>'}
    assert part['state'] == {'width': 64, 'tokens': 3}
