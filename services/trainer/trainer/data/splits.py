"""Which clip belongs to training, development and test, so that nothing crosses over."""
import hashlib
from typing import Literal

Split = Literal['train', 'dev', 'test']
ArtStyle = Literal['seen', 'held-out']
SPLITS: tuple[Split, ...] = ('train', 'dev', 'test')


def clip_seed(world: str, split: str, index: int, style: str) -> int:
    """A seed that no other (world, split, index, style) shares; the split stays readable in its lowest digit, so seeds of two splits cannot meet."""
    digest = hashlib.blake2b(f'{world}/{split}/{index}/{style}'.encode(), digest_size=7).digest()
    return int.from_bytes(digest, 'big') // 3 * 3 + SPLITS.index(split)


def is_reserved(a: str, b: str, share: float) -> bool:
    """Whether two nouns may be seen together in test clips only."""
    pair = '+'.join(sorted((a, b)))
    return int.from_bytes(hashlib.blake2b(pair.encode(), digest_size=4).digest(), 'big') < share * 2**32
