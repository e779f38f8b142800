"""What a test set has in common with a training set, and splits that have nothing in common."""

from genomark.datasets.leakage.blast import nearest_by_blast
from genomark.datasets.leakage.links import Alike
from genomark.datasets.leakage.nearest import Nearest, nearest
from genomark.datasets.leakage.regions import overlaps
from genomark.datasets.leakage.splitting import OrthogonalSplit, orthogonal_split

__all__ = [
    "Alike",
    "Nearest",
    "OrthogonalSplit",
    "nearest",
    "nearest_by_blast",
    "orthogonal_split",
    "overlaps",
]
