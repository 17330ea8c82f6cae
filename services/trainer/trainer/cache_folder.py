"""Where downloads, feature caches and runs are kept: FOVEA_CACHE, or ~/.cache/fovea."""
import os
from pathlib import Path


def cache_folder() -> Path:
    folder = Path(os.environ.get('FOVEA_CACHE', Path.home() / '.cache' / 'fovea'))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def features_folder(own_encoder: bool) -> Path:
    """Feature caches: of a trained encoder, or of ImageNet's."""
    return cache_folder() / ('features-own' if own_encoder else 'features')
