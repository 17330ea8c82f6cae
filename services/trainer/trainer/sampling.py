"""Which kept frames the model sees [AS7]. The serving side has the same function; both read schemas/golden/sampling.json."""

from collections.abc import Sequence


def sample_frames(times: Sequence[float], at: dict[str, float], frames: int, every_ms: float) -> list[int]:
    """`times`: media times of kept frames, rising. `at`: {'end'} = `frames` frames that end there, `every_ms` apart, for each the newest
    kept at or before it and the oldest where none is; {'from', 'to'} = `frames` uniform over the range, the nearest kept for each, the
    earlier of two equally near. Gives indices into `times`, rising."""
    assert len(times) > 0, 'sample_frames needs at least one kept frame.'
    if 'end' in at:
        targets = [at['end'] - (frames - 1 - i) * every_ms for i in range(frames)]
        return [max((i for i, time in enumerate(times) if time <= target), default=0) for target in targets]
    step = (at['to'] - at['from']) / (frames - 1) if frames > 1 else 0.0
    targets = [at['from'] + i * step if frames > 1 else at['to'] for i in range(frames)]
    return [min(range(len(times)), key=lambda i: (abs(times[i] - target), i)) for target in targets]
