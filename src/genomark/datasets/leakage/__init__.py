"""What a test set has in common with a training set, and splits that have nothing in common."""

from genomark.datasets.leakage.links import Alike
from genomark.datasets.leakage.nearest import Nearest, leaked, nearest
from genomark.datasets.leakage.regions import overlaps
from genomark.datasets.leakage.splitting import OrthogonalSplit, orthogonal_split

__all__ = [
    "Alike",
    "Nearest",
    "OrthogonalSplit",
    "leaked",
    "nearest",
    "orthogonal_split",
    "overlaps",
]
