"""Matching biological terms as a benchmark."""
