"""What a run of VideoChat trained: the next stage goes on from it, and the export serves it."""
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from safetensors.torch import load_file, save_file
import torch
from typer.testing import CliRunner, Result

pytest.importorskip('peft', reason='the extra `videochat` is not installed')
pytest.importorskip('sam2', reason='the module `sam2` is not installed (docs/models.md)')

from trainer.backbones.trained import TrainedError, load_trained
from trainer.backbones.videochat.graphs import graphs_of
from trainer.backbones.videochat.model import VideoChat
from trainer.backbones.videochat.stages import part_of
from trainer.backbones.videochat.tiny import tiny_videochat
from trainer.cli import app


def told(*arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments), '--config', 'videochat-tiny'])


@pytest.fixture(scope='module')
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp('run')
    done = told('train', 'all', '--steps', 6, '--batch', 2, '--times', 100, '--run', run, '--device', 'cpu')
    assert done.exit_code == 0, done.output
    return run / 'trained.safetensors'


@pytest.fixture(scope='module')
def bundles(file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """→ the trained one, the untrained one."""
    folder = tmp_path_factory.mktemp('bundles')
    for out, given in ((folder / 'trained', ['--checkpoint', file]), (folder / 'untrained', [])):
        done = told('export', out, *given)
        assert done.exit_code == 0, done.output
    return folder / 'trained', folder / 'untrained'


@pytest.fixture
def model(file: Path) -> VideoChat:
    model = tiny_videochat()
    load_trained(model, part_of, file)
    return model.requires_grad_(False)


@pytest.mark.parametrize('graph', ['vision', 'region'])   # no lesson of SpriteWorld gives a box, so `box` stays as it was
def test_a_traced_graph_is_the_trained_models(bundles: tuple[Path, Path], model: VideoChat, graph: str) -> None:
    spec = next(spec for spec in graphs_of(model) if spec.file == f'{graph}.onnx')
    wanted = spec.module(*spec.example)
    trained, untrained = (ran(bundle / spec.file, **dict(zip(spec.inputs, spec.example)))[0] for bundle in bundles)
    assert np.abs(trained - wanted[0].numpy()).max() < 1e-3
    assert np.abs(trained - untrained).max() > 1e-2


def test_the_decoder_is_the_trained_models_lora_and_task_tokens_in_it(bundles: tuple[Path, Path], model: VideoChat) -> None:
    ids = torch.tensor([[1, 7, 9, 11, model.ids.of('<box_begin>'), model.ids.of('<boxes>')]])
    logits, state = model.hidden(model.embed(ids))
    (trained, hidden), (untrained, _) = (decoded(bundle, ids) for bundle in bundles)
    assert np.abs(hidden[0] - state[0].numpy()).max() < 1e-3
    assert np.abs(trained[0, -1, :model.config.vocabulary] - logits[0, -1].numpy()).max() < 1e-3
    assert np.abs(trained - untrained).max() > 1e-2


def test_the_next_stage_goes_on_from_it(file: Path) -> None:
    done = told('train', 'together', '--steps', 1, '--batch', 1, '--run', file.parent, '--device', 'cpu')
    assert done.exit_code == 0 and f'Goes on from {file}' in done.output


def test_a_checkpoint_that_is_not_there_is_refused(tmp_path: Path) -> None:
    done = told('export', tmp_path / 'out', '--checkpoint', tmp_path / 'gone.safetensors')
    assert done.exit_code == 1 and 'gone.safetensors is not there' in done.output
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize('option', ['--region', '--absent'])
def test_an_option_that_would_change_nothing_is_refused(tmp_path: Path, option: str) -> None:
    done = told('export', tmp_path / 'out', option, 0.4)
    assert done.exit_code == 2 and option in done.output and 'heeds it for' in done.output


def test_a_name_too_few_one_too_many_and_a_wrong_shape_are_named(file: Path, tmp_path: Path) -> None:
    tensors = load_file(file)
    tensors['stranger'] = tensors.pop('box_token')
    tensors['track_token'] = torch.zeros(3)
    save_file(tensors, tmp_path / 'other.safetensors')
    with pytest.raises(TrainedError, match=r'missing box_token; unexpected stranger; track_token has shape \[3\], expected \[1, 1, 64\]'):
        load_trained(tiny_videochat(), part_of, tmp_path / 'other.safetensors')


def test_a_cut_file_is_refused(file: Path, tmp_path: Path) -> None:
    (tmp_path / 'cut.safetensors').write_bytes(file.read_bytes()[:1000])
    with pytest.raises(TrainedError, match='cut.safetensors cannot be read'):
        load_trained(tiny_videochat(), part_of, tmp_path / 'cut.safetensors')


def test_it_stays_in_fp32_beside_a_model_in_bf16(file: Path) -> None:
    model = tiny_videochat().to(torch.bfloat16)
    load_trained(model, part_of, file)
    assert all(torch.equal(parameter, load_file(file)[name]) for name, parameter in model.named_parameters() if part_of(name) == 'lora')


def decoded(bundle: Path, ids: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    embeds = ran(bundle / 'embed.onnx', ids=ids)[0]
    session = onnxruntime.InferenceSession(bundle / 'decoder.onnx', providers=['CPUExecutionProvider'])
    past = {each.name: np.zeros([1, *each.shape[1:]], np.float32) for each in session.get_inputs() if each.name.startswith('past.')}
    return session.run(['logits', 'hidden'], {'embeds': embeds, 'lengths': np.zeros(1, np.int64), **past})


def ran(path: Path, **inputs: torch.Tensor) -> list[np.ndarray]:
    return onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider']).run(None, {name: value.numpy() for name, value in inputs.items()})
