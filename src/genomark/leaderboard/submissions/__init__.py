"""Submissions over HTTP: predictions come in, are scored in a process of their own, and stand."""
