"""SAM-class models as other exporters publish them, small and of random weights: the very names and ranks of their graphs, at a small size.

`python -m trainer.sam.published FOLDER [LAYOUT …]` writes one folder a layout with its files and what the official image predictor says (`told.json`), which
is what the runtime's translation of these layouts (`services/inference/src/model/published`) is tested with.
"""
from dataclasses import replace
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
from trainer.sam.eyes import MEAN, STD
from trainer.sam.official import FAMILIES, build
from trainer.sam.part import halved
from trainer.sam.published_parts import BestDecoder, CoarseDecoder, Encoder, NoPast, PlainEncoder, SamExporterDecoder, TransformersDecoder, VideoDecoder, WideDecoder, WideEncoder
from trainer.sam.reference import moving_shapes

SIZE, OPSET = 128, 17
HALVES = (0.5, 0.5, 0.5)
PROMPTS = [{'box': [0.6, 0.2, 0.8, 0.4]}, {'points': [[0.2, 0.2, 1]]}, {'points': [[0.38, 0.72, 1], [0.7, 0.8, 0]]}]


# EfficientTAM reads no fine maps; its eyes are others, which no name or shape at the rim tells.
FAMILIES['coarse-test'] = replace(FAMILIES['sam2.1-test'], overrides=FAMILIES['sam2.1-test'].overrides + ('use_high_res_features_in_sam=false',))


def main(folder: Path, only: list[str]) -> None:
    for name in only or LAYOUTS:
        family, seed, write = LAYOUTS[name]
        model = halved(build(family, SIZE, seed=seed))
        out = folder / name
        out.mkdir(parents=True, exist_ok=True)
        write(model, out)
        for path in out.glob('*.onnx'):
            forget_origin(path)
            shrink(path)
        (out / 'told.json').write_text(json.dumps({'size': SIZE, 'prompts': PROMPTS, 'told': told(model, HALVES if name == 'sam3-tracker' else None)}) + '\n')


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


def write_jax(model: nn.Module, out: Path) -> None:
    s4, s8, s16, _ = write_encoder(model, out / 'vision_encoder.onnx', 'pixel_values', ['feats0', 'feats1', 'feats2', 'pos2'], (0, 1, 2, 4))
    write(BestDecoder(model), out / 'mask_decoder.onnx', (s4, s8, s16, torch.rand(1, 1, 2, 2) * SIZE, torch.ones(1, 1, 2, dtype=torch.int32)), ['feats0', 'feats1', 'feats2', 'input_points', 'input_labels'],
          ['pred_masks', 'high_res_masks', 'iou_scores', 'object_pointer', 'object_score_logits'], {'input_points': {2: 'points'}, 'input_labels': {2: 'points'}})
    (out / 'constants.json').write_text(json.dumps({'image_size': SIZE, 'no_memory_embedding': model.no_mem_embed.flatten().tolist()}) + '\n')


def write_websam(model: nn.Module, out: Path) -> None:
    s16, _, s4, s8 = write_encoder(model, out / 'vision_encoder.onnx', 'pixel_values', ['vision_features', 'vision_pos_embed', 'high_res_features_0', 'high_res_features_1'], (2, 4, 0, 1))
    write(NoPast(model), out / 'no_mem_embed.onnx', (s16,), ['vision_features'], ['conditioned_features'], {})
    write(Ordered(BestDecoder(model), (1, 2, 0, 3, 4), (0, 1, 3, 4, 2)), out / 'mask_decoder_video.onnx', (s16, s4, s8, torch.rand(1, 1, 2, 2) * SIZE, torch.ones(1, 1, 2, dtype=torch.int64)),
          ['conditioned_features', 'high_res_features_0', 'high_res_features_1', 'point_coords', 'point_labels'],
          ['low_res_masks', 'high_res_masks', 'object_pointer', 'object_score_logits', 'iou_scores'], {'point_coords': {2: 'points'}, 'point_labels': {2: 'points'}})


