"""A study in a process of its own, to be killed: ``python study_process.py CONFIG OUT``."""

from __future__ import annotations

import sys
from pathlib import Path

from genomark.studies.tokenizers import study_tokenizers

if __name__ == "__main__":
    study_tokenizers(Path(sys.argv[1]), Path(sys.argv[2]), workers=2, progress=False)
