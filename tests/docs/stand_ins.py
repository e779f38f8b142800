"""What pages take for granted: small stand-ins under the very names that the pages use."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from doc_pages import ROOT
from reader import Reader, clone

from genomark import datasets

FOLDERS = ("models/hub", "benchmarks", "datasets", "matching")
sys.path += [str(ROOT / "tests" / name) for name in FOLDERS]

STAND_INS: dict[str, Callable[[Reader], None]] = {}
StandIn = Callable[[Reader], None]

#: A transfer RNA of yeast (phenylalanine; PDB 4TNA).
TRNA = "GCGGAUUUAGCUCAGUUGGGAGAGCGCCAGACUGAAGAUCUGGAGGUCCUGUGUUCGAUCCACAGAAUUCGCACCA"


def of(*pages: str) -> Callable[[StandIn], StandIn]:
    def register(make: StandIn) -> StandIn:
        STAND_INS.update(dict.fromkeys(pages, make))
        return make

    return register


def sequences(n: int, length: int = 200, seed: int = 0, letters: str = "ACGT") -> list[str]:
    draw = random.Random(seed)
    return ["".join(draw.choices(letters, k=length)) for _ in range(n)]


def fasta(named: dict[str, str]) -> str:
    return "".join(f">{name}\n{sequence}\n" for name, sequence in named.items())


def numbered(made: list[str]) -> dict[str, str]:
    return {f"s{number}": each for number, each in enumerate(made, 1)}


def labelled(n: int, seed: int) -> str:
    """CSV of sequences and whether they are rich in G and C, which any model learns."""
    rows = [
        f"{each},{int(each.count('G') + each.count('C') > 50)}" for each in sequences(n, 100, seed)
    ]
    return "\n".join(["sequence,label", *rows]) + "\n"


def values(n: int, seed: int = 0, length: int = 100) -> pl.DataFrame:
    made = sequences(n, length, seed)
    draw = np.random.default_rng(seed)
    truth = [each.count("G") / length + draw.normal(0, 0.05) for each in made]
    return pl.DataFrame({"sequence": made, "truth": truth})


def task(reader: Reader, folder: str, n: int = 200) -> None:
    reader.write(f"{folder}/train.csv", labelled(n, 1))
    reader.write(f"{folder}/test.csv", labelled(100, 2))


def checkpoint(folder: Path) -> Path:
    from tiny_checkpoints import bert_of_kmers

    return bert_of_kmers(folder)


def hub(reader: Reader, name: str) -> None:
    """Put a checkpoint where the hub's client keeps what it has downloaded."""
    kept = Path(reader.environment["HOME"]) / ".cache/huggingface/hub"
    kept = kept / f"models--{name.replace('/', '--')}"
    revision = "0" * 40
    checkpoint(kept / "snapshots" / revision)
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text(revision)


def predictions(reader: Reader, name: str = "predictions.csv") -> None:
    """Answers to lentimpra-k562, counted from its sequences."""
    sample = datasets.path("lentimpra_k562_sample", "sample_test.txt").read_text().splitlines()
    rows = [line.split("\t") for line in sample[1:]]
    table = pl.DataFrame(
        {"item_id": [row[0] for row in rows], "value": [float(row[1].count("G")) for row in rows]}
    )
    write = table.write_parquet if name.endswith("parquet") else table.write_csv
    write(reader.folder / name)


def genome(reader: Reader, name: str = "hg38.2bit") -> None:
    """The first megabase of chr1 as a whole genome."""
    from guanine_files import read_chromosome
    from sparse_genome import write_sparse_2bit

    letters = read_chromosome(datasets.path("hg38_1m", "hg38_1m.fa.gz"))
    write_sparse_2bit(reader.folder / name, {"chr1": len(letters)}, {"chr1": [(0, letters)]})


def guanine(reader: Reader) -> None:
    from guanine_files import write_suite

    write_suite(reader.folder / "guanine", datasets.path("hg38_1m", "hg38_1m.fa.gz"))


def genes(reader: Reader, name: str) -> None:
    """Vectors of all genes of a collection of sets."""
    sets = datasets.path("gene_sets", "c8.all.v2023.2.Hs.symbols.gmt").read_text().splitlines()
    symbols = sorted({symbol for line in sets for symbol in line.split("\t")[2:]})
    made = np.random.default_rng(0).normal(size=(len(symbols), 8)).round(3)
    table = pl.DataFrame(made, schema=[f"x{at}" for at in range(8)])
    table.insert_column(0, pl.Series("symbol", symbols)).write_csv(reader.folder / name)


