import type { Layout } from './layout.ts'

const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } satisfies Pick<Layout['usual'], 'mean' | 'std'>
const HALVES = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } satisfies Pick<Layout['usual'], 'mean' | 'std'>
/** The graph normalises by itself: it is given 0–1. */
const PLAIN = { mean: [0, 0, 0], std: [1, 1, 1] } satisfies Pick<Layout['usual'], 'mean' | 'std'>

/** The layouts in which SAM-class models are published as ONNX files, by the names of their graphs; where each comes from: docs/design/bundle.md. */
export const LAYOUTS: readonly Layout[] = [
  {
    name: 'transformers',
    encoder: { pixels: 'pixel_values', s4: 'image_embeddings.0', s8: 'image_embeddings.1', s16: 'image_embeddings.2' },
    decoder: {
      s4: 'image_embeddings.0',
      s8: 'image_embeddings.1',
      s16: 'image_embeddings.2',
      points: 'input_points',
      labels: 'input_labels',
      boxes: 'input_boxes',
      mask: 'pred_masks',
      iou: 'iou_scores',
      object: 'object_score_logits',
    },
    usual: { size: 1024, ...IMAGENET },
  },
  {
    name: 'samexporter',
    encoder: { pixels: 'image', s4: 'high_res_feats_0', s8: 'high_res_feats_1', s16: 'image_embed' },
    decoder: {
      s4: 'high_res_feats_0',
      s8: 'high_res_feats_1',
      s16: 'image_embed',
      points: 'point_coords',
      labels: 'point_labels',
      drawn: 'mask_input',
      hasDrawn: 'has_mask_input',
      pictureSize: 'orig_im_size',
      mask: 'masks',
      iou: 'iou_predictions',
    },
    usual: { size: 1024, ...IMAGENET },
  },
  {
    name: 'sam-video',
    encoder: { pixels: 'pixel_values', s4: 'feats0', s8: 'feats1', s16: 'feats2_no_mem' },
    decoder: {
      s4: 'feats0',
      s8: 'feats1',
      s16: 'feats2_cond',
      points: 'input_points',
      labels: 'input_labels',
      mask: 'low_res_mask',
      iou: 'iou',
      object: 'object_score_logits',
    },
    usual: { size: 1024, ...IMAGENET },
  },
  {
    name: 'jax-video',
    encoder: { pixels: 'pixel_values', s4: 'feats0', s8: 'feats1', s16: 'feats2' },
    decoder: {
      s4: 'feats0',
      s8: 'feats1',
      s16: 'feats2',
      points: 'input_points',
      labels: 'input_labels',
      mask: 'pred_masks',
      iou: 'iou_scores',
      object: 'object_score_logits',
    },
    usual: { size: 1024, ...IMAGENET },
    noMemory: 'told',
  },
  {
    name: 'websam',
    encoder: { pixels: 'pixel_values', s4: 'high_res_features_0', s8: 'high_res_features_1', s16: 'vision_features' },
    decoder: {
      s4: 'high_res_features_0',
      s8: 'high_res_features_1',
      s16: 'conditioned_features',
      points: 'point_coords',
      labels: 'point_labels',
      mask: 'low_res_masks',
      iou: 'iou_scores',
      object: 'object_score_logits',
    },
    usual: { size: 1024, ...IMAGENET },
    noMemory: { takes: 'vision_features', gives: 'conditioned_features' },
  },
  {
    name: 'efficienttam',
    encoder: { pixels: 'image', s16: 'vision_feat_nomem' },
    decoder: {
      s16: 'pix_feat',
      points: 'point_coords',
      labels: 'point_labels',
      drawn: 'mask_input',
      hasDrawn: 'has_mask_input',
      several: 'multimask_output',
      mask: 'mask_logits',
      iou: 'iou_scores',
      object: 'object_score_logits',
    },
    usual: { size: 512, ...PLAIN },
  },
  {
    name: 'sam3-tracker',
    encoder: { pixels: 'images', s4: 'fpn_feat_0', s8: 'fpn_feat_1', s16: 'fpn_feat_2' },
    decoder: {
      s4: 'fpn_feat_0',
      s8: 'fpn_feat_1',
      s16: 'fpn_feat_2',
      points: 'point_coords',
      labels: 'point_labels',
      drawn: 'mask_input',
      hasDrawn: 'has_mask_input',
      mask: 'low_res_masks',
      iou: 'iou_predictions',
      object: 'object_score_logits',
    },
    usual: { size: 1008, ...HALVES },
  },
]
