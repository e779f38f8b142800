"""The command line: one module per verb, each a thin skin over the library."""

from genomark.cli.app import main

__all__ = ["main"]
