"""Kernels compile on first use: no single example may be blamed for the wait."""

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
