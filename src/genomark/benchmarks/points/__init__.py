"""Points of users' own: one measured value a sequence, from a table of any length."""

from genomark.benchmarks.points.point_benchmark import POINTS, PointBenchmark

__all__ = ["POINTS", "PointBenchmark"]
