"""One model, three evaluators: PyTorch with the weights, the bundle's graphs from Python, the service's own code on the bundle. A tiny LLaVA-OneVision that was taught two clips."""
import json
from pathlib import Path
import subprocess

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip('peft', reason='the extra `llava` is not installed')

from tests.llava.taught import taught_llava
from trainer.backbones.llava_onevision.export import export_llava
from trainer.backbones.llava_onevision.model import LlavaOnevision
from trainer.backbones.pretrained.checkpoint import save_trained
from trainer.backbones.pretrained.export import Options
from trainer.cli import app
from trainer.data.clip import SpriteWorld
from trainer.data.config import WorldConfig
from trainer.data.folder import write_folder
from trainer.metrics.record import Head, Record
from trainer.metrics.rle import decode

REPOSITORY = Path(__file__).parents[4]
NODE = REPOSITORY / 'node_modules' / 'node' / 'bin' / 'node'
CLIPS, STEPS = 2, 90
SERVED = {'region': 0.55, 'mask': 0.5, 'moment': 0.3}   # thresholds of an export that is told no others


@pytest.fixture(scope='module')
def world() -> SpriteWorld:
    return SpriteWorld(WorldConfig.load('spriteworld-v1', size=64))


@pytest.fixture(scope='module')
def model(world: SpriteWorld) -> LlavaOnevision:
    return taught_llava([world.clip('train', number) for number in range(CLIPS)], STEPS)