def gene_tasks(reader: Reader, folder: str, *names: str) -> None:
    source = datasets.path("gene_benchmark_tasks", "symbol_bin/entities.csv").parents[1]
    for name in names:
        shutil.copytree(source / name, reader.folder / folder / name)


def small(reader: Reader, dataset: str, rows: int) -> None:
    """Keep the first rows of each file of JSON lines: fits then take seconds, not hours."""
    made = reader.folder.parent / "mirror"
    found = {
        each.path: datasets.path(dataset, each.path) for each in datasets.dataset(dataset).files
    }
    for name, source in found.items():
        place = made / dataset / name
        place.parent.mkdir(parents=True, exist_ok=True)
        lines = source.read_text().splitlines()
        place.write_text("\n".join(lines[: rows if "train" in name else rows // 3]) + "\n")
    linked = Path(reader.environment.get("GENOMARK_MIRROR", made))
    for other in linked.iterdir():
        if not (made / other.name).exists():
            (made / other.name).symlink_to(other)
    reader.environment["GENOMARK_MIRROR"] = str(made)
    reader.relax(dataset)


@of("README.md")
def readme(reader: Reader) -> None:
    clone(reader)
    predictions(reader)
    values(300).write_parquet(reader.folder / "library.parquet")
    genes(reader, "my_genes.csv")
    # Others are about names that are no symbols of genes.
    gene_tasks(reader, "my_tasks", "symbol_bin", "multi_label")
    checkpoint(reader.folder / "checkpoint")
    small(reader, "pgb", 120)
    task(reader, "my_task")
    reader.write("train.csv", labelled(200, 1))
    reader.write("test.csv", labelled(100, 2))
    reader.write("new.fa", fasta(numbered(sequences(5))))
    reader.write("rnas.fa", fasta({"trna": TRNA, "hairpin": "GGGGAAAACCCC"}))
    reader.write("targets.csv", "name,structure\none,((((....))))\ntwo,(((((......)))))\n")
    guanine(reader)
    genome(reader)
    isolation(reader)


@of("docs/gene-benchmark.md")
def gene_benchmark(reader: Reader) -> None:
    gene_tasks(reader, "tasks", "symbol_bin", "multi_label", "two_int")
    tables = (reader.folder / "tasks").glob("*/entities.csv")
    symbols = {word for each in tables for word in each.read_text().replace(",", "\n").split()}
    made = np.random.default_rng(0).normal(size=(len(symbols), 8)).round(3)
    table = pl.DataFrame(made, schema=[f"x{at}" for at in range(8)])
    table.insert_column(0, pl.Series("symbol", sorted(symbols))).write_csv(
        reader.folder / "my_vectors.csv"
    )


@of("docs/index.md")
def index(reader: Reader) -> None:
    clone(reader)


@of("docs/containers.md")
def containers(reader: Reader) -> None:
    # A wheel of genomark is built as pip is set up here.
    settings = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    for place in (Path.home() / ".config/pip/pip.conf", Path.home() / ".pip/pip.conf"):
        if place.exists():
            settings.setdefault("PIP_CONFIG_FILE", str(place))
    reader.environment |= settings


@of("docs/cluster.md")
def cluster(reader: Reader) -> None:
    clone(reader)
    queue = reader.folder.parent / "queue"
    queue.mkdir()
    reader.environment["STUB_QUEUE"] = str(queue)
    played = str(ROOT / "tests" / "examples" / "stub_queue.py")
    for name in ("sbatch", "squeue", "scancel"):
        reader.program(
            name,
            f"import os, sys\nos.execv(sys.executable, [sys.executable, {played!r}, {name!r}, "
            "*sys.argv[1:]])\n",
        )

    def end() -> None:
        for each in queue.glob("*.pid"):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(int(each.read_text()), signal.SIGKILL)

    reader.closing.callback(end)
    if shutil.which("snakemake") is None:
        pytest.skip("snakemake is not installed (Debian: apt-get install snakemake)")


@of("docs/isolation.md")
def isolation(reader: Reader) -> None:
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed (Debian: apt-get install bubblewrap)")
    code = "def predict(sequences):\n    return [s.count('G') / len(s) for s in sequences]\n"
    reader.write("stranger/model.py", code)
    reader.write("my_own.py", code)


@of("docs/design-benchmark.md")
def designs(reader: Reader) -> None:
    puzzles = datasets.path("eterna100", "eterna100_vienna2.txt")
    table = pl.read_csv(puzzles, separator="\t", infer_schema=False)
    column = next(name for name in table.columns if name.startswith("Sample Solution"))
    reader.write(
        "designs.csv",
        table.select(item_id="Puzzle #", sequence=column).write_csv(),
    )


@of("docs/explain.md")
def explained(reader: Reader) -> None:
    reader.write("enhancers.fa", fasta(numbered(sequences(2, 60))))
    reader.write("promoters.fa", fasta(numbered(sequences(2, 40))))
    reader.write("train.csv", labelled(20, 1))
    hub(reader, "org/name")


@of("docs/fine-tuning.md")
def tuned(reader: Reader) -> None:
    reader.write("train.csv", labelled(200, 1))
    reader.write("test.csv", labelled(100, 2))
    reader.write("new.fa", fasta(numbered(sequences(5))))


@of("docs/guanine.md", "docs/guanine-published.md")
def guanine_page(reader: Reader) -> None:
    clone(reader)
    guanine(reader)
    genome(reader)
    reader.write("fullscores.csv", "model,gpra-c,gpra-d\nours,40.5,41.25\ntheirs,-,12\n")


@of("docs/leaderboard.md")
def board(reader: Reader) -> None:
    run = ["genomark", "run", "-m", "kmer:k=4", "-b", "simulated-enhancers"]
    assert reader.run([*run, "--out", "theirs"])[0] == 0


@of("docs/leakage.md")
def leakage(reader: Reader) -> None:
    rows = datasets.path("lentimpra_k562_sample", "sample_train.txt").read_text().splitlines()[1:]
    reader.write(
        "train.fasta", fasta({f"t{at}": row.split("\t")[1] for at, row in enumerate(rows)})
    )
    predictions(reader, "predictions.parquet")
    reader.run(["genomark", "run", "-m", "gc", "-b", "lentimpra-k562"])


@of("docs/matcher.md")
def matcher(reader: Reader) -> None:
    from llm_server import LlmServer
    from ontology_texts import CELLS, LINES

    known = datasets.path("matcher_vocabularies", "enformer_human_targets_simplified.txt")
    shutil.copy(known, reader.folder / "targets_human.txt")
    reader.write("terms.txt", "k-562\nhep g2\n")
    reader.write("cell_types.txt", "HepG2\nK562\nSK-N-SH\nliver cancer tissue\n")
    reader.write("cl-basic.obo", CELLS)
    reader.write("cellosaurus.txt.gz", gzip.compress(LINES.encode()))
    reader.write("new.fa", fasta(numbered(sequences(3, 256))))
    for named in ("11434", "8080"):
        reader.at_port(named, reader.closing.enter_context(LlmServer()).port)


@of("docs/omnigenbench.md")
def omnigenbench(reader: Reader) -> None:
    checkpoint(reader.folder / "my_checkpoint")
    reader.write("RGB/metadata.py", 'bench_list = ["RNA-toy"]\n')
    reader.write(
        "RGB/RNA-toy/config.py",
        "from omnigenbench import AutoBenchConfig\n\n"
        "config_dict = {\n"
        '    "task_name": "RNA-toy",\n'
        '    "task_type": "sequence_classification",\n'
        '    "label2id": {"0": 0, "1": 1},\n'
        '    "max_length": 128,\n'
        '    "train_file": "train.json",\n'
        '    "valid_file": "valid.json",\n'
        '    "test_file": "test.json",\n'
        "}\n"
        "bench_config = AutoBenchConfig(config_dict)\n",
    )
    for name, seed in (("train", 1), ("valid", 2), ("test", 3)):
        rows = [line.split(",") for line in labelled(120, seed).splitlines()[1:]]
        text = "".join(json.dumps({"seq": seq, "label": y}) + "\n" for seq, y in rows)
        reader.write(f"RGB/RNA-toy/{name}.json", text)
    reader.write("new.fa", fasta(numbered(sequences(5))))


@of("docs/points.md", "docs/profile.md")
def points(reader: Reader) -> None:
    values(300).write_parquet(reader.folder / "library.parquet")
    values(300).write_csv(reader.folder / "library.tsv", separator="\t")
    inserts = values(60).rename({"sequence": "insert", "truth": "log2_ratio"})
    inserts.with_columns(
        oligo=pl.format("o{}", pl.int_range(60)), element=pl.int_range(60) // 2
    ).write_parquet(reader.folder / "inserts.parquet")


@of("docs/rna.md")
def rna(reader: Reader) -> None:
    reader.write("trna.fa", fasta({"trna": TRNA}))
    for name, seed in (("train", 1), ("valid", 2)):
        rows = [
            {"sequence": f"{each}AAAA{_partner(each)}", "label": "(" * 6 + "." * 4 + ")" * 6}
            for each in sequences(24, 6, seed, "ACGU")
        ]
        reader.write(f"{name}.json", json.dumps(rows))
    reader.write("targets.csv", "name,structure\none,((((....))))\ntwo,(((((......)))))\n")
    # Four easy ones of the list, in its form.
    listed = datasets.path("eterna100", "eterna100_vienna2.txt").read_text().splitlines()
    easy = sorted(listed[1:], key=len)[:3]
    reader.write("eterna100_vienna2.txt", "\n".join([listed[0], *easy]) + "\n")


def _partner(stem: str) -> str:
    return stem[::-1].translate(str.maketrans("ACGU", "UGCA"))


@of("docs/bring-your-model.md")
def models(reader: Reader) -> None:
    checkpoint(reader.folder / "checkpoint")
    task(reader, "my_task")
    genes(reader, "my_genes.csv")


@of("docs/sequence-tasks.md")
def sequence_tasks(reader: Reader) -> None:
    checkpoint(reader.folder / "my_checkpoint")
    small(reader, "pgb", 120)


@of("docs/structure-benchmarks.md")
def structures(reader: Reader) -> None:
    checkpoint(reader.folder / "my_checkpoint")


@of("docs/split.md")
def split(reader: Reader) -> None:
    reader.write("enhancers.csv", labelled(300, 1))
    values(300).rename({"truth": "label"}).write_parquet(reader.folder / "mpra.parquet")
    reader.write("rnas.fa", fasta(numbered(sequences(100, letters="ACGU"))))


def postgres(reader: Reader) -> None:
    """Start a PostgreSQL of the page's own, which its programs ask unless told otherwise."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    programs = found[-1].parent
    # Not in pytest's folder, which only its owner may enter. It does not run as root.
    place = Path(tempfile.mkdtemp(prefix="genomark-pg-", dir="/tmp"))
    reader.closing.callback(shutil.rmtree, place, ignore_errors=True)
    user = "postgres" if os.geteuid() == 0 else None
    if user is not None:
        os.chown(place, pwd.getpwnam(user).pw_uid, -1)

    def call(*words: str) -> None:
        done = subprocess.run(
            [programs / words[0], *words[1:]],
            user=user,
            cwd=place,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = str(place / "data")
    call("initdb", "-D", data, "-U", "genomark", "-A", "trust", "--no-sync", "-E", "UTF8")
    options = f"-p {port} -h 127.0.0.1 -k {place} -c fsync=off"
    call("pg_ctl", "start", "-w", "-D", data, "-l", str(place / "log"), "-o", options)
    reader.closing.callback(call, "pg_ctl", "stop", "-w", "-m", "immediate", "-D", data)
    reader.environment |= {"PGHOST": "127.0.0.1", "PGPORT": str(port), "PGUSER": "genomark"}
    reader.environment["PATH"] += f":{programs}"


@of("docs/serving.md")
def serving(reader: Reader) -> None:
    reader.write("token.txt", "a secret of thirty-two letters..")


@of("docs/operations.md")
def operations(reader: Reader) -> None:
    postgres(reader)


@of("docs/store.md")
def store(reader: Reader) -> None:
    postgres(reader)
    assert reader.run(["bash", "-c", "createuser --superuser me && createdb genomark"])[0] == 0
    command = ["genomark", "run", "-m", "kmer:k=3", "-b", "simulated-enhancers", "--limit", "300"]
    assert reader.run([*command, "--out", "theirs"])[0] == 0
    reader.write("fullscores.csv", "model,gpra-c,gpra-d\nours,40.5,41.25\ntheirs,-,12\n")


@of("docs/submissions.md")
def submissions(reader: Reader) -> None:
    guanine(reader)
    rows = (reader.folder / "guanine/gpra_c/test/test.csv").read_text().splitlines()[1:]
    truth = [round(18 * (row.count("G") + row.count("C")) / len(row)) % 18 for row in rows]
    known = [f"{row},{y}" for row, y in zip(rows, truth, strict=True)]
    reader.write("labelled/gpra_c/test/test.csv", "\n".join(["seq,y", *known]))
    table = [f"{number},y,{y}" for number, y in enumerate(truth, 1)]
    reader.write("test_labels.csv", "\n".join(["item_id,label,truth", *table]))
    reader.write("card.md", "# 5-mer ridge\n\nCounts words of five.\n")
    run = ["genomark", "run", "-m", "gc", "-m", "cpg", "-b", "simulated-enhancers"]
    assert reader.run([*run, "--store", "store", "--out", "before"])[0] == 0
