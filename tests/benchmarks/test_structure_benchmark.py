"""Secondary structures as benchmarks: who is asked how, and what is made of the answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import f1_score

import genomark
from genomark.benchmarks import load_benchmark
from genomark.benchmarks.rna.structure_benchmark import StructureBenchmark
from genomark.benchmarks.rna.structure_scores import groups_of
from genomark.benchmarks.sequences.sequence_benchmark import SequenceBenchmark
from genomark.errors import UsageError
from genomark.models import Fold
from genomark.rna.decoding import nested_structure
from genomark.rna.structure import pair_set, partners
from genomark.scoring import ModelIdentity
from genomark.sequences import LabelledSequences

HAIRPINS = {
    "GGGGAAAACCCC": "((((....))))",
    "GGGAAAACCCAA": "(((....)))..",
    "AAGGGAAAACCC": "..(((....)))",
    "ACACACACACAC": "............",
}
LABELS = ("(", ")", ".")


class Folding:
    """A Folder that knows some structures, and says of all else that nothing pairs."""

    def __init__(self, known: dict[str, str], name: str = "folding") -> None:
        self.known = known
        self.asked: list[str] = []
        self.info = ModelIdentity(id=name, version="1", digest=f"{name} {sorted(known.items())}")

    def fold(self, sequences, progress=lambda done: None):
        self.asked += sequences
        progress(len(sequences))
        return [Fold(self.known.get(each, "." * len(each))) for each in sequences]


class Learning:
    """A TaskTrainable whose fits tell symbols of noise, and perhaps structures of their own."""

    varies_with_seed = True

    def __init__(self, structures: dict[str, str] | None = None) -> None:
        self.structures = structures
        self.fitted = 0
        self.info = ModelIdentity(id="learning", version="1", digest=f"learning {structures}")

    def check_task(self, kind: str) -> None:
        assert kind == "token-classes"

    def fit_task(self, split, fitting):
        self.fitted += 1
        return Fitted(fitting.seed) if self.structures is None else FoldingFit(self.structures)


class Fitted:
    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.report = {"notes": []}

    def symbols(self, sequence: str) -> np.ndarray:
        random = np.random.default_rng([self.seed, *map(ord, sequence)])
        return random.dirichlet(np.ones(3), len(sequence)).astype(np.float32)

    def answers(self, sequences):
        return [self.symbols(each) for each in sequences]


class FoldingFit(Fitted):
    def __init__(self, structures: dict[str, str]) -> None:
        super().__init__(0)
        self.structures = structures

    def fold(self, sequences, progress):
        return [Fold(self.structures[each]) for each in sequences]


class Both(Learning, Folding):
    """Can fold, and can learn."""

    def __init__(self) -> None:
        Learning.__init__(self)
        self.known, self.asked = HAIRPINS, []


def write_task(folder: Path, train: bool = True) -> str:
    folder.mkdir(parents=True)
    rows = [{"seq": seq, "label": dots} for seq, dots in HAIRPINS.items()]
    files = 'test = "test.json"\n'
    (folder / "test.json").write_text(json.dumps(rows))
    if train:
        others = [{"seq": f"{row['seq']}A", "label": f"{row['label']}."} for row in rows]
        (folder / "train.json").write_text(json.dumps(others))
        files += 'train = "train.json"\nvalid = "train.json"\n'
    (folder / "task.toml").write_text(
        'title = "hairpins"\nkind = "token-classes"\nlabels = ["(", ")", "."]\n'
        f'metrics = ["base_pair_f1", "f1_macro"]\n\n[files]\n{files}'
    )
    return f"sequences:{folder}"


def write_records(folder: Path, records: dict[str, str]) -> str:
    folder.mkdir(parents=True)
    (folder / "test.dbn").write_text(
        "".join(
            f">bpRNA_{'PDB' if n % 2 else 'SPR'}_{n}\n{seq}\n{dots}\n"
            for n, (seq, dots) in enumerate(records.items())
        )
    )
    (folder / "task.toml").write_text(
        'title = "records"\nkind = "token-classes"\nlabels = ["(", ")", "."]\n'
        'metrics = ["base_pair_f1", "f1_macro"]\n\n[files]\ntest = "test.dbn"\n'
        'no_train = "to be asked"\n'
    )
    return f"sequences:{folder}"


def predictions_of(out: Path) -> pl.DataFrame:
    (path,) = (out / "predictions").glob("*.parquet")
    return pl.read_parquet(path)


def test_a_folder_is_asked_once_and_its_structure_is_the_answer(tmp_path: Path) -> None:
    name = write_task(tmp_path / "t")
    model = Folding({**HAIRPINS, "GGGAAAACCCAA": "((......)).."})
    (result,) = genomark.run([model], name, out=tmp_path / "o", progress=False)
    assert model.asked == list(HAIRPINS)
    said = [model.known[each] for each in HAIRPINS]
    # 1 and 1 and, of the second, 2 pairs that are right of 2 and 3; nothing to find in the last.
    assert result.metric("base_pair_f1").value == pytest.approx((1 + 2 * 2 / 5 + 1 + 1) / 4)
    assert result.metric("exact_match").value == 0.75
    assert result.metric("f1_macro").value == pytest.approx(
        f1_score(list("".join(HAIRPINS.values())), list("".join(said)), average="macro")
    )
    assert result.coverage.answered == 4
    kept = predictions_of(tmp_path / "o")
    assert kept["structure"].to_list() == said
    symbols = np.array(kept["value"][1].to_list()).reshape(-1, 3)
    assert [LABELS[each] for each in symbols.argmax(axis=1)] == list(said[1])
    assert result.settings["headline"] == ["base_pair_f1", "f1_macro"]
    assert "homology clusters" in result.metric("base_pair_f1").method


def test_symbols_that_were_learned_become_the_best_nested_structure(tmp_path: Path) -> None:
    name = write_task(tmp_path / "t")
    model = Learning()
    (result,) = genomark.run([model], f"{name}", out=tmp_path / "o", progress=False)
    assert model.fitted == 3
    values = []
    for seed in range(3):
        fit = Fitted(seed)
        for sequence, known in HAIRPINS.items():
            said = nested_structure(fit.symbols(sequence), sequence)
            told, real = (pair_set(partners(each)) for each in (said, known))
            total = len(told) + len(real)
            values.append(2 * len(told & real) / total if total else 1.0)
    assert result.metric("base_pair_f1").value == pytest.approx(np.mean(values))
    assert 0 < np.mean(values) < 1


def test_a_fit_that_folds_is_asked_for_structures(tmp_path: Path) -> None:
    name = write_task(tmp_path / "t")
    (result,) = genomark.run([Learning(HAIRPINS)], name, out=tmp_path / "o", progress=False)
    assert result.metric("base_pair_f1").value == 1.0
    # Its symbols are those it tells, and they are noise.
    assert result.metric("f1_macro").value < 0.8


def test_what_folds_and_learns_is_fitted_where_there_is_something_to_learn_from(
    tmp_path: Path,
) -> None:
    learned, folded = Both(), Both()
    genomark.run([learned], write_task(tmp_path / "t"), out=tmp_path / "o", progress=False)
    assert (learned.fitted, learned.asked) == (3, [])
    (result,) = genomark.run(
        [folded], write_task(tmp_path / "u", train=False), out=tmp_path / "p", progress=False
    )
    assert (folded.fitted, folded.asked) == (0, list(HAIRPINS))
    assert result.metric("base_pair_f1").value == 1.0


def test_who_can_neither_fold_nor_learn_is_told_so(tmp_path: Path) -> None:
    name = write_task(tmp_path / "t", train=False)
    results = genomark.run([Learning(), "gc"], name, out=tmp_path / "o", progress=False)
    reasons = [each.reason for each in results.skipped]
    assert "'learning' folds no RNA" in reasons[0]
    assert "has nothing to fit it on" in reasons[0]
    assert "one that folds: vienna" in reasons[0]
    assert "'gc' folds no RNA" in reasons[1]
    trained = write_task(tmp_path / "u")
    (skipped,) = genomark.run(["gc"], trained, out=tmp_path / "p", progress=False).skipped
    assert "'gc' folds no RNA, and: 'gc' can neither be fitted" in skipped.reason


@pytest.mark.parametrize(
    ("structure", "message"),
    [
        ("(....)", "'bpRNA_SPR_0': a structure of 6 symbols for 12 bases"),
        ("((((....))).", "'bpRNA_SPR_0': structure, position 1: '(' is never closed"),
        ("?...........", "'bpRNA_SPR_0': structure, position 1: unknown symbol '?'"),
    ],
)
def test_a_structure_that_is_none_of_its_sequence_fails(
    tmp_path: Path, structure: str, message: str
) -> None:
    name = write_records(tmp_path / "t", HAIRPINS)
    model = Folding({"GGGGAAAACCCC": structure})
    (failed,) = genomark.run([model], name, out=tmp_path / "o", progress=False).failed
    assert message in failed.reason


def test_bases_that_are_not_known_are_asked_as_n(tmp_path: Path) -> None:
    name = write_task(tmp_path / "t", train=False)
    file = tmp_path / "t/test.json"
    file.write_text(json.dumps([{"seq": "GGRGAAATyCCC", "label": "((((....))))"}]))
    model = Folding({})
    genomark.run([model], name, out=tmp_path / "o", progress=False)
    assert model.asked == ["GGNGAAATNCCC"]


KNOT = {
    "GGGCAAACCAAGGUUUGCCC": "(((.[[[.)))....]]]..",
    "GGGGAAAACCCC": "((((....))))",
    "GGGAAAACCCAG": "(((....)))..",
    "AAGGGAAAACCC": "..(((....)))",
}


def test_controls_and_crossing_pairs(tmp_path: Path) -> None:
    name = write_records(tmp_path / "t", KNOT)
    oracle, chance = genomark.run(
        ["control:oracle", "control:random"], name, out=tmp_path / "o", progress=False
    )
    for metric in ("base_pair_f1", "exact_match", "crossing_pair_recall", "f1_macro"):
        assert oracle.metric(metric).value == 1.0
    assert chance.metric("base_pair_f1").value < 0.5
    nested = Folding({s: "".join(c if c in "()" else "." for c in d) for s, d in KNOT.items()})
    (result,) = genomark.run([nested], name, out=tmp_path / "p", progress=False)
    assert result.metric("base_pair_f1").value == pytest.approx((2 * 3 / 9 + 3) / 4)
    assert result.metric("nested_pair_f1").value == 1.0
    assert result.metric("crossing_pair_recall").value == 0.0
    # Symbols of crossing pairs are untold.
    assert result.metric("f1_macro").value == 1.0
    assert result.metric("base_pair_f1", "source PDB").n == 2
    assert result.metric("base_pair_f1", "source SPR").value == pytest.approx((2 * 3 / 9 + 1) / 2)


@pytest.mark.slow
def test_structures_made_elsewhere_are_read_from_a_file(tmp_path: Path) -> None:
    name = write_records(tmp_path / "t", KNOT)
    ids = [f"bpRNA_{'PDB' if n % 2 else 'SPR'}_{n}" for n in range(4)]
    file = tmp_path / "said.csv"
    pl.DataFrame({"item_id": ids[::-1], "structure": list(KNOT.values())[::-1]}).write_csv(file)
    (result,) = genomark.run([f"file:{file}"], name, out=tmp_path / "o", progress=False)
    assert result.metric("crossing_pair_recall").value == 1.0
    assert result.metric("exact_match").value == 1.0
    (part,) = genomark.run([f"file:{file}"], name, out=tmp_path / "p", progress=False, limit=2)
    assert part.coverage.asked == 2
    assert part.metric("exact_match").value == 1.0
    pl.DataFrame({"item_id": ids[:2], "structure": list(KNOT.values())[:2]}).write_csv(file)
    (failed,) = genomark.run([f"file:{file}"], name, out=tmp_path / "q", progress=False).failed
    assert "2 of the 4 items" in failed.reason
    (half,) = genomark.run(
        [f"file:{file}"], name, out=tmp_path / "r", progress=False, allow_missing=True
    )
    assert (half.coverage.asked, half.coverage.answered) == (4, 2)
    assert half.coverage.failed[0].reason == "no structure in the file"
    assert half.metric("exact_match").value == 1.0


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("item_id,structure\na,(((\n", "row 1 (item 'a'): structure, position 3"),
        ("item_id,structure\nx,...\n", "has no item 'x'"),
        ("item_id,structure\na,...\na,...\n", "item 'a' is there twice"),
        ("name,structure\na,...\n", "no column 'item_id'"),
    ],
)
def test_a_file_of_structures_is_checked(tmp_path: Path, rows: str, message: str) -> None:
    name = write_records(tmp_path / "t", KNOT)
    (tmp_path / "said.csv").write_text(rows)
    model = f"file:{tmp_path / 'said.csv'}"
    (failed,) = genomark.run([model], name, out=tmp_path / "o", progress=False).failed
    assert message in failed.reason


def test_answers_do_not_depend_on_workers(tmp_path: Path) -> None:
    name = write_records(tmp_path / "t", KNOT)
    (tmp_path / "model.py").write_text(
        "from genomark.models import Fold\nfrom genomark.scoring import ModelIdentity\n\n\n"
        "class Ends:\n"
        "    info = ModelIdentity(id='ends', version='1', digest='ends')\n\n"
        "    def fold(self, sequences, progress=lambda done: None):\n"
        "        return [Fold('(' + '.' * (len(each) - 2) + ')') for each in sequences]\n"
        "\n\nends = Ends()\n"
    )
    spec = f"py:{tmp_path / 'model.py'}:ends"
    found = []
    for workers in (1, 2):
        out = tmp_path / f"o{workers}"
        (result,) = genomark.run([spec], name, out=out, progress=False, workers=workers)
        found.append((result.predictions_digest, result.metrics))
    assert found[0] == found[1]


def test_sequences_are_grouped_by_length_and_source() -> None:
    lengths = (10, 30, 31, 100, 501)
    names = ("bpRNA_CRW_1", "bpRNA_RFAM_2", "bpRNA_RFAM_3", "PDB_4", "5")
    parts = LabelledSequences(
        kind="token-classes",
        labels=LABELS,
        ids=names,
        sequences=tuple("A" * each for each in lengths),
        targets=tuple(np.full(each, 2, np.int16) for each in lengths),
    )
    counts = {name: chosen.tolist() for name, chosen in groups_of(parts).items()}
    assert counts == {
        "length 1 to 30": [True, True, False, False, False],
        "length 31 to 60": [False, False, True, False, False],
        "length 61 to 100": [False, False, False, True, False],
        "length 501 and more": [False, False, False, False, True],
        "source CRW": [True, False, False, False, False],
        "source RFAM": [False, True, True, False, False],
    }
    assert groups_of(parts.take([0, 1])).keys() == {"source CRW", "source RFAM"}


def test_only_tasks_of_three_symbols_are_about_structures(tmp_path: Path) -> None:
    assert isinstance(load_benchmark("rgb/ssp-bprna"), StructureBenchmark)
    assert isinstance(load_benchmark("rna/verified"), StructureBenchmark)
    snmd = load_benchmark("rgb/snmd")
    assert isinstance(snmd, SequenceBenchmark)
    assert not isinstance(snmd, StructureBenchmark)
    folder = tmp_path / "t"
    name = write_task(folder)
    text = (folder / "task.toml").read_text()
    (folder / "task.toml").write_text(text.replace('labels = ["(", ")", "."]\n', ""))
    undeclared = load_benchmark(f"{name}#t")
    assert isinstance(undeclared, StructureBenchmark)
    assert undeclared.task.structures == tuple(HAIRPINS.values())
    (folder / "test.json").write_text(json.dumps([{"seq": "ACGU", "label": "abab"}]))
    with pytest.raises(UsageError, match="has the labels a, b; a task on structures has"):
        load_benchmark(f"{name}#t").task.test()


def test_results_tell_what_was_not_asked(tmp_path: Path) -> None:
    name = write_records(tmp_path / "t", {**KNOT, "GGGGTTTTCCCC": "((((....))))"})
    (result,) = genomark.run([Folding(KNOT)], name, out=tmp_path / "o", progress=False)
    assert result.settings["excluded"] == {"DNA (a T in it)": 1}
    assert "1 of 5 records are not asked" in result.settings["notes"][0]
    assert result.settings["fits"] == 1
    assert result.settings["clusters"] == 4


@pytest.mark.parametrize(
    ("name", "file", "n", "exact", "macro", "pairs"),
    [
        ("rgb/ssp-archive2", "RNA-SSP-Archive2", 82, 1, 0.748, 0.616),
        ("rgb/ssp-rnastralign", "RNA-SSP-rnastralign", 389, 44, 0.774, 0.677),
    ],
)
def test_rnafold_scores_as_it_was_measured_before(
    real_data: Callable[[str, str], Path],
    tmp_path: Path,
    name: str,
    file: str,
    n: int,
    exact: int,
    macro: float,
    pairs: float,
) -> None:
    rna = pytest.importorskip("RNA")
    text = real_data("rgb", f"{file}/test.json").read_text()
    rows = [json.loads(line) for line in text.splitlines() if line]
    said = {row["seq"]: rna.fold(row["seq"])[0] for row in rows}
    (result,) = genomark.run([Folding(said, "rnafold")], name, out=tmp_path / "o", progress=False)
    assert result.coverage.answered == n
    assert round(result.metric("exact_match").value * n) == exact
    assert result.metric("f1_macro").value == pytest.approx(macro, abs=0.001)
    assert result.metric("base_pair_f1").value == pytest.approx(pairs, abs=0.001)
    labels = "".join(row["label"] for row in rows)
    told = "".join(said[row["seq"]] for row in rows)
    assert result.metric("f1_macro").value == pytest.approx(
        f1_score(list(labels), list(told), average="macro")
    )
    f1 = []
    for row in rows:
        known, found = (pair_set(partners(each)) for each in (row["label"], said[row["seq"]]))
        f1.append(2 * len(known & found) / (len(known) + len(found)))
    assert result.metric("base_pair_f1").value == pytest.approx(np.mean(f1))
    # Published beside it, as macro-F1 of symbols.
    assert result.settings["headline"] == ["base_pair_f1", "f1_macro"]
    assert {each["metric"] for each in result.settings["published"]} >= {"f1_macro", "base_pair_f1"}
