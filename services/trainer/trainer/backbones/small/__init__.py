"""SmolLM2-135M with LoRA behind EfficientNet-Lite0: a model that is trained whole on one GPU, and small enough to be shown on a CPU."""
