"""SAM 2 and EdgeTAM from their official code (module `sam2` of PyPI `edgetam-dimos`; for SAM 2 alone, of PyPI `sam2`), with random or given weights.

The code is used as it is but for three mends, none of which touches arithmetic: the image backbone is built without a download, the perceiver reshapes
where it viewed (so that it takes several objects), and attention may use every kernel.
"""
from contextlib import contextmanager
from dataclasses import dataclass, replace

from pathlib import Path
from types import ModuleType
from typing import Iterator

import torch
from torch import nn

from trainer.sam.reference import moving_shapes


@dataclass(frozen=True)
class Family:
    """A model of the official code: its configuration, and what a small one of the same shape changes."""
    config: str
    licence: str = 'Apache-2.0'
    overrides: tuple[str, ...] = ()
    backbone: tuple[tuple[str, tuple[int, ...]], ...] = ()  # keyword arguments of the image backbone
    mlp: int = 2048                                         # hidden width of the mask decoder's layers, at most
    sizes: tuple[int, ...] = (1024, 512)


TINY_WIDTHS = (
    'image_encoder.neck.d_model=32', 'image_encoder.neck.position_encoding.num_pos_feats=32',
    'memory_attention.d_model=32', 'memory_attention.layer.d_model=32', 'memory_attention.layer.dim_feedforward=64',
    'memory_attention.layer.self_attention.embedding_dim=32', 'memory_attention.layer.cross_attention.embedding_dim=32', 'memory_attention.layer.cross_attention.kv_in_dim=8',
    'memory_encoder.out_dim=8', 'memory_encoder.position_encoding.num_pos_feats=8', 'memory_encoder.fuser.layer.dim=32', 'memory_encoder.in_dim=32',
    'memory_encoder.mask_downsampler.embed_dim=32',
)

FAMILIES = {
    'edgetam': Family('configs/edgetam.yaml'),
    'sam2.1-tiny': Family('configs/sam2.1/sam2.1_hiera_t.yaml'),
    'sam2.1-small': Family('configs/sam2.1/sam2.1_hiera_s.yaml'),
    'sam2.1-base-plus': Family('configs/sam2.1/sam2.1_hiera_b+.yaml'),
    'sam2.1-large': Family('configs/sam2.1/sam2.1_hiera_l.yaml'),
    # The same code, every part of it, made so small that tests can carry its graphs.
    'edgetam-test': Family(
        'configs/edgetam.yaml', mlp=64, sizes=(128,), backbone=(('embed_dim', (8, 8, 16, 16)), ('depth', (1, 1, 1, 1))),
        overrides=TINY_WIDTHS + ('image_encoder.neck.backbone_channel_list=[16,16,8,8]', 'memory_attention.layer.cross_attention.k_sizes=[4,4]', 'spatial_perceiver.dim=8',
                                 'spatial_perceiver.dim_head=8', 'spatial_perceiver.num_latents=16', 'spatial_perceiver.num_latents_2d=16', 'spatial_perceiver.position_encoding.num_pos_feats=8'),
    ),
    'sam2.1-test': Family(
        'configs/sam2.1/sam2.1_hiera_t.yaml', mlp=64, sizes=(128,),
        overrides=TINY_WIDTHS + ('image_encoder.neck.backbone_channel_list=[64,32,16,8]', 'image_encoder.trunk.embed_dim=8', 'image_encoder.trunk.stages=[1,1,2,1]',
                                 'image_encoder.trunk.global_att_blocks=[3]', 'memory_attention.num_layers=2'),
    ),
}


FAMILIES |= {
    'sam2-tiny': Family('configs/sam2/sam2_hiera_t.yaml'),
    'sam2-large': Family('configs/sam2/sam2_hiera_l.yaml'),
    'sam2-test': replace(FAMILIES['sam2.1-test'], config='configs/sam2/sam2_hiera_t.yaml'),
}


class WeightsError(Exception):
    code = 'sam-weights'


def build(family: str, size: int, weights: Path | None = None, seed: int = 0) -> nn.Module:
    """The official video predictor, in evaluation, without its optional clean-up of masks (`apply_postprocessing=False`)."""
    from hydra import compose
    from hydra.utils import instantiate
    from omegaconf import OmegaConf
    import sam2  # noqa: F401 — points hydra at the configurations of the package
    import sam2.modeling.sam.transformer as attention

    attention.ALLOW_ALL_KERNELS = True
    which = FAMILIES[family]
    grid = size // 16
    changes = [f'++model.{change}' for change in which.overrides]
    changes += [f'++model._target_={predictor_module().__name__}.SAM2VideoPredictor', f'model.image_size={size}', f'model.memory_attention.layer.self_attention.feat_sizes=[{grid},{grid}]']
    config = compose(config_name=which.config, overrides=changes)
    cross = config.model.memory_attention.layer.cross_attention
    cross['q_sizes' if 'q_sizes' in cross else 'feat_sizes'] = [grid, grid]
    OmegaConf.resolve(config)
    torch.manual_seed(seed)  # the prompt encoder draws a buffer of its own
    with mended(which):
        model = instantiate(config.model, _recursive_=True).eval()
    if weights is None:
        scatter(model, seed)
    else:
        load(model, weights)
    return model.requires_grad_(False)


