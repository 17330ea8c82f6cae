"""The graphs of SAM-class models as other exporters cut them: what each layout's encoder gives and what its decoder takes, names aside."""
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.sam.decode import HIDDEN, Decode
from trainer.sam.eyes import MEAN, STD
from trainer.sam.prompts import Points


class Encoder(nn.Module):
    """pixels (1, 3, S, S) normalised → s4 (1, C/8, 4G, 4G), s8 (1, C/4, 2G, 2G), s16 (1, C, G, G), fresh: s16 without a past, where (1, C, G, G)"""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        found = self.model.forward_image(pixels)
        s4, s8, s16 = found['backbone_fpn']
        return s4, s8, s16, s16 + self.model.no_mem_embed.reshape(1, -1, 1, 1), found['vision_pos_enc'][-1]


class PlainEncoder(Encoder):
    """The same of pixels in 0–1: it normalises by itself."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model)
        self.register_buffer('mean', torch.tensor(MEAN).view(1, 3, 1, 1))
        self.register_buffer('std', torch.tensor(STD).view(1, 3, 1, 1))

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        return super().forward((pixels - self.mean) / self.std)


class Decoder(nn.Module):
    """What all layouts share: places in pixels of the encoder (Q, n, 2) with labels (Q, n) → mask (Q, 4, h, w), iou (Q, 4), presence (Q, 1)"""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.size, self.points, self.decode = model.image_size, Points(model), Decode(model)
        self.draw = model.sam_prompt_encoder.mask_downscaling

    def outline(self, s4: Tensor, s8: Tensor, fresh: Tensor, places: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.decode.outline(s4, s8, fresh, self.points.embed(places / self.size, labels))[:3]


class TransformersDecoder(Decoder):
    """input_points (1, 1, n, 2), input_labels int64 (1, 1, n), input_boxes (1, b, 4), b 0 or 1"""

    def forward(self, points: Tensor, labels: Tensor, boxes: Tensor, s4: Tensor, s8: Tensor, fresh: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        corners = boxes.reshape(1, -1, 2)                                                     # (1, 2b, 2)
        kinds = torch.tensor([2.0, 3.0]).expand(boxes.shape[1], 2).reshape(1, -1)              # (1, 2b)
        mask, iou, presence = self.outline(s4, s8, fresh, torch.cat([points[0], corners], 1), torch.cat([labels[0].float(), kinds], 1))
        return iou[:, None, 1:], mask[:, None, 1:], presence[:, None]


class SamExporterDecoder(Decoder):
    """point_coords (Q, n, 2), point_labels (Q, n) float, mask_input (Q, 1, 4G, 4G), has_mask_input (1)"""

    def forward(self, fresh: Tensor, s4: Tensor, s8: Tensor, places: Tensor, labels: Tensor, drawn: Tensor, has: Tensor) -> tuple[Tensor, Tensor]:
        plain = self.decode.plain.weight.reshape(1, -1, 1, 1)
        mask, iou, _ = self.outline(s4, s8, fresh + has * (self.draw(drawn) - plain), places, labels)
        return mask[:, 1:].clamp(-32, 32), iou[:, 1:]


class VideoDecoder(Decoder):
    """input_points (1, 1, n, 2), input_labels int32 (1, 1, n); picks the outline itself"""

    def forward(self, s4: Tensor, s8: Tensor, fresh: Tensor, points: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mask, iou, presence = self.outline(s4, s8, fresh, points[0], labels[0].float())
        best = iou[0, 1:].argmax() + 1
        chosen = torch.where((labels != -1).sum() <= 1, best, torch.zeros_like(best))
        return mask[:, chosen][:, None], iou[:, chosen][:, None], presence


class BestDecoder(Decoder):
    """point_coords (1, 1, n, 2), point_labels whole (1, 1, n); the best of three whatever the prompt → mask (1, 1, h, w), large (1, 1, S, S), iou (1, 1, 3), pointer (1, 1, C), presence (1, 1, 1)"""

    def forward(self, s4: Tensor, s8: Tensor, fresh: Tensor, points: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        mask, iou, presence, tokens = self.decode.outline(s4, s8, fresh, self.points.embed(points[0] / self.size, labels[0].float()))
        best = iou[0, 1:].argmax() + 1
        seen = (presence > 0).to(mask.dtype)
        chosen = torch.where(presence[..., None, None] > 0, mask[:, best][:, None], HIDDEN)
        pointer = self.decode.point(tokens[:, best]) * seen + self.decode.absent * (1 - seen)
        large = F.interpolate(chosen, size=(self.size, self.size), mode='bilinear', align_corners=False)
        return chosen, large, iou[:, None, 1:], pointer[:, None], presence[:, None]


class CoarseDecoder(Decoder):
    """No fine maps. point_coords (1, n, 2), point_labels (1, n) float, mask_input (1, 1, 4G, 4G), has_mask_input (1), multimask_output (1) → mask (1, 1, h, w), presence (1, 1), pointer (1, C), iou (1, 4)"""

    def forward(self, fresh: Tensor, places: Tensor, labels: Tensor, drawn: Tensor, has: Tensor, several: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        plain, nothing = self.decode.plain.weight.reshape(1, -1, 1, 1), torch.zeros(1, 1, 1, 1)
        mask, iou, presence, tokens = self.decode.outline(nothing, nothing, fresh + has * (self.draw(drawn) - plain), self.points.embed(places / self.size, labels))
        best = iou[0, 1:].argmax() + 1
        chosen = torch.where(several[0] > 0.5, best, torch.zeros_like(best))
        return torch.where(presence[..., None, None] > 0, mask[:, chosen][:, None], HIDDEN), presence, self.decode.point(tokens[:, chosen]), iou


class WideEncoder(nn.Module):
    """pixels → the three maps as wide as the coarsest, nothing of the decoder's done to them"""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.encoder = model.image_encoder

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return tuple(self.encoder(pixels)['backbone_fpn'])


class WideDecoder(Decoder):
    """Makes its fine maps itself. point_coords (1, 1, n, 2), point_labels (1, 1, n) float, mask_input, has_mask_input (1) → large (1, 3, S, S), iou (1, 3), mask (1, 3, h, w), presence (1, 1)"""

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model)
        self.fine, self.middle, self.no_past = model.sam_mask_decoder.conv_s0, model.sam_mask_decoder.conv_s1, model.no_mem_embed

    def forward(self, wide4: Tensor, wide8: Tensor, wide16: Tensor, points: Tensor, labels: Tensor, drawn: Tensor, has: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        plain = self.decode.plain.weight.reshape(1, -1, 1, 1)
        fresh = wide16 + self.no_past.reshape(1, -1, 1, 1) + has * (self.draw(drawn) - plain)
        mask, iou, presence = self.outline(self.fine(wide4), self.middle(wide8), fresh, points[0], labels[0])
        return F.interpolate(mask[:, 1:], size=(self.size, self.size), mode='bilinear', align_corners=False), iou[:, 1:], mask[:, 1:], presence


class NoPast(nn.Module):
    """s16 → s16 for an object without a past"""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.no_past = model.no_mem_embed

    def forward(self, features: Tensor) -> Tensor:
        return features + self.no_past.reshape(1, -1, 1, 1)
