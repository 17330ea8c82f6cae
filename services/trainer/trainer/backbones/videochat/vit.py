"""UMT-L: a ViT over all patches of all frames at once, with fixed sine positions. The last but one layer is what the connector reads.

The model was pretrained with 4 frames: positions of more frames are that table stretched along time.
"""
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.backbones.videochat.config import VideoChatConfig

PRETRAINED_FRAMES = 4


class VisionTransformer(nn.Module):
    def __init__(self, config: VideoChatConfig) -> None:
        super().__init__()
        self.encoder = VisionEncoder(config)

    def forward(self, video: Tensor) -> Tensor:
        """video (B, 3, T, H, W) normalised → (B, T·P, D)."""
        return self.encoder(video)


class VisionEncoder(nn.Module):
    def __init__(self, config: VideoChatConfig) -> None:
        super().__init__()
        d, side = config.vision_width, config.picture // config.patch
        self.patch_embed = PatchEmbed(config)
        self.blocks = nn.ModuleList(VisionBlock(d, config.vision_heads) for _ in range(config.vision_layers))
        with torch.device('cpu'):  # not in the checkpoint, so it must not be left on the meta device
            self.register_buffer('video_positions', stretched(side, config.frames, d), persistent=False)
            self.register_buffer('image_positions', sine_table(side * side, d), persistent=False)

    def forward(self, video: Tensor) -> Tensor:
        positions = self.image_positions if video.shape[2] == 1 else self.video_positions
        x = self.patch_embed(video)
        x = x + positions.to(x)
        for block in self.blocks:
            x = block(x)
        return x


class PatchEmbed(nn.Module):
    def __init__(self, config: VideoChatConfig) -> None:
        super().__init__()
        size = (1, config.patch, config.patch)
        self.proj = nn.Conv3d(3, config.vision_width, size, size)

    def forward(self, video: Tensor) -> Tensor:
        return self.proj(video).flatten(2).transpose(1, 2)  # (B, T·P, D)


class VisionBlock(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = VisionAttention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = VisionMlp(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class VisionAttention(nn.Module):
    """Queries and values have a bias, keys have none."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.q_bias, self.v_bias = nn.Parameter(torch.zeros(width)), nn.Parameter(torch.zeros(width))
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        bias = torch.cat([self.q_bias, torch.zeros_like(self.v_bias), self.v_bias])
        q, k, v = F.linear(x, self.qkv.weight, bias).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # each (B, h, N, hd)
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class VisionMlp(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


def sine_table(positions: int, width: int) -> Tensor:
    """(1, positions, width): sines at even channels, cosines at odd ones."""
    place = torch.arange(positions, dtype=torch.float64)[:, None]
    channel = torch.arange(width, dtype=torch.float64)
    angles = place / 10000 ** (2 * (channel // 2) / width)
    return torch.where(channel % 2 == 0, angles.sin(), angles.cos()).float()[None]


def stretched(side: int, frames: int, width: int) -> Tensor:
    """The table of the pretrained frames, interpolated along time to `frames` → (1, frames·side², width)."""
    if frames == PRETRAINED_FRAMES:
        return sine_table(frames * side * side, width)
    table = sine_table(PRETRAINED_FRAMES * side * side, width).view(PRETRAINED_FRAMES, side * side * width)
    return F.interpolate(table.T[None], size=frames, mode='linear')[0].T.reshape(1, frames * side * side, width)
