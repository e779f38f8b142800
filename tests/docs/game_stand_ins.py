"""Stand-ins for the pages of GAME: Predictors that run, and data that are not everywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from reader import Reader
from sparse_genome import write_sparse_2bit
from stand_ins import STAND_INS, of, sequences
from xlsx_files import write_xlsx

from genomark import datasets
from genomark.datasets.assemblies import chromosomes
from genomark.datasets.xlsx import read_xlsx

__all__ = ["STAND_INS"]

#: GC content as a track of bins of 128 bp, and as contacts of 250 x 250.
ARRAYS = """
import numpy as np
from genomark.protocol import PredictResponse, TaskPrediction
from genomark.scoring import ModelIdentity

class Arrays:
    info = ModelIdentity(id="arrays", version="1", digest="arrays 1")

    def predict(self, request):
        return PredictResponse(
            predictor_name="arrays",
            bin_size=BIN,
            prediction_tasks=[
                TaskPrediction(
                    name=task.name,
                    type_requested=task.type,
                    type_actual=[task.type],
                    cell_type_requested=task.cell_type,
                    cell_type_actual=task.cell_type,
                    species_requested=task.species,
                    species_actual=task.species,
                    scale_prediction_requested=task.scale,
                    scale_prediction_actual=task.scale,
                    predictions={name: answer(each) for name, each in request.sequences.items()},
                )
                for task in request.prediction_tasks
            ],
        )

def strong(sequence):
    return np.isin(np.frombuffer(sequence.encode(), np.uint8), list(b"GC")).astype(float)
"""
TRACK = f"""{ARRAYS}
BIN = 128

def answer(sequence):
    letters = strong(sequence)
    return np.pad(letters, (0, -len(letters) % BIN)).reshape(-1, BIN).mean(axis=1)

arrays = Arrays()
"""
MATRIX = f"""{ARRAYS}
BIN = 4000

def answer(sequence):
    tile = strong(sequence).reshape(250, -1).mean(axis=1)
    return tile[:, None] + tile[None, :] + np.random.default_rng(0).normal(0, 0.01, (250, 250))

