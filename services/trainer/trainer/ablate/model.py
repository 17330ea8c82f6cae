"""nano's model with what the baselines need beside it: the MLP head and words for coordinates. Every arm has all of it and trains its own part."""
from trainer.config import NanoConfig
from trainer.heads.region_mlp import RegionMlp
from trainer.model import TpoModel
from trainer.textual import textual_vocabulary


class ArmModel(TpoModel):
    def __init__(self, config: NanoConfig) -> None:
        super().__init__(config, textual_vocabulary())
        self.mlp = RegionMlp(config)