@pytest.fixture(scope='module')
def folder(world: SpriteWorld, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clips it was taught, asked what they were asked, and for a standing phrase each."""
    folder = tmp_path_factory.mktemp('folder')
    write_folder(folder, world, 'train', 'seen', CLIPS)
    lines = [json.loads(line) for line in (folder / 'clips.jsonl').read_text().splitlines()]
    for line in lines:
        target = next(ask['phrases'][0] for ask in line['asks'] if ask['row'] == 'region-name')
        line['asks'].append({'watch': {'phrase': target['phrase'], 'noun': target['noun']}, 'at': {'frame': 8}, 'row': 'standing-seen', 'expect': {'frames': []}})
    (folder / 'clips.jsonl').write_text('\n'.join(json.dumps(line) for line in lines) + '\n')
    return folder


@pytest.fixture(scope='module')
def stored(model: LlavaOnevision, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """→ checkpoint, bundle."""
    folder = tmp_path_factory.mktemp('stored')
    save_trained(model, folder / 'trained.safetensors', STEPS)
    export_llava(model, folder / 'bundle', Options(**SERVED))
    return folder / 'trained.safetensors', folder / 'bundle'


@pytest.fixture(scope='module')
def by_weights(folder: Path, stored: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    return evaluated(folder, tmp_path_factory.mktemp('weights'), '--config', 'llava-onevision-tiny', '--checkpoint', str(stored[0]))


def evaluated(folder: Path, out: Path, *options: str) -> list[Record]:
    done = CliRunner().invoke(app, ['eval', str(folder), '--out', str(out), *options])
    assert done.exit_code == 0, done.output
    assert '| trigger |' in done.output
    return [json.loads(line) for line in (out / 'records.jsonl').read_text().splitlines()]


def test_there_is_something_to_agree_on(by_weights: list[Record]) -> None:
    heads = [head for record in by_weights for head in record['prediction']['heads']]
    found = {task: sum(1 for head in heads if head['task'] == task and (head.get('regions') or head.get('mask') or head.get('spans') or any('box' in entry for entry in head.get('track', [])))) for task in ('region', 'mask', 'track', 'moment')}
    assert all(found.values()), found
    assert any(frame['regions'] for record in by_weights for frame in record['prediction'].get('frames', []))


def test_the_bundle_says_and_finds_what_its_weights_do(folder: Path, stored: tuple[Path, Path], by_weights: list[Record], tmp_path: Path) -> None:
    agree(evaluated(folder, tmp_path, '--bundle', str(stored[1])), by_weights)


def test_a_watch_asked_anew_begins_where_the_standing_one_does(folder: Path, stored: tuple[Path, Path], by_weights: list[Record], tmp_path: Path) -> None:
    anew = evaluated(folder, tmp_path, '--config', 'llava-onevision-tiny', '--checkpoint', str(stored[0]), '--anew')
    frames = [(one['prediction']['frames'], other['prediction']['frames']) for one, other in zip(anew, by_weights, strict=True) if 'frames' in one['prediction']]
    assert frames and all(one[0] == other[0] for one, other in frames)
    assert any(one != other for one, other in frames)  # what is in view changes, and so does what the language model says of it


@pytest.mark.skipif(not NODE.exists(), reason='needs the packages of the repository (`npm ci`)')
def test_the_service_says_and_finds_what_the_trainer_does(folder: Path, stored: tuple[Path, Path], by_weights: list[Record]) -> None:
    agree(served(stored[1], folder), by_weights)


@pytest.mark.skipif(not NODE.exists(), reason='needs the packages of the repository (`npm ci`)')
def test_so_it_is_with_a_model_that_sees_a_window_as_one(folder: Path, tmp_path: Path) -> None:
    """A random VideoChat; it has no mask head, and what it cannot be asked counts as missed on both sides."""
    bundle = REPOSITORY / 'services' / 'inference' / 'test' / 'fixtures' / 'videochat-tiny'
    agree(evaluated(folder, tmp_path, '--bundle', str(bundle)), served(bundle, folder))


def test_what_cannot_be_examined_is_said(folder: Path) -> None:
    asked = lambda *options: CliRunner().invoke(app, ['eval', str(folder), *options])
    assert asked('--config', 'videochat-tiny', '--checkpoint', 'x').exit_code == 2
    toy = asked('--bundle', str(REPOSITORY / 'services' / 'inference' / 'test' / 'fixtures' / 'toy'))
    assert toy.exit_code == 1 and 'npx fovea model eval' in toy.output


def served(bundle: Path, folder: Path) -> list[Record]:
    run = subprocess.run([str(NODE), str(REPOSITORY / 'services' / 'inference' / 'src' / 'evaluate.ts'), str(bundle), str(folder)], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()[1:]]


def agree(some: list[Record], others: list[Record]) -> None:
    assert len(some) == len(others)
    for one, other in zip(some, others):
        mine, theirs = one['prediction'], other['prediction']
        assert mine['text'] == theirs['text']
        assert [(head['task'], head['phrase']) for head in mine['heads']] == [(head['task'], head['phrase']) for head in theirs['heads']]
        for a, b in zip(mine['heads'], theirs['heads']):
            same_head(a, b)
        frames = list(zip(mine.get('frames', []), theirs.get('frames', []), strict=True))
        assert all(same_regions(a['regions'], b['regions']) for a, b in frames)


def same_head(a: Head, b: Head) -> None:
    assert same_regions(a.get('regions', []), b.get('regions', []))
    assert same_mask(a.get('mask'), b.get('mask'))
    spans = list(zip(a.get('spans', []), b.get('spans', []), strict=True))
    assert all(one['span'] == pytest.approx(other['span'], abs=1.0) for one, other in spans)
    for one, other in zip(a.get('track', []), b.get('track', []), strict=True):
        assert one['frame'] == other['frame'] and same_mask(one.get('mask'), other.get('mask'))


def same_regions(some: list, others: list) -> bool:
    return len(some) == len(others) and all(np.allclose(a['box'], b['box'], atol=1e-3) and abs(a['score'] - b['score']) < 1e-3 for a, b in zip(some, others))


def same_mask(a: dict | None, b: dict | None) -> bool:
    if a is None or b is None:
        return a is b
    one, other = decode(a), decode(b)
    return (one & other).sum() >= 0.99 * (one | other).sum()
