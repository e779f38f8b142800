"""Checkpoints of genomic language models in the Hugging Face format, on disk or on the hub."""