arrays = Arrays()
"""


def mirror(reader: Reader) -> Path:
    """A mirror with all that the true one has, to which files are added."""
    made = reader.folder.parent / "mirror"
    made.mkdir()
    for dataset in ("kircher2019", "lentimpra_k562_sample", "motifs", "fulco2019", "martyn2025"):
        source = datasets.path(dataset, next(iter(datasets.dataset(dataset).files)).path)
        while source.name != dataset:
            source = source.parent
        (made / dataset).symlink_to(source)
    reader.environment["GENOMARK_MIRROR"] = str(made)
    return made


def lengths(assembly: str) -> dict[str, int]:
    return {name: each.length for name, each in chromosomes(assembly).items()}


#: From hg38 to hg19: a promoter and an enhancer of PPIF, and a promoter of IL2RA.
TO_HG19 = (
    (79_340_000, 79_350_000, 1_759_755),
    (79_280_000, 79_290_000, 1_759_756),
    (6_060_000, 6_065_000, 41_962),
)


def letters(n: int, seed: int) -> str:
    return sequences(1, n, seed)[0]


@of("docs/game.md")
def game(reader: Reader) -> None:
    for port in ("8001", "8002"):
        reader.serve(reader.with_ports(f"genomark serve model gc --port {port}"))
    reader.serve("genomark serve model kmer")


@of("docs/game/agarwal2025.md")
def agarwal(reader: Reader) -> None:
    made = mirror(reader)
    measured = datasets.path("agarwal2025", "56k_measured_file.xlsx")
    (made / "agarwal2025").symlink_to(measured.parent)
    names = [row[0] for row in read_xlsx(measured)]
    rows = [[name, each] for name, each in zip(names[1:], sequences(len(names)), strict=False)]
    write_xlsx(
        made / "agarwal2025_sequences" / "56k_measured_final_sequence_file.xlsx",
        [["name", "sequence"], *rows],
    )
    reader.serve("genomark serve model gc")


@of("docs/game/biccn-enhancers.md")
def biccn(reader: Reader) -> None:
    from genomark.benchmarks.game.biccn import CELL_TYPES

    made = mirror(reader) / "biccn"
    made.mkdir()
    pl.DataFrame(
        {
            "enhancer": [f"AiE{number}m" for number in range(57)],
            "cell_type": [CELL_TYPES[number % 19] for number in range(57)],
            "sequence": sequences(57, 500),
        }
    ).write_csv(made / "enhancers.tsv", separator="\t")
    reader.serve("genomark serve model gc")


@of("docs/game/consistency.md")
def consistency(reader: Reader) -> None:
    made = mirror(reader)
    (made / "hg38_1m").symlink_to(datasets.path("hg38_1m", "hg38_1m.fa.gz").parent)
    (made / "consistency").mkdir()
    write_sparse_2bit(
        made / "hg38" / "hg38.2bit",
        lengths("hg38"),
        {"chr1": [(1_000_000, letters(1_000_000, 1))]},
    )
    rows = [f"chr1\t{start}\t{start + 500}\n" for start in range(1_100_000, 1_900_000, 100_000)]
    (made / "consistency" / "peaks.bed").write_text("".join(rows))
    reader.serve("genomark serve model gc")


@of("docs/game/fulco2019.md")
def fulco(reader: Reader) -> None:
    made = mirror(reader)
    pairs = pl.read_parquet(datasets.path("fulco2019", "fulco_evaluator_coordinates.parquet"))
    genes = pairs.select(chr="gene_chr", start="gene_start", end="gene_end")
    places = pl.concat([pairs.select("chr", "start", "end"), genes]).unique().sort("chr", "start")
    stretches: dict[str, list[tuple[int, str]]] = {}
    for (chrom,), rows in places.group_by("chr", maintain_order=True):
        reached = 0
        for start, end in rows.select("start", "end").iter_rows():
            first = max(start, reached)
            if first < end:
                stretches.setdefault(str(chrom), []).append((first, letters(end - first, first)))
            reached = max(reached, end)
    write_sparse_2bit(made / "hg19" / "hg19.2bit", lengths("hg19"), stretches)
    reader.serve("genomark serve model gc")


@of("docs/game/gosai2024.md")
def gosai(reader: Reader) -> None:
    from genomark.benchmarks.game.gosai2024 import ORIGINS

    made = mirror(reader)
    (made / "gosai2024").symlink_to(
        datasets.path("gosai2024", datasets.dataset("gosai2024").files[0].path).parent
    )
    draw = np.random.default_rng(21)
    columns = ("K562_l2fc", "HepG2_l2fc", "SKNSH_l2fc")
    rows = [
        {"ID": f"{ORIGINS[at % len(ORIGINS)]}__{at}", "sequence": each}
        | {"origin": ORIGINS[at % len(ORIGINS)]}
        | dict(zip(columns, draw.normal(size=3).tolist(), strict=True))
        for at, each in enumerate(sequences(200))
    ]
    (made / "gosai2024_synthetic").mkdir()
    backbone = {
        "upstream": letters(2_800, 1),
        "downstream_padded": letters(5_000, 2),
        "gene_coordinates": str([3_147, 3_867]),
    }
    text = "".join(f"{name}\t{value}\n" for name, value in backbone.items())
    (made / "gosai2024_synthetic" / "upstream_downstream_backbone.txt").write_text(
        f"\tsequence\n{text}"
    )
    reader.relax("gosai2024_synthetic")
    table = pl.DataFrame(rows).insert_column(0, pl.Series("", range(len(rows))))
    table.write_csv(
        made / "gosai2024_synthetic" / "41586_2024_8070_MOESM14_ESM.txt", separator="\t"
    )
    reader.serve("genomark serve model gc")


@of("docs/game/martyn2025.md")
def martyn(reader: Reader) -> None:
    made = mirror(reader)
    found: dict[int, str] = {}
    for line in _published_pairs():
        spdi, reference, _ = line.split(" ")
        position = int(spdi.split(":")[1])
        shift = next(shift for low, high, shift in TO_HG19 if low < position < high)
        first = position + shift - 1000
        found.update(zip(range(first, first + len(reference)), reference, strict=True))
    places = sorted(found)
    breaks = [at for at in range(1, len(places)) if places[at] != places[at - 1] + 1]
    runs = [places[a:b] for a, b in zip([0, *breaks], [*breaks, len(places)], strict=True)]
    stretches = [(run[0], "".join(found[at] for at in run)) for run in runs]
    write_sparse_2bit(
        made / "hg19" / "hg19.2bit",
        {"chr10": lengths("hg19")["chr10"]},
        {"chr10": stretches},
    )
    reader.serve("genomark serve model gc")


def _published_pairs() -> list[str]:
    """Lines of variant, reference and alternate, both sequences on the forward strand."""
    lines = []
    for task in ("THP1", "Jurkat"):
        path = datasets.path("martyn2025", f"{task}/all_{task}_sequences.tsv")
        lines += path.read_text().splitlines()
    return lines


@of("docs/game/orca.md")
def orca(reader: Reader) -> None:
    import cooler
    import pandas as pd

    made = mirror(reader)
    (made / "orca").mkdir()
    name = "4DNFI9GMP2J8.rebinned.mcool"
    bins = cooler.binnify(pd.Series({"chr9": lengths("hg38")["chr9"]}), 1_000)
    bins["weight"] = np.nan
    draw = np.random.default_rng(11)
    pixels = []
    for tile in (2, 9, 40):
        first = tile * 1_000
        bins.loc[first : first + 999, "weight"] = draw.uniform(0.02, 0.05, 1_000)
        one, other = np.triu_indices(1_000)
        count = draw.poisson(60.0 / (other - one + 1))
        seen = count > 0
        pixels.append(
            pd.DataFrame(
                {
                    "bin1_id": one[seen] + first,
                    "bin2_id": other[seen] + first,
                    "count": count[seen],
                }
            )
        )
    cooler.create_cooler(
        f"{made / 'orca' / name}::/resolutions/1000", bins, pd.concat(pixels), ordered=True
    )
    expected = np.log(0.08 / (np.arange(2_000) + 1.0))
    np.save(made / "orca" / f"{name}.expected.res1000.npy", expected)
    tiles = [(tile * 1_000_000 + 100, letters(4_000, tile)) for tile in (2, 9, 40)]
    write_sparse_2bit(made / "hg38" / "hg38.2bit", lengths("hg38"), {"chr9": tiles})
    reader.write("matrix.py", MATRIX)
    reader.serve("genomark serve model py:./matrix.py:arrays")


@of("docs/game/test-track.md")
def shared_regions(reader: Reader) -> None:
    import pyBigWig

    made = mirror(reader)
    for name in ("enformer_human_hg38_sequences.bed", "sequences_human_borzoi.bed"):
        source = datasets.path("training_regions", name)
    (made / "training_regions").symlink_to(source.parent)
    write_sparse_2bit(made / "hg38" / "hg38.2bit", lengths("hg38"), {})
    (made / "encode").mkdir()
    with pyBigWig.open(str(made / "encode" / "ENCFF972GVB.bigWig"), "w") as out:
        out.addHeader(list(lengths("hg38").items()))
        draw = np.random.default_rng(0)
        for chrom, length in lengths("hg38").items():
            starts = np.arange(0, length - 2_000, 2_000)
            out.addEntries(
                [chrom] * len(starts),
                starts.tolist(),
                ends=(starts + 1_000).tolist(),
                values=draw.random(len(starts)).tolist(),
            )
    reader.write("track.py", TRACK)
    reader.serve("genomark serve model py:./track.py:arrays")