def load(model: nn.Module, weights: Path) -> None:
    """A published checkpoint, strictly: every name, every shape."""
    state = torch.load(weights, map_location='cpu', weights_only=True)
    if not isinstance(state, dict) or 'model' not in state:
        raise WeightsError(f'{weights} holds no "model" entry; expected a checkpoint as the official repositories publish it.')
    try:
        model.load_state_dict(state['model'], strict=True)
    except RuntimeError as error:
        raise WeightsError(f'{weights} does not fit this model. {error}') from error


@torch.no_grad()
def scatter(model: nn.Module, seed: int) -> None:
    """Random weights that keep the size of what goes through, so that masks differ from frame to frame: as initialised for training they hardly do. The image backbone keeps its own."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        if name.startswith('image_encoder.trunk'):
            continue
        value = torch.randn(parameter.shape, generator=generator)
        if parameter.ndim > 1:
            parameter.copy_(value * max(parameter[0].numel(), 1) ** -0.5)
        else:
            parameter.copy_(value * 0.1 + (1 if name.endswith(('weight', 'gamma')) else 0))
    focus(model)


@torch.no_grad()
def focus(model: nn.Module) -> None:
    """Fits the convolutions after the backbone to one picture: every channel with mean 0 and deviation 1, so that features tell places apart."""
    picture = torch.from_numpy(moving_shapes(model.image_size, 1)).permute(0, 3, 1, 2).float() / 64 - 2
    for level, x in zip(reversed(model.image_encoder.neck.convs), model.image_encoder.trunk(picture)):
        found = level.conv(x)                                             # (1, C, h, w)
        mean, spread = found.mean((0, 2, 3)), found.std((0, 2, 3)).clamp(min=1e-6)
        level.conv.weight.div_(spread[:, None, None, None])
        level.conv.bias.sub_(mean).div_(spread)


@contextmanager
def mended(family: Family) -> Iterator[None]:
    """What the official constructors would otherwise download or write out as numbers."""
    import sam2.modeling.sam2_base as base

    before = base.TwoWayTransformer, base.MaskDecoder
    edge = edgetam_modules()
    if edge:
        import timm.models
        backbone, perceiver = edge
        made = backbone.create_model
        backbone.create_model = lambda name, pretrained=True, **options: timm.models.create_model(name, pretrained=False, **options, **dict(family.backbone))
        perceiver.PerceiverResampler.forward_2d = several_objects
    base.TwoWayTransformer = lambda mlp_dim, **options: before[0](mlp_dim=family.mlp, **options)
    base.MaskDecoder = lambda iou_head_hidden_dim, **options: before[1](iou_head_hidden_dim=min(iou_head_hidden_dim, family.mlp), **options)
    try:
        yield
    finally:
        base.TwoWayTransformer, base.MaskDecoder = before
        if edge:
            edge[0].create_model = made


def edgetam_modules() -> tuple[ModuleType, ModuleType] | None:
    """The image backbone and the perceiver of EdgeTAM; PyPI `sam2`, which has SAM 2 alone, lacks them."""
    try:
        import sam2.modeling.backbones.timm as backbone
        import sam2.modeling.perceiver as perceiver
    except ModuleNotFoundError:
        return None
    return backbone, perceiver


def predictor_module() -> ModuleType:
    """The predictor that follows all objects as one batch: in PyPI `sam2` 1.1 it is called the legacy one."""
    try:
        import sam2.sam2_video_predictor_legacy as module
    except ModuleNotFoundError:
        import sam2.sam2_video_predictor as module
    return module


def several_objects(self: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """`PerceiverResampler.forward_2d` with `.reshape` for the `.view` that an expanded tensor of several objects refuses."""
    from sam2.modeling.perceiver import window_partition
    b, c, height, _ = x.shape
    side = round(self.num_latents_2d ** 0.5)
    latents = self.latents_2d.unsqueeze(0).expand(b, -1, -1).reshape(-1, 1, c)               # (B·L, 1, c)
    windows = window_partition(x.permute(0, 2, 3, 1), height // side).flatten(1, 2)          # (B·L, w·w, c)
    for layer in self.layers:
        latents = layer(latents, windows)
    grid = latents.reshape(b, side, side, c)                                                 # (B, s, s, c)
    position = self.position_encoding(grid.permute(0, 3, 1, 2)).permute(0, 2, 3, 1).flatten(1, 2)
    return self.norm(grid.flatten(1, 2)), position
