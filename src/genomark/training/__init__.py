"""Trainables: baselines from scratch, and fine-tuning of checkpoints."""
