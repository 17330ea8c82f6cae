"""The bundle of a tiny LLaVA-OneVision, with LoRA and TPO's words trained away from where they began."""
import json
from pathlib import Path

import jsonschema
import numpy as np
import onnxruntime
import pytest
import torch

pytest.importorskip('peft', reason='the extra `llava` is not installed')

from trainer.backbones.llava_onevision.export import export_llava
from trainer.backbones.pretrained.export import Options, merged
from trainer.backbones.llava_onevision.load import tiny_llava
from trainer.backbones.llava_onevision.model import LlavaOnevision
from trainer.parity.seeded import seeded

SCHEMA = Path(__file__).parents[4] / 'schemas' / 'bundle-manifest.json'


@pytest.fixture(scope='module')
def model() -> LlavaOnevision:
    model = tiny_llava()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if 'lora_B' in name or name.startswith('words.'):
                parameter.copy_(seeded(name, *parameter.shape, scale=0.05))
    return model


@pytest.fixture(scope='module')
def exported(tmp_path_factory: pytest.TempPathFactory, model: LlavaOnevision) -> tuple[Path, dict[str, float]]:
    folder = tmp_path_factory.mktemp('bundle')
    return folder, export_llava(model, folder, Options(region=0.05, mask=0.3, moment=0.2))


def test_every_graph_is_pytorchs_to_a_thousandth(exported: tuple[Path, dict[str, float]]) -> None:
    """The decoder too: LoRA merged, task tokens in its tables, written node by node."""
    assert set(exported[1]) == {'vision', 'prefix', 'box', 'region.main', 'mask.prompt.state', 'mask.prompt.boxes', 'mask.prompt.points', 'mask.prompt.mask', 'mask.decode', 'mask.memory', 'moment.main', 'decoder'}
    assert max(exported[1].values()) <= 1e-3


def test_the_manifest_is_what_the_schema_says(exported: tuple[Path, dict[str, float]]) -> None:
    manifest = json.loads((exported[0] / 'manifest.json').read_text())
    jsonschema.validate(manifest, json.loads(SCHEMA.read_text()))
    assert manifest['vision']['tokens'] == 16 and manifest['language']['kv']['mode'] == 'inplace'


def test_tpos_words_stand_in_both_tables(model: LlavaOnevision) -> None:
    weights, ids = merged(model), model.words.ids.numpy()
    assert torch.equal(torch.from_numpy(weights('embed_tokens.weight')[ids]), model.words.rows().detach())
    assert torch.equal(torch.from_numpy(weights('head')[ids]), model.words.outputs.detach())


@pytest.mark.parametrize(('graph', 'role', 'shape'), [('state', 'state', (5, 64)), ('boxes', 'boxes', (5, 4)), ('points', 'points', (5, 1, 3)), ('mask', 'mask', (5, 16, 16))])
def test_prompts_are_made_for_any_number_of_things(exported: tuple[Path, dict[str, float]], graph: str, role: str, shape: tuple[int, ...]) -> None:
    session = onnxruntime.InferenceSession(exported[0] / f'mask-prompt-{graph}.onnx', providers=['CPUExecutionProvider'])
    for count in (1, 5):
        assert session.run(None, {role: np.zeros((count, *shape[1:]), np.float32)})[0].shape == (count, 4, 32)
