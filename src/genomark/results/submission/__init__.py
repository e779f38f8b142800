"""Blind submissions: signed bundles of predictions, and the board that keeps the labels hidden."""

from genomark.results.submission.answers import RunAnswers, read_answers
from genomark.results.submission.board import Board
from genomark.results.submission.bundle import Bundle, Draft, make_bundle, open_bundle
from genomark.results.submission.final import FinalScores
from genomark.results.submission.hidden import read_test_table
from genomark.results.submission.keys import SigningKey, default_key_path, signing_key
from genomark.results.submission.manifest import BenchmarkNamed, ModelNamed
from genomark.results.submission.receipt import Figure, Receipt, RefusedError
from genomark.results.submission.rules import Limits
from genomark.results.submission.split_labels import read_test_split
from genomark.results.submission.status import BoardStatus

__all__ = [
    "BenchmarkNamed",
    "Board",
    "BoardStatus",
    "Bundle",
    "Draft",
    "Figure",
    "FinalScores",
    "Limits",
    "ModelNamed",
    "Receipt",
    "RefusedError",
    "RunAnswers",
    "SigningKey",
    "default_key_path",
    "make_bundle",
    "open_bundle",
    "read_answers",
    "read_test_split",
    "read_test_table",
    "signing_key",
]
