from ..model.conftest import cache_folder_small  # noqa: F401 — the replay