def write_efficienttam(model: nn.Module, out: Path) -> None:
    s16, fresh = write_encoder(model, out / 'efficienttam_ti_512_image_encoder.onnx', 'image', ['vision_feat', 'vision_feat_nomem'], (2, 3), PlainEncoder(model))
    write(CoarseDecoder(model), out / 'efficienttam_ti_512_mask_decoder.onnx', (fresh, torch.rand(1, 2, 2) * SIZE, torch.ones(1, 2), torch.zeros(1, 1, SIZE // 4, SIZE // 4), torch.zeros(1), torch.ones(1)),
          ['pix_feat', 'point_coords', 'point_labels', 'mask_input', 'has_mask_input', 'multimask_output'], ['mask_logits', 'object_score_logits', 'obj_ptr', 'iou_scores'],
          {'point_coords': {1: 'points'}, 'point_labels': {1: 'points'}})


def write_sam3(model: nn.Module, out: Path) -> None:
    names = ['fpn_feat_0', 'fpn_feat_1', 'fpn_feat_2']
    maps = write_encoder(model, out / 'vision-encoder.onnx', 'images', names, (0, 1, 2), WideEncoder(model))
    write(WideDecoder(model), out / 'tracker-decoder.onnx', (*maps, torch.rand(1, 1, 2, 2) * SIZE, torch.ones(1, 1, 2), torch.zeros(1, 1, SIZE // 4, SIZE // 4), torch.zeros(1)),
          [*names, 'point_coords', 'point_labels', 'mask_input', 'has_mask_input'], ['masks', 'iou_predictions', 'low_res_masks', 'object_score_logits'],
          {'point_coords': {2: 'points'}, 'point_labels': {2: 'points'}})


LAYOUTS = {
    'transformers': ('edgetam-test', 4, write_transformers), 'samexporter': ('edgetam-test', 5, write_samexporter), 'sam-video': ('edgetam-test', 6, write_video),
    'jax-video': ('edgetam-test', 17, write_jax), 'websam': ('edgetam-test', 23, write_websam),
    'efficienttam': ('coarse-test', 9, write_efficienttam), 'sam3-tracker': ('sam2.1-test', 10, write_sam3),
}


def write_encoder(model: nn.Module, path: Path, takes: str, gives: list[str], which: tuple[int, ...], whole: nn.Module | None = None) -> list[Tensor]:
    """Of the encoder's maps those that the layout gives → what they are of one picture."""
    encoder = Ordered(whole or Encoder(model), (0,), which)
    pixels = normalised(moving_shapes(SIZE, 1)[0])
    write(encoder, path, (pixels,), [takes], gives, {})
    with torch.no_grad():
        return list(encoder(pixels))


class Ordered(nn.Module):
    """What a module takes and gives in another order, or only some of it."""

    def __init__(self, inner: nn.Module, takes: tuple[int, ...], gives: tuple[int, ...]) -> None:
        super().__init__()
        self.inner, self.takes, self.gives = inner, takes, gives

    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        found = self.inner(*(given[index] for index in self.takes))
        return tuple(found[index] for index in self.gives)


def write(module: nn.Module, path: Path, example: tuple[Tensor, ...], inputs: list[str], outputs: list[str], dynamic: dict[str, dict[int, str]]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        torch.onnx.export(module.eval(), example, path, input_names=inputs, output_names=outputs, dynamic_axes=dynamic, opset_version=OPSET, dynamo=False)


def normalised(frame: np.ndarray) -> Tensor:
    """(S, S, 3) uint8 → (1, 3, S, S)"""
    pixels = torch.from_numpy(frame).permute(2, 0, 1)[None].float() / 255
    return (pixels - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)


def told(model: nn.Module, normalised: tuple[float, ...] | None) -> list[dict[str, object]]:
    """Of each prompt, what the official image predictor offers: three outlines with their IoUs, and the one of a decoder that may not choose. `normalised`: by another mean and deviation."""
    from sam2.sam2_image_predictor import SAM2ImagePredictor
    from torchvision.transforms import Normalize
    predictor = SAM2ImagePredictor(model)
    predictor._bb_feat_sizes = [(SIZE // stride, SIZE // stride) for stride in (4, 8, 16)]  # written out for 1024 pixels
    if normalised:
        predictor._transforms.transforms = nn.Sequential(Normalize(normalised, normalised))
    predictor.set_image(moving_shapes(SIZE, 1)[0])
    rows = []
    for prompt in PROMPTS:
        points = np.array(prompt.get('points', []), np.float32).reshape(-1, 3)
        given = {'box': np.array(prompt['box'], np.float32) * SIZE} if 'box' in prompt else {'point_coords': points[:, :2] * SIZE, 'point_labels': points[:, 2].astype(np.int32)}
        candidates = [(iou, low) for several in (True, False) for _, ious, lows in [predictor.predict(**given, multimask_output=several, return_logits=True)] for iou, low in zip(ious, lows)]
        rows.append({'candidates': [{'iou': round(float(iou), 6), 'mask': encode(low > 0)} for iou, low in candidates]})
    return rows


if __name__ == '__main__':
    main(Path(sys.argv[1]), sys.argv[2:])
