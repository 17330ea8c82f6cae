"""The bundle of a `small` of two layers, trained away from where it began."""
import json
from pathlib import Path

import jsonschema
import pytest

from tests.small.conftest import warmed
from trainer.backbones.pretrained.export import Options
from trainer.backbones.small.export import export_small

SCHEMA = Path(__file__).parents[4] / 'schemas' / 'bundle-manifest.json'


@pytest.fixture(scope='module')
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, float]]:
    folder = tmp_path_factory.mktemp('bundle')
    return folder, export_small(warmed(), folder, Options())


def test_every_graph_is_pytorchs_to_a_thousandth(exported: tuple[Path, dict[str, float]]) -> None:
    assert set(exported[1]) == {'vision', 'prefix', 'box', 'region.main', 'mask.prompt.state', 'mask.prompt.boxes', 'mask.prompt.points', 'mask.prompt.mask', 'mask.decode', 'mask.memory', 'moment.main', 'decoder'}
    assert max(exported[1].values()) <= 1e-3


def test_the_manifest_is_what_the_schema_says(exported: tuple[Path, dict[str, float]]) -> None:
    manifest = json.loads((exported[0] / 'manifest.json').read_text())
    jsonschema.validate(manifest, json.loads(SCHEMA.read_text()))
    assert manifest['image']['size'] == [160, 160] and manifest['vision'] == {'unit': 'frame', 'tokens': 25, 'width': 576}
    assert {part['licence'] for part in manifest['parts']} == {'Apache-2.0', 'Apache-2.0 (as the package states)'}


def test_the_newline_at_the_end_of_the_template_is_said(exported: tuple[Path, dict[str, float]]) -> None:
    """Jinja would drop it, and the model would have to say it first."""
    assert json.loads((exported[0] / 'manifest.json').read_text())['language']['template'].endswith("<|im_start|>assistant{{ '\\n' }}")
