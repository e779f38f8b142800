"""Match biological terms: the right choice for the term that was asked, or none."""

from genomark.matching.match import CATEGORIES, Candidate, Category, Match
from genomark.matching.matcher import Matcher

__all__ = ["CATEGORIES", "Candidate", "Category", "Match", "Matcher"]
