"""The image encoder as a graph: pictures of any size as bytes, to the maps that the other parts read."""
import torch
from torch import Tensor, nn
from torch.nn import functional as F

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Eyes(nn.Module):
    """pixels (1, H, W, 3) uint8, stretched to S×S → s4 (1, C/8, 4G, 4G), s8 (1, C/4, 2G, 2G), s16 (1, C, G, G), attended (1, C, G, G): s16 for an object that has no past."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.size = model.image_size
        self.encoder = model.image_encoder
        # The two fine maps are one 1×1 convolution after another, which is one.
        neck, decoder = model.image_encoder.neck, model.sam_mask_decoder
        assert 0 not in neck.fpn_top_down_levels and 1 not in neck.fpn_top_down_levels
        self.fine, self.middle = joined(neck.convs[-1].conv, decoder.conv_s0), joined(neck.convs[-2].conv, decoder.conv_s1)
        self.no_past = model.no_mem_embed
        self.register_buffer('scale', 1 / (255 * torch.tensor(STD)).view(1, 3, 1, 1))
        self.register_buffer('shift', (torch.tensor(MEAN) / torch.tensor(STD)).view(1, 3, 1, 1))

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        x = pixels.permute(0, 3, 1, 2).float()
        x = F.interpolate(x, size=(self.size, self.size), mode='bilinear', align_corners=False)
        s4, s8, s16, s32 = self.encoder.trunk(x * self.scale - self.shift)
        coarse, wide = (level.conv for level in self.encoder.neck.convs[:2])
        s16 = wide(s16) + F.interpolate(coarse(s32), scale_factor=2.0, mode=self.encoder.neck.fpn_interp_model)
        return self.fine(s4), self.middle(s8), s16, s16 + self.no_past.reshape(1, -1, 1, 1)


def joined(first: nn.Conv2d, second: nn.Conv2d) -> nn.Conv2d:
    """Two 1×1 convolutions as one."""
    made = nn.Conv2d(first.in_channels, second.out_channels, 1)
    into, out = first.weight[..., 0, 0].double(), second.weight[..., 0, 0].double()
    made.weight = nn.Parameter((out @ into).float()[..., None, None], requires_grad=False)
    made.bias = nn.Parameter((out @ first.bias.double() + second.bias.double()).float(), requires_grad=False)
    return made


def merged(model: nn.Module) -> nn.Module:
    """The image encoder with branches that run side by side made one, where it is built of such (RepViT): the same sums, in fewer steps."""
    trunk = model.image_encoder.trunk
    if hasattr(trunk, 'body'):
        from timm.utils.model import reparameterize_model
        trunk.body = reparameterize_model(trunk.body)
    return model
