"""Results: collections of them, how they are saved, and how a reader sees them."""

from genomark.results.board import Section, legend, sections
from genomark.results.collection import Failed, Results, Skipped, load_results

__all__ = ["Failed", "Results", "Section", "Skipped", "legend", "load_results", "sections"]
