"""Where downloads, feature caches and runs are kept: FOVEA_CACHE, or ~/.cache/fovea."""
import os
from pathlib import Path


def cache_folder() -> Path:
    folder = Path(os.environ.get('FOVEA_CACHE', Path.home() / '.cache' / 'fovea'))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
