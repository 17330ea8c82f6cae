"""Values by metric; what is reported is the mean and the count."""
from dataclasses import dataclass, field


@dataclass
class Scores:
    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, value: float) -> None:
        self.values.setdefault(name, []).append(float(value))

    def means(self) -> dict[str, tuple[float, int]]:
        return {name: (round(sum(values) / len(values), 4), len(values)) for name, values in sorted(self.values.items())}
