"""Fits `Texture`: which texture photographs have, and which drawings. One linear unit by logistic regression, in a minute or two.

    python -m trainer.cli texture eyes.safetensors --out eyes.safetensors

Photographs: parts of those for training, taken as cameras take them. Drawn: frames of training clips, photographed grounds under sprites among them.
"""
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random
from typing import Annotated

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
import typer

from trainer.backbones.lite0 import Taps
from trainer.backbones.nano_texture import statistics
from trainer.checkpoint import load_weights, save_weights
from trainer.config import CONFIGS
from trainer.data.clip import SpriteWorld, WorldConfig
from trainer.data.photo_exam import pictures
from trainer.data.photos import photograph
from trainer.frozen_runner import FrozenRunner
from trainer.model import TpoModel

PARTS = 8              # of a photograph
CLIPS = 700            # two frames of each
FIRST = 30_000         # beyond the clips that a recipe trains with
DECAY = 1e-3           # of the squared weights of standardised statistics
DRAWN = 1.0            # a logit: how much surer than even it must be, for drawings are what the rest of the model was taught on
SIDE = 160


app = typer.Typer()


@app.command()
def texture(weights: Annotated[Path, typer.Argument(help='Weights whose encoder learns no more.')], out: Annotated[Path, typer.Option(help='Where they go with the fitted unit.')],
            config: str = 'nano') -> None:
    """Fits what tells photographs from drawings. After `look`, for the encoder must not change any more."""
    model = TpoModel(CONFIGS[config])
    steps = load_weights(weights, model)
    shown, drawn = fit_texture(model)
    save_weights(out, model, steps)
    typer.echo(f'{out}: of parts of photographs {shown:.3f} are taken for photographs, of drawn frames {drawn:.3f}')


def fit_texture(model: TpoModel, parts: int = PARTS, clips: int = CLIPS) -> tuple[float, float]:
    """Sets the model's texture unit → shares of photographs and of drawn frames that it takes for photographs."""
    runner = FrozenRunner(model.backbone.encoder)
    shown, drawn = (statistics_of(runner, frames) for frames in (photographed(parts), drawings(clips)))
    both = torch.cat([shown, drawn])
    middle, spread = both.mean(0), both.std(0) + 1e-3
    unit = torch.nn.Linear(both.shape[1], 1)
    optimiser = torch.optim.LBFGS(unit.parameters(), max_iter=300)

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = F.softplus(-unit((shown - middle) / spread)).mean() + F.softplus(unit((drawn - middle) / spread)).mean() + DECAY * unit.weight.square().sum()
        loss.backward()
        return loss

    optimiser.step(closure)
    with torch.no_grad():
        weigh = model.backbone.texture.weigh
        weigh.weight.copy_(unit.weight / spread)
        weigh.bias.copy_(unit.bias - (unit.weight * middle / spread).sum() - DRAWN)
        return float((weigh(shown) > 0).float().mean()), float((weigh(drawn) > 0).float().mean())


def statistics_of(runner: FrozenRunner, frames: Iterator[np.ndarray]) -> Tensor:
    parts = []
    while some := list(islice(frames, 64)):
        taps = runner.look(np.stack([cv2.resize(frame, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for frame in some]))
        parts.append(statistics(Taps(*(torch.from_numpy(tap).float() for tap in taps[:4]))))
    return torch.cat(parts)


def photographed(parts: int) -> Iterator[np.ndarray]:
    rng = Random('photographs')
    for picture in pictures('training'):
        for _ in range(parts):
            yield part_of(photograph(picture.file), rng)


def part_of(image: np.ndarray, rng: Random) -> np.ndarray:
    """A part that is not plain, of any size and tone, sometimes blurred or noisy."""
    height, width = image.shape[:2]
    for _ in range(8):
        share, aspect = rng.uniform(0.25, 1), rng.uniform(0.75, 1.78) ** rng.choice((0.5, -0.5))
        w, h = min(width, int(width * share * aspect)), min(height, int(height * share / aspect))
        x, y = rng.randint(0, width - w), rng.randint(0, height - h)
        part = image[y:y + h, x:x + w]
        if min(h, w) >= 60 and part.std() > 22:
            break
    if rng.random() < 0.5:
        part = part[:, ::-1]
    gain = np.array([rng.uniform(0.75, 1.25) * rng.uniform(0.92, 1.08) for _ in range(3)])
    part = np.clip(part * gain + rng.uniform(-15, 15), 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        part = cv2.GaussianBlur(part, (0, 0), rng.uniform(0.5, 2))
    if rng.random() < 0.3:
        noise = np.random.default_rng(rng.getrandbits(30)).normal(0, rng.uniform(2, 9), part.shape)
        part = np.clip(part + noise, 0, 255).astype(np.uint8)
    return part


def drawings(clips: int) -> Iterator[np.ndarray]:
    world = SpriteWorld(WorldConfig.load('spriteworld-v1', size=SIDE))
    for number in range(clips):
        yield from world.clip('train', FIRST + number).frames[[3, 15]]
