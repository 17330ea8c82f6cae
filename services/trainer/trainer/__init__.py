"""Fovea's trainer: data, backbones, heads, stages, export."""
