"""Losses, presets and the training loop."""
