"""Clips out of a feature cache are to `small` what clips looked at are."""
from pathlib import Path
import pickle

import numpy as np
import pytest
import torch

from trainer.backbones.small.clips import CachedClips, LiveClips, OtherEyesError
from trainer.backbones.small.packed_taps import unpack
from trainer.feature_cache import TAPS

LOW, STEP = -4.0, 0.125   # coarse: a byte reaches from −4 to 27.9


def write_cache(folder: Path, encoder: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    ranges = {f'{name}_{kind}': np.full(channels, value) for name, channels in TAPS.items() for kind, value in (('low', LOW), ('step', STEP))}
    np.savez(folder / 'ranges.npz', encoder=np.array(encoder), **ranges)


def write_clip(folder: Path, clips: LiveClips) -> None:
    clip, packed = clips[0]
    stored = {name: ((tap.numpy() - LOW) / STEP).round().clip(0, 255).astype(np.uint8) for name, tap in zip(('s8', 's16', 's32'), unpack(packed))}
    folder.mkdir()
    for name in ('s4', 'rgb', 'evidence', 'ltrb'):
        np.save(folder / f'{name}.npy', np.zeros(0, np.uint8))
    for name, tap in stored.items():
        np.save(folder / f'{name}.npy', (tap[clip.kept] if name == 's8' else tap)[None])
    (folder / 'clips.pickle').write_bytes(pickle.dumps([clip]))
    (folder / 'done').touch()


def test_a_cached_clip_has_what_was_seen_in_it(tmp_path: Path, clips: LiveClips) -> None:
    write_cache(tmp_path, 'imagenet')
    write_clip(tmp_path / 'shard-00000', clips)
    cached = CachedClips(tmp_path)
    found, wanted = unpack(cached[0].packed), unpack(clips[0].packed)
    kept = clips[0].clip.kept
    within = lambda tap: tap.clamp(LOW, LOW + 255 * STEP)
    assert len(cached) == 1 and cached[0].packed.shape == clips[0].packed.shape
    assert torch.allclose(found[0][kept], within(wanted[0][kept]), atol=STEP / 2 + 1e-4)
    assert torch.allclose(found[1], within(wanted[1]), atol=STEP / 2 + 1e-4) and torch.allclose(found[2], within(wanted[2]), atol=STEP / 2 + 1e-4)
    others = sorted(set(range(len(found[0]))) - set(kept.tolist()))
    assert not found[0][others].any()


def test_a_cache_of_another_encoder_is_refused(tmp_path: Path) -> None:
    write_cache(tmp_path, 'abc123')
    with pytest.raises(OtherEyesError, match='features of the encoder abc123'):
        CachedClips(tmp_path)
