"""The bundle of a tiny VideoChat: the video as one unit, Mistral with LoRA merged, one box a phrase."""
import json
from pathlib import Path

import jsonschema
import numpy as np
import onnxruntime
import pytest
import torch

pytest.importorskip('peft', reason='the extra `videochat` is not installed')

from trainer.backbones.videochat.export import Options, export_videochat
from trainer.backbones.videochat.model import VideoChat
from trainer.backbones.videochat.tiny import tiny_tokenizer, tiny_videochat
from trainer.parity.seeded import fill

SCHEMA = Path(__file__).parents[4] / 'schemas' / 'bundle-manifest.json'


@pytest.fixture(scope='module')
def model() -> VideoChat:
    model = tiny_videochat()
    fill(model)
    return model


@pytest.fixture(scope='module')
def exported(tmp_path_factory: pytest.TempPathFactory, model: VideoChat) -> tuple[Path, dict[str, float]]:
    folder = tmp_path_factory.mktemp('bundle')
    return folder, export_videochat(model, tiny_tokenizer(), folder, Options(longest=8))


def test_traced_graphs_are_pytorchs(exported: tuple[Path, dict[str, float]]) -> None:
    assert set(exported[1]) == {'vision', 'box', 'region.main'}
    assert max(exported[1].values()) <= 1e-3


def test_the_manifest_is_what_the_schema_says(exported: tuple[Path, dict[str, float]]) -> None:
    manifest = json.loads((exported[0] / 'manifest.json').read_text())
    jsonschema.validate(manifest, json.loads(SCHEMA.read_text()))
    assert manifest['vision'] == {'unit': 'clip', 'tokens': 8, 'width': 64}


@torch.no_grad()
def test_the_decoder_is_mistral_with_lora_merged_and_task_tokens_in_their_places(exported: tuple[Path, dict[str, float]], model: VideoChat) -> None:
    ids = [1, 7, 9, 11, model.ids.of('<box_begin>'), model.ids.of('<boxes>')]
    embed, decoder = (onnxruntime.InferenceSession(exported[0] / name, providers=['CPUExecutionProvider']) for name in ('embed.onnx', 'decoder.onnx'))
    embeds = embed.run(['embeds'], {'ids': np.array([ids])})[0]
    assert np.allclose(embeds[0, -1], model.box_token[0, 0].numpy(), atol=1e-6)
    past = {each.name: np.zeros([1, *each.shape[1:]], np.float32) for each in decoder.get_inputs() if each.name.startswith('past.')}
    logits, hidden = decoder.run(['logits', 'hidden'], {'embeds': embeds, 'lengths': np.zeros(1, np.int64), **past})
    ours, state = model.hidden(model.embed(torch.tensor([ids])))
    assert np.abs(hidden - state.numpy()).max() < 1e-3
    assert np.abs(logits[0, -1, :model.config.vocabulary] - ours[0, -1].numpy()).max() < 1e-3
    assert logits[0, -1].argmax() < model.config.vocabulary
