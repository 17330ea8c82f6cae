"""What a phrase costs is measured on a model of its own size, whatever its maps hold."""
import pytest

from trainer.ablate import cost
from trainer.config import TINY


def test_every_way_of_looking_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, 'RUNS', 1)
    times = cost.phrase_costs(TINY)
    assert len(times) == 3 and all(ms > 0 for ms in times.values())
