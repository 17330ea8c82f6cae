"""SAM-class models as other exporters publish them, small and of random weights: the very names and ranks of their graphs, at a small size.

`python -m trainer.sam.published FOLDER` writes one folder a layout with its two files and what the official image predictor says (`told.json`), which is
what the runtime's translation of these layouts (`services/inference/src/model/published`) is tested with.
"""
import json
from pathlib import Path
import sys
import warnings

import numpy as np
import torch
from torch import Tensor, nn

from trainer.export.onnx_file import forget_origin
from trainer.export.rounding import shrink
from trainer.metrics.rle import encode
from trainer.sam.decode import Decode
from trainer.sam.eyes import MEAN, STD
from trainer.sam.official import build
from trainer.sam.part import halved
from trainer.sam.prompts import Points
from trainer.sam.reference import moving_shapes

SIZE, OPSET = 128, 17
PROMPTS = [{'box': [0.6, 0.2, 0.8, 0.4]}, {'points': [[0.2, 0.2, 1]]}, {'points': [[0.38, 0.72, 1], [0.7, 0.8, 0]]}]


def main(folder: Path) -> None:
    for name, (family, seed, write) in LAYOUTS.items():
        model = halved(build(family, SIZE, seed=seed))
        out = folder / name
        out.mkdir(parents=True, exist_ok=True)
        write(model, out)
        for path in out.glob('*.onnx'):
            forget_origin(path)
            shrink(path)
        (out / 'told.json').write_text(json.dumps({'size': SIZE, 'prompts': PROMPTS, 'told': told(model)}) + '\n')


class Encoder(nn.Module):
    """pixels (1, 3, S, S) normalised → s4 (1, C/8, 4G, 4G), s8 (1, C/4, 2G, 2G), s16 (1, C, G, G), fresh: s16 without a past"""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        s4, s8, s16 = self.model.forward_image(pixels)['backbone_fpn']
        return s4, s8, s16, s16 + self.model.no_mem_embed.reshape(1, -1, 1, 1)


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


def write_transformers(model: nn.Module, out: Path) -> None:
    maps = ['image_embeddings.0', 'image_embeddings.1', 'image_embeddings.2']
    s4, s8, fresh = write_encoder(model, out / 'vision_encoder.onnx', 'pixel_values', maps, (0, 1, 3))
    write(TransformersDecoder(model), out / 'prompt_encoder_mask_decoder.onnx', (torch.rand(1, 1, 2, 2) * SIZE, torch.ones(1, 1, 2, dtype=torch.int64), torch.rand(1, 1, 4) * SIZE, s4, s8, fresh),
          ['input_points', 'input_labels', 'input_boxes', *maps], ['iou_scores', 'pred_masks', 'object_score_logits'],
          {'input_points': {2: 'points'}, 'input_labels': {2: 'points'}, 'input_boxes': {1: 'boxes'}})
    (out / 'preprocessor_config.json').write_text(json.dumps({'image_mean': MEAN, 'image_std': STD, 'size': {'height': SIZE, 'width': SIZE}}) + '\n')


def write_samexporter(model: nn.Module, out: Path) -> None:
    s4, s8, fresh = write_encoder(model, out / 'sam2.encoder.onnx', 'image', ['high_res_feats_0', 'high_res_feats_1', 'image_embed'], (0, 1, 3))
    write(SamExporterDecoder(model), out / 'sam2.decoder.onnx', (fresh, s4, s8, torch.rand(1, 2, 2) * SIZE, torch.ones(1, 2), torch.zeros(1, 1, SIZE // 4, SIZE // 4), torch.zeros(1)),
          ['image_embed', 'high_res_feats_0', 'high_res_feats_1', 'point_coords', 'point_labels', 'mask_input', 'has_mask_input'], ['masks', 'iou_predictions'],
          {'point_coords': {0: 'labels', 1: 'points'}, 'point_labels': {0: 'labels', 1: 'points'}, 'mask_input': {0: 'labels'}, 'has_mask_input': {0: 'labels'}})


def write_video(model: nn.Module, out: Path) -> None:
    s4, s8, _, fresh = write_encoder(model, out / 'vision_encoder.onnx', 'pixel_values', ['feats0', 'feats1', 'feats2', 'feats2_no_mem'], (0, 1, 2, 3))
    write(VideoDecoder(model), out / 'mask_decoder.onnx', (s4, s8, fresh, torch.rand(1, 1, 2, 2) * SIZE, torch.ones(1, 1, 2, dtype=torch.int32)),
          ['feats0', 'feats1', 'feats2_cond', 'input_points', 'input_labels'], ['low_res_mask', 'iou', 'object_score_logits'],
          {'input_points': {2: 'points'}, 'input_labels': {2: 'points'}})
    (out / 'constants.json').write_text(json.dumps({'image_size': SIZE, 'image_mean': MEAN, 'image_std': STD}) + '\n')


LAYOUTS = {'transformers': ('edgetam-test', 4, write_transformers), 'samexporter': ('edgetam-test', 5, write_samexporter), 'sam-video': ('edgetam-test', 6, write_video)}


def write_encoder(model: nn.Module, path: Path, takes: str, gives: list[str], which: tuple[int, ...]) -> list[Tensor]:
    """Of the encoder's maps those that the layout gives → what they are of one picture."""
    encoder = Chosen(Encoder(model), which)
    pixels = normalised(moving_shapes(SIZE, 1)[0])
    write(encoder, path, (pixels,), [takes], gives, {})
    with torch.no_grad():
        return list(encoder(pixels))


class Chosen(nn.Module):
    def __init__(self, inner: nn.Module, which: tuple[int, ...]) -> None:
        super().__init__()
        self.inner, self.which = inner, which

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        found = self.inner(pixels)
        return tuple(found[index] for index in self.which)


def write(module: nn.Module, path: Path, example: tuple[Tensor, ...], inputs: list[str], outputs: list[str], dynamic: dict[str, dict[int, str]]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        torch.onnx.export(module.eval(), example, path, input_names=inputs, output_names=outputs, dynamic_axes=dynamic, opset_version=OPSET, dynamo=False)


def normalised(frame: np.ndarray) -> Tensor:
    """(S, S, 3) uint8 → (1, 3, S, S)"""
    pixels = torch.from_numpy(frame).permute(2, 0, 1)[None].float() / 255
    return (pixels - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)


def told(model: nn.Module) -> list[dict[str, object]]:
    """Of each prompt, what the official image predictor offers: three outlines with their IoUs, and the one of a decoder that may not choose."""
    from sam2.sam2_image_predictor import SAM2ImagePredictor
    predictor = SAM2ImagePredictor(model)
    predictor._bb_feat_sizes = [(SIZE // stride, SIZE // stride) for stride in (4, 8, 16)]  # written out for 1024 pixels
    predictor.set_image(moving_shapes(SIZE, 1)[0])
    rows = []
    for prompt in PROMPTS:
        points = np.array(prompt.get('points', []), np.float32).reshape(-1, 3)
        given = {'box': np.array(prompt['box'], np.float32) * SIZE} if 'box' in prompt else {'point_coords': points[:, :2] * SIZE, 'point_labels': points[:, 2].astype(np.int32)}
        candidates = [(iou, low) for several in (True, False) for _, ious, lows in [predictor.predict(**given, multimask_output=several, return_logits=True)] for iou, low in zip(ious, lows)]
        rows.append({'candidates': [{'iou': round(float(iou), 6), 'mask': encode(low > 0)} for iou, low in candidates]})
    return rows


if __name__ == '__main__':
    main(Path(sys.argv[1]))
