"""What SpriteWorld is made of; a config's hash names the exam."""
import hashlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

CONFIGS = Path(__file__).parent / 'configs'


@dataclass(frozen=True)
class WorldConfig:
    """`WorldConfig.load('spriteworld-v1')` is the exam; other values are for tests and experiments.

    `frames` is what the language model sees; `after` more frames may follow, in which things still enter and leave (for standing embeddings).
    """
    name: str = 'spriteworld/v1'
    frames: int = 16
    after: int = 0
    size: int = 160
    step_ms: int = 250
    fewest_things: int = 2
    most_things: int = 6
    lookalike_clips: float = 0.74
    occluder_clips: float = 0.36
    camera_clips: float = 0.5
    absent: float = 0.34
    natural_colours: float = 0.4
    narrowest: float = 0.75
    widest: float = 16 / 9
    reserved_pairs: float = 0.08
    held_out_style: str = 'twemoji'
    version: int = 1

    @staticmethod
    def load(name: str, **changes: object) -> 'WorldConfig':
        path = CONFIGS / f'{name}.json'
        if not path.exists():
            raise FileNotFoundError(f'No world is called {name}; there are {sorted(p.stem for p in CONFIGS.glob("*.json"))}.')
        values = json.loads(path.read_text()) | changes
        unknown = sorted(set(values) - {f.name for f in fields(WorldConfig)})
        if unknown:
            raise ValueError(f'{path.name}: a world has no setting {", ".join(unknown)}.')
        return WorldConfig(**values)

    @property
    def hash(self) -> str:
        """Eight hexadecimal digits over everything that decides a clip's content. The picture's size does not: it is how large the same world is drawn."""
        content = {k: v for k, v in asdict(self).items() if k != 'size'}
        return hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=4).hexdigest()
