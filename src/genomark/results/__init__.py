"""Results: collections of them, how they are saved, and how a reader sees them."""

from genomark.results.board import Section, legend, sections
from genomark.results.collection import Failed, Results, Skipped, load_results
from genomark.results.game_files import read_game_files, write_game_files

__all__ = [
    "Failed",
    "Results",
    "Section",
    "Skipped",
    "legend",
    "load_results",
    "read_game_files",
    "sections",
    "write_game_files",
]
