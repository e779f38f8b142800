"""The Python API: what the command line does, for scripts and notebooks."""

from genomark.api.evaluating import DEFAULT_OUT, run
from genomark.api.serving import serve

__all__ = ["DEFAULT_OUT", "run", "serve"]
