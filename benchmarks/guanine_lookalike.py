"""Write a stand-in for GUANinE's promoter tasks from data that can be had without an account.

K562 lentiMPRA sequences of 230 nt (Agarwal et al. 2025), their activity binned into 18 ordered
classes that are equally frequent in the train split, in the layout of ``gpra_c``. No element of the
train split is in the dev split, on either strand.

usage: python benchmarks/guanine_lookalike.py FOLDER
then:  genomark run -m gc -m kmer5-svr -m kmer5-knn -m cnn -b guanine/gpra_c --data FOLDER
"""

import sys
from pathlib import Path

import numpy as np
import polars as pl

from genomark.datasets.lentimpra import read_sample, training_table

CLASSES = 18


def main(folder: Path) -> None:
    train, dropped = training_table()
    dev = read_sample("sample_test.txt")
    edges = np.quantile(train["mean_value"], np.arange(1, CLASSES) / CLASSES)
    for name, table in (("train", train), ("dev", dev)):
        y = np.searchsorted(edges, table["mean_value"].to_numpy(), side="right")
        path = folder / "gpra_c" / name / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        pl.DataFrame({"seq": table["seq"], "y": y}).write_csv(path)
        print(f"{path}: {table.height:,} rows, {CLASSES} classes")
    print(f"{dropped:,} rows left out whose element is in dev")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
