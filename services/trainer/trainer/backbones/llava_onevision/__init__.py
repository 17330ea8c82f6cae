"""LLaVA-OneVision (transformers' own modules) with LoRA, task tokens and heads: TPO's second instantiation."""
