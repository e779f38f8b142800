"""Embedders of genes: tables from files, encoders of text, memberships, controls."""
