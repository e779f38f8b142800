"""Conformance: whether a Predictor does what GAME 1.0 says, and whether it makes sense."""

from genomark.conformance.check import check_predictor
from genomark.conformance.discovery import Wanted
from genomark.conformance.probe import Options
from genomark.conformance.report import Report
from genomark.conformance.rules import RULES

__all__ = ["RULES", "Options", "Report", "Wanted", "check_predictor"]
