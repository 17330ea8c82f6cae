"""[AS7] The frames the model sees: the same as the serving side takes."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.sampling import sample_frames

CASES = json.loads((Path(__file__).parents[3] / 'schemas' / 'golden' / 'sampling.json').read_text())


@pytest.mark.parametrize('case', CASES, ids=lambda case: case['name'])
def test_golden(case):
    assert sample_frames(case['times'], case['at'], case['frames'], case['everyMs']) == case['indices']


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=30, unique=True).map(sorted), st.integers(0, 12_000), st.integers(1, 16), st.integers(1, 2000))
def test_frames_in_order_and_never_after_the_end(times, end, frames, every_ms):
    indices = sample_frames(times, {'end': end}, frames, every_ms)
    assert len(indices) == frames and indices == sorted(indices)
    assert times[indices[-1]] <= end or indices[-1] == 0
