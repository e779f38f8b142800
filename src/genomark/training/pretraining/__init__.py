"""Pretraining: networks that learn from sequences alone, and what they tell of unseen ones."""
