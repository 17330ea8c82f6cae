"""Mistral-7B-Instruct with LoRA on every projection and on the output, built by transformers and peft under the checkpoint's names."""
from peft import LoraConfig, PeftModel, TaskType, get_peft_model
from transformers import MistralConfig, MistralForCausalLM
from transformers.models.mistral.modeling_mistral import MistralRotaryEmbedding
import torch
from torch import nn

from trainer.backbones.videochat.config import VideoChatConfig

TARGETS = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj', 'lm_head']


def language_model(config: VideoChatConfig) -> PeftModel:
    c = config
    mistral = MistralConfig(
        vocab_size=c.vocabulary, hidden_size=c.width, num_hidden_layers=c.layers, num_attention_heads=c.heads, num_key_value_heads=c.kv_heads, head_dim=c.width // c.heads,
        intermediate_size=c.mlp, rms_norm_eps=c.epsilon, rope_parameters={'rope_type': 'default', 'rope_theta': c.rope_base}, sliding_window=None, tie_word_embeddings=False, attn_implementation='sdpa',
    )
    with_lora = LoraConfig(task_type=TaskType.CAUSAL_LM, r=c.lora_rank, lora_alpha=c.lora_alpha, lora_dropout=c.lora_dropout, target_modules=TARGETS)
    lm = get_peft_model(MistralForCausalLM(mistral), with_lora)
    with torch.device('cpu'):  # its frequencies are not in the checkpoint, so they must not be left on the meta device
        decoder(lm).rotary_emb = MistralRotaryEmbedding(mistral)
    return lm


def decoder(lm: PeftModel) -> nn.Module:
    """The bare decoder: embeddings in, states after the final norm out."""
    return lm.base_model.model.model
