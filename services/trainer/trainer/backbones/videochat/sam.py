"""SAM 2.0 large under the checkpoint's names, from the official code (`sam2`, Apache-2.0): kept frozen, prompted by the mask adapter.

The classes are put together by hand: the configuration files that packages of `sam2` ship differ in place and in what they read.
"""
import torch
from torch import Tensor, nn

from trainer.backbones.videochat.config import SamSizes

D = 256


def sam2(sizes: SamSizes) -> nn.Module:
    try:
        from sam2.modeling.backbones.hieradet import Hiera
        from sam2.modeling.backbones.image_encoder import FpnNeck, ImageEncoder
        from sam2.modeling.memory_attention import MemoryAttention, MemoryAttentionLayer
        from sam2.modeling.memory_encoder import CXBlock, Fuser, MaskDownSampler, MemoryEncoder
        from sam2.modeling.position_encoding import PositionEmbeddingSine
        from sam2.modeling.sam.transformer import RoPEAttention
        from sam2.modeling.sam2_base import SAM2Base
    except ImportError as cause:
        raise ImportError('The mask head of VideoChat needs the module `sam2`: see "SAM-class mask heads" in docs/models.md for how to install it.') from cause

    def sine(channels: int) -> nn.Module:
        return PositionEmbeddingSine(num_pos_feats=channels, normalize=True, scale=None, temperature=10000)

    def attention(**more: object) -> nn.Module:
        return RoPEAttention(rope_theta=10000.0, feat_sizes=[sizes.picture // 16] * 2, embedding_dim=D, num_heads=1, downsample_rate=1, dropout=0.1, **more)

    layer = MemoryAttentionLayer(
        activation='relu', dim_feedforward=sizes.mlp, dropout=0.1, pos_enc_at_attn=False, self_attention=attention(), d_model=D,
        pos_enc_at_cross_attn_keys=True, pos_enc_at_cross_attn_queries=False, cross_attention=attention(rope_k_repeat=True, kv_in_dim=64),
    )
    channels = [sizes.width * 2 ** stage for stage in reversed(range(len(sizes.stages)))]
    trunk = Hiera(embed_dim=sizes.width, num_heads=sizes.heads, stages=list(sizes.stages), global_att_blocks=list(sizes.whole),
                  window_pos_embed_bkg_spatial_size=[7, 7], window_spec=list(sizes.window))
    neck = FpnNeck(position_encoding=sine(D), d_model=D, backbone_channel_list=channels, fpn_top_down_levels=[2, 3], fpn_interp_model='nearest')
    memory = MemoryEncoder(
        out_dim=64, position_encoding=sine(64), mask_downsampler=MaskDownSampler(kernel_size=3, stride=2, padding=1),
        fuser=Fuser(CXBlock(dim=D, kernel_size=7, padding=3, layer_scale_init_value=1e-6, use_dwconv=True), num_layers=2),
    )
    model = SAM2Base(
        image_encoder=ImageEncoder(scalp=1, trunk=trunk, neck=neck), memory_attention=MemoryAttention(d_model=D, pos_enc_at_input=True, layer=layer, num_layers=sizes.memory_layers),
        memory_encoder=memory, num_maskmem=7, image_size=sizes.picture, sigmoid_scale_for_mem_enc=20.0, sigmoid_bias_for_mem_enc=-10.0, use_mask_input_as_output_without_sam=True,
        directly_add_no_mem_embed=True, use_high_res_features_in_sam=True, multimask_output_in_sam=True, iou_prediction_use_sigmoid=True, use_obj_ptrs_in_encoder=True,
        add_tpos_enc_to_obj_ptrs=False, only_obj_ptrs_in_the_past_for_eval=True, pred_obj_scores=True, pred_obj_scores_mlp=True, fixed_no_obj_ptr=True,
        multimask_output_for_tracking=True, use_multimask_token_for_obj_ptr=True, multimask_min_pt_num=0, multimask_max_pt_num=1, use_mlp_for_obj_ptr_proj=True,
    )
    return model.eval().requires_grad_(False)


def box_prompt(sam: nn.Module, box: list[float]) -> Tensor:
    """A box 0–1 as SAM 2 itself embeds it, (1, 3, 256): two corners and the padding point. What the mask adapter learns to say instead."""
    device = sam.no_mem_embed.device
    corners = torch.tensor(box, device=device).view(1, 2, 2) * sam.image_size
    sparse, _ = sam.sam_prompt_encoder(points=(corners, torch.tensor([[2, 3]], dtype=torch.int32, device=device)), boxes=None, masks=None)
    return sparse
