"""``genomark submit`` and ``genomark board``: from a run to a final score."""

from __future__ import annotations

import json
import re
import shutil
import zipfile

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr

TRAIN, TEST = 120, 60
MARKS = ("dnase", "ctcf", "H3K27ac", "H3K4me3")


def promoters(n, seed):
    """Sequences of 80 bases, and classes that their GC content tells in part."""
    rng = np.random.default_rng(seed)
    share = rng.uniform(0.2, 0.8, n)
    rows = [
        "".join(rng.choice(list("GCAT"), 80, p=[s / 2, s / 2, (1 - s) / 2, (1 - s) / 2]))
        for s in share
    ]
    noisy = share + rng.normal(size=n) * 0.03
    return rows, np.clip((noisy - 0.2) / 0.6 * 18, 0, 17).astype(int)


def write_split(folder, name, rows, classes=None):
    columns = {"seq": rows} if classes is None else {"seq": rows, "y": classes}
    (folder / name).mkdir(parents=True)
    pl.DataFrame(columns).write_csv(folder / name / f"{name}.csv")


@pytest.fixture
def data(tmp_path):
    """A task as the hub has it: the test split has no labels."""
    folder = tmp_path / "data" / "gpra_c"
    write_split(folder, "train", *promoters(TRAIN, 0))
    write_split(folder, "dev", *promoters(TEST, 1))
    write_split(folder, "test", promoters(TEST, 2)[0])
    return tmp_path / "data"


@pytest.fixture
def hidden(tmp_path):
    path = tmp_path / "hidden.csv"
    classes = promoters(TEST, 2)[1]
    ids = [str(row + 1) for row in range(TEST)]
    pl.DataFrame({"item_id": ids, "label": "y", "truth": classes}).write_csv(path)
    return path


@pytest.fixture(autouse=True)
def settings(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "card.md").write_text("# GC content\n")


#: Folders of runs that were made, by what was asked of which data: most tests begin with the same.
_MADE = {}


def run(genomark_cli, data, *words, split="split=test,", out="run"):
    files = sorted(path for path in data.rglob("*") if path.is_file())
    key = (words, split, tuple((path.name, path.read_bytes()) for path in files))
    if key not in _MADE or not _MADE[key].exists():
        outcome = genomark_cli(
            *("run", *words, "--workers", "1", "-b", f"guanine/gpra_c:{split}data=data"),
            "--out",
            out,
        )
        assert outcome.code == 0, outcome.err
        _MADE[key] = data.parent / f"made-{len(_MADE)}"
        shutil.copytree(data.parent / out, _MADE[key])
    else:
        shutil.copytree(_MADE[key], data.parent / out)


def submit(genomark_cli, *folders, name="GC", out="bundle.zip"):
    return genomark_cli("submit", *folders, "--card", "card.md", "--name", name, "--out", out)


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def predictions(tmp_path, name="bundle.zip"):
    (tmp_path / "p.parquet").write_bytes(members(tmp_path / name)["predictions.parquet"])
    return pl.read_parquet(tmp_path / "p.parquet")


@pytest.mark.slow
def test_from_a_run_to_the_final_score(genomark_cli, data, hidden, tmp_path):
    run(genomark_cli, data, "-m", "gc")
    run(genomark_cli, data, "-m", "gc", split="", out="dev")
    packed = submit(genomark_cli, "run", "dev")
    assert packed.code == 0, packed.err
    assert "Made the key" in packed.err
    signer = packed.err.strip().splitlines()[-1].removeprefix("Signed by ")
    assert "60 items × 1 label of guanine/gpra_c; with a dev result" in packed.err
    manifest = json.loads(members(tmp_path / "bundle.zip")["manifest.json"])
    assert manifest["benchmark"]["id"] == "guanine/gpra_c"
    assert manifest["benchmark"]["asked"] == "guanine/gpra_c:split=test"
    dev = promoters(TEST, 1)
    gc = [sum(letter in "GC" for letter in row) for row in dev[0]]
    assert manifest["dev"][0]["name"] == "spearman_x100"
    assert manifest["dev"][0]["value"] == pytest.approx(100 * spearmanr(gc, dev[1])[0], abs=0.01)

    key = ("--key", "board.key")
    made = genomark_cli("board", "init", "board", *key, "--attempts", "3")
    assert made.code == 0, made.err
    assert (tmp_path / "board.key").stat().st_mode & 0o777 == 0o600
    version = manifest["benchmark"]["version"]
    added = genomark_cli(
        *("board", "add", "board", "guanine/gpra_c", hidden, *key, "--version", version)
    )
    assert added.code == 0, added.err
    assert "60 items sealed ('1' is one), labels y; 50% of the clusters are private" in added.err
    assert "still holds the labels in the open" in added.err
    hidden.unlink()
    early = genomark_cli("board", "receive", "board", "bundle.zip", *key)
    assert early.code == 1
    assert f"this board is by invitation, and the key {signer} was not invited" in early.out
    invited = genomark_cli("board", "admit", "board", signer, *key)
    assert f"{signer} may submit" in invited.err

    received = genomark_cli("board", "receive", "board", "bundle.zip", *key)
    assert received.code == 0, received.out
    assert "scored GC on guanine/gpra_c: attempt 1, 2 left" in received.out
    # Which half is public, the secret of the board decides.
    assert re.search(r"new figure: spearman (0\.8|0\.9|1)\n", received.out)
    again = genomark_cli("board", "receive", "board", "bundle.zip", *key)
    assert again.code == 1
    assert "refused bundle.zip: this bundle was scored before" in again.out
    submit(genomark_cli, "run")
    second = genomark_cli("board", "receive", "board", "bundle.zip", *key, "--json")
    receipt = json.loads(second.out)
    assert (receipt["attempt"], receipt["attempts_left"], receipt["improved"]) == (2, 1, False)
    submit(genomark_cli, "run")
    third = genomark_cli("board", "receive", "board", "bundle.zip", *key)
    assert "attempt 3, 0 left, the next after 20" in third.out
    assert "not shown to be better; released: spearman 0.9\n" in third.out
    submit(genomark_cli, "run", name="Copy", out="copy.zip")
    repeated = genomark_cli("board", "receive", "board", "copy.zip", *key)
    assert repeated.code == 0

    status = genomark_cli("board", "status", "board", *key)
    assert status.code == 0
    assert "60 items, 4 scored, 2 refused" in status.out
    assert status.out.count("nearly the same on guanine/gpra_c: line 6 of the log (Copy, ") == 3
    told = json.loads(genomark_cli("board", "status", "board", *key, "--json").out)
    assert [each["model"] for each in told["benchmarks"][0]["models"]] == ["Copy", "GC"]

    frozen = genomark_cli("board", "freeze", "board", "guanine/gpra_c", *key)
    assert frozen.code == 0
    assert frozen.out.splitlines()[0].split() == [
        "model",
        "spearman,",
        "private",
        "public",
        "attempts",
        "key's",
        "models",
    ]
    final = json.loads(
        genomark_cli("board", "freeze", "board", "guanine/gpra_c", *key, "--json").out
    )
    rows, truth = promoters(TEST, 2)
    gc = np.array([sum(letter in "GC" for letter in row) for row in rows])
    private, public = (final["models"][0][share][0] for share in ("private", "public"))
    assert private["n"] == public["n"] == 30
    assert private["value"] == pytest.approx(spearmanr(gc, truth)[0], abs=0.1)
    assert len(list((tmp_path / "board" / "final").iterdir())) == 1
    late = genomark_cli("board", "receive", "board", "copy.zip", *key)
    assert "was closed at" in late.out


def test_predictions_are_those_of_the_run(genomark_cli, data, tmp_path):
    run(genomark_cli, data, "-m", "gc")
    submit(genomark_cli, "run")
    found = predictions(tmp_path)
    assert found.schema == {"item_id": pl.String, "label": pl.String, "value": pl.Float64}
    (kept,) = (tmp_path / "run" / "predictions").glob("*.parquet")
    expected = {
        row["item_id"]: row["value"][0] for row in pl.read_parquet(kept).iter_rows(named=True)
    }
    assert dict(zip(found["item_id"], found["value"], strict=True)) == expected
    assert found["item_id"].to_list() == sorted(expected)


def test_bundles_of_one_run_differ_in_time_nonce_and_signature_alone(genomark_cli, data, tmp_path):
    run(genomark_cli, data, "-m", "gc")
    submit(genomark_cli, "run")
    first = members(tmp_path / "bundle.zip")
    again = submit(genomark_cli, "run")
    assert "Made the key" not in again.err
    second = members(tmp_path / "bundle.zip")
    assert list(first) == ["manifest.json", "predictions.parquet", "model_card.md", "signature"]
    for name in ("predictions.parquet", "model_card.md"):
        assert first[name] == second[name]
    one, two = (json.loads(each["manifest.json"]) for each in (first, second))
    assert {name for name in one if one[name] != two[name]} <= {"created", "nonce"}
    assert one["nonce"] != two["nonce"]


def test_the_key_is_the_users_own_and_is_not_shown(genomark_cli, data, tmp_path):
    run(genomark_cli, data, "-m", "gc")
    outcome = submit(genomark_cli, "run")
    path = tmp_path / "config" / "genomark" / "submission-key.pem"
    assert path.stat().st_mode & 0o777 == 0o600
    secret = path.read_text().splitlines()[1]
    assert secret not in outcome.out + outcome.err
    assert secret.encode() not in (tmp_path / "bundle.zip").read_bytes()
    path.chmod(0o644)
    outcome = submit(genomark_cli, "run")
    assert outcome.code == 2
    assert "others may read this key" in outcome.err


def write_fits(folder, values, fits):
    """Write a run again as if it had several fits."""
    from genomark.scoring import predictions_digest

    (kept,) = (folder / "predictions").glob("*.parquet")
    (result,) = (folder / "results").rglob("*.json")
    frame = pl.read_parquet(kept)
    parts = [
        frame.with_columns(
            fit=pl.lit(fit, pl.Int8), value=pl.Series(each).cast(frame["value"].dtype)
        )
        for fit, each in zip(range(fits), values, strict=True)
    ]
    changed = pl.concat(parts)
    changed.write_parquet(kept)
    document = json.loads(result.read_bytes())
    document["predictions_digest"] = predictions_digest(changed)
    result.write_text(json.dumps(document))


def test_fits_are_averaged(genomark_cli, data, tmp_path):
    run(genomark_cli, data, "-m", "gc")
    values = np.random.default_rng(0).normal(size=(3, TEST, 1)).astype(np.float32)
    write_fits(tmp_path / "run", values.tolist(), 3)
    outcome = submit(genomark_cli, "run")
    assert "means of 3 fits" in outcome.err
    found = predictions(tmp_path)
    (kept,) = (tmp_path / "run" / "predictions").glob("*.parquet")
    ids = pl.read_parquet(kept)["item_id"].to_list()[:TEST]
    expected = dict(zip(ids, values.astype(np.float64).mean(axis=0)[:, 0], strict=True))
    told = dict(zip(found["item_id"], found["value"], strict=True))
    assert told == pytest.approx(expected, rel=1e-12)


def test_labels_have_names(genomark_cli, data, tmp_path):
    run(genomark_cli, data, "-m", "gc")
    values = np.random.default_rng(0).normal(size=(1, TEST, 4))
    write_fits(tmp_path / "run", values.tolist(), 1)
    outcome = submit(genomark_cli, "run")
    assert outcome.code == 2
    assert "4 numbers for each item, and 1 labels are known" in outcome.err
    words = [word for mark in MARKS for word in ("--label", mark)]
    named = genomark_cli(
        *("submit", "run", "--card", "card.md", "--name", "GC", "--out", "bundle.zip", *words)
    )
    assert named.code == 0, named.err
    found = predictions(tmp_path)
    assert found["label"].to_list()[:4] == sorted(MARKS)
    first = found.filter(pl.col("item_id") == "1", pl.col("label") == "dnase")["value"][0]
    (kept,) = (tmp_path / "run" / "predictions").glob("*.parquet")
    assert first == pl.read_parquet(kept).filter(pl.col("item_id") == "1")["value"][0][0]


def test_a_folder_with_several_runs_needs_a_choice(genomark_cli, data, tmp_path):
    run(genomark_cli, data, "-m", "gc", "-m", "cpg")
    outcome = submit(genomark_cli, "run")
    assert outcome.code == 2
    assert "2 runs in these folders: guanine/gpra_c:split=test × cpg; " in outcome.err
    chosen = genomark_cli(
        *("submit", "run", "--card", "card.md", "--name", "CpG", "--model", "cpg"),
        *("--benchmark", "guanine/gpra_c", "--out", "bundle.zip"),
    )
    assert chosen.code == 0, chosen.err
    assert "without a dev result" in chosen.err
    none = genomark_cli(*("submit", "run", "--card", "card.md", "--name", "x", "--model", "none"))
    assert "No run of that benchmark and model in these folders. There are: " in none.err


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda folder: shutil.rmtree(folder / "results"), "no results in it"),
        (lambda folder: shutil.rmtree(folder / "predictions"), "cannot be read"),
        (
            lambda folder: next((folder / "results").rglob("*.json")).write_text("{}"),
            "not a result",
        ),
        (lambda folder: write_other(folder), "is not what"),
        (lambda folder: write_fits(folder, [[[np.nan]] * TEST], 1), "not 1 finite numbers"),
        (
            lambda folder: write_fits(folder, [[None] + [[1.0]] * (TEST - 1)], 1),
            "'1' has no answer",
        ),
    ],
)
def test_a_run_that_cannot_be_submitted(genomark_cli, data, tmp_path, spoil, reason):
    run(genomark_cli, data, "-m", "gc")
    spoil(tmp_path / "run")
    outcome = submit(genomark_cli, "run")
    assert outcome.code == 2
    assert reason in outcome.err
    assert len(outcome.err.splitlines()) == 1
    assert not (tmp_path / "bundle.zip").exists()


def write_other(folder):
    (kept,) = (folder / "predictions").glob("*.parquet")
    frame = pl.read_parquet(kept)
    frame.with_columns(value=frame["value"].list.eval(pl.element() + 1)).write_parquet(kept)


def test_a_limited_run_is_not_submitted(genomark_cli, data):
    run(genomark_cli, data, "-m", "gc", "--limit", "20")
    outcome = submit(genomark_cli, "run")
    assert outcome.code == 2
    assert "was run with --limit; a board asks all items" in outcome.err


def test_a_card_is_needed(genomark_cli, data):
    run(genomark_cli, data, "-m", "gc")
    outcome = genomark_cli("submit", "run", "--card", "none.md", "--name", "GC")
    assert outcome.code == 2
    assert "none.md: no model card; expected a text in Markdown" in outcome.err


def dev_scores(genomark_cli, tmp_path, *folders):
    packed = submit(genomark_cli, *folders)
    assert packed.code == 0, packed.err
    return json.loads(members(tmp_path / "bundle.zip")["manifest.json"])["dev"]


def test_a_dev_score_of_other_settings_is_not_told(genomark_cli, data, tmp_path):
    rows, classes = promoters(50, 5)
    write_split(data / "gpra_c", "1per", rows, classes)
    run(genomark_cli, data, "-m", "kmer:k=2")
    run(genomark_cli, data, "-m", "kmer:k=2", split="train=1per,", out="dev")
    assert dev_scores(genomark_cli, tmp_path, "run", "dev") == []


@pytest.mark.parametrize(
    "options",
    [("--limit", "40"), ("--seed", "7"), ("--impute", "mean"), ("--fits", "2")],
)
def test_a_dev_score_that_was_asked_otherwise_is_not_told(genomark_cli, data, tmp_path, options):
    run(genomark_cli, data, "-m", "kmer:k=2")
    run(genomark_cli, data, "-m", "kmer:k=2", *options, split="", out="dev")
    assert dev_scores(genomark_cli, tmp_path, "run", "dev") == []


def test_a_dev_score_of_another_model_is_not_told(genomark_cli, data, tmp_path):
    run(genomark_cli, data, "-m", "kmer:k=2")
    run(genomark_cli, data, "-m", "kmer:k=3", split="", out="dev")
    assert dev_scores(genomark_cli, tmp_path, "run", "dev") == []


def test_of_several_dev_scores_the_one_that_fits_is_told(genomark_cli, data, tmp_path):
    run(genomark_cli, data, "-m", "kmer:k=2")
    run(genomark_cli, data, "-m", "kmer:k=2", "--limit", "40", split="", out="some")
    run(genomark_cli, data, "-m", "kmer:k=2", split="", out="all")
    told = dev_scores(genomark_cli, tmp_path, "run", "some", "all")
    assert told[0]["n"] == TEST
    # The same run in two folders is one.
    shutil.copytree(tmp_path / "all", tmp_path / "copy")
    assert dev_scores(genomark_cli, tmp_path, "run", "copy", "all") == told
    # Another one, of other data, is not.
    shutil.rmtree(data / "gpra_c" / "dev")
    write_split(data / "gpra_c", "dev", *promoters(TEST, 8))
    run(genomark_cli, data, "-m", "kmer:k=2", split="", out="other")
    outcome = submit(genomark_cli, "run", "all", "other")
    assert outcome.code == 2
    assert "2 runs of guanine/gpra_c:split=test × kmer:k=2 on the development" in outcome.err
    for folder in ("all", "other"):
        (path,) = (tmp_path / folder / "results").rglob("*.json")
        assert str(path.relative_to(tmp_path)) in outcome.err


def board_of(genomark_cli, *labels, invite=()):
    key = ("--key", "board.key")
    assert genomark_cli("board", "init", "board", *key).code == 0
    added = genomark_cli("board", "add", "board", "guanine/gpra_c", *labels, *key)
    for signer in invite:
        assert genomark_cli("board", "admit", "board", signer, *key).code == 0
    return added


def signer_of(tmp_path, name="bundle.zip"):
    return json.loads(members(tmp_path / name)["manifest.json"])["public_key"]


def test_labels_may_be_those_of_the_test_files(genomark_cli, data, tmp_path):
    run(genomark_cli, data, "-m", "gc")
    submit(genomark_cli, "run")
    rows, classes = promoters(TEST, 2)
    write_split(tmp_path / "told" / "gpra_c", "test", rows, classes)
    added = board_of(genomark_cli, "--data", "told", invite=[signer_of(tmp_path)])
    assert "guanine/gpra_c: 60 items sealed ('1' is one), labels y" in added.err
    assert "told still holds the labels in the open" in added.err
    received = genomark_cli("board", "receive", "board", "bundle.zip", "--key", "board.key")
    assert received.code == 0, received.out
    # Which half is public, the secret of the board decides.
    assert re.search(r"new figure: spearman (0\.8|0\.9|1)\n", received.out)


def test_items_of_coordinates_are_told_from_rows(genomark_cli, data, tmp_path):
    run(genomark_cli, data, "-m", "gc")
    submit(genomark_cli, "run")
    ids = [f"chr1:{row}-{row + 80}" for row in range(TEST)]
    classes = promoters(TEST, 2)[1]
    table = pl.DataFrame({"item_id": ids, "label": "y", "truth": classes})
    table.write_csv(tmp_path / "placed.csv")
    board_of(genomark_cli, "placed.csv", invite=[signer_of(tmp_path)])
    received = genomark_cli("board", "receive", "board", "bundle.zip", "--key", "board.key")
    assert received.code == 1
    assert "row 1: item '1', label 'y' is not asked, nor are 59 other rows" in received.out
    assert "expected items such as 'chr1:0-80', each with label 'y' (of a file" in received.out


@pytest.mark.parametrize(
    "labels",
    [(), ("hidden.csv", "--data", "data"), ("hidden.csv", "--genome", "hg38.2bit")],
)
def test_labels_are_named_once(genomark_cli, hidden, labels):
    added = board_of(genomark_cli, *labels)
    assert added.code == 2
    assert "Name the labels once: TABLE, or --data DIR and perhaps --genome FILE" in added.err


def test_nothing_is_received_if_a_file_is_missing(genomark_cli, data, hidden, tmp_path):
    run(genomark_cli, data, "-m", "gc")
    for name in ("a.zip", "b.zip"):
        submit(genomark_cli, "run", out=name)
    board_of(genomark_cli, hidden, invite=[signer_of(tmp_path, "a.zip")])
    key = ("--key", "board.key")
    outcome = genomark_cli("board", "receive", "board", "a.zip", "typo", "b.zip", *key)
    assert outcome.code == 2
    assert outcome.out == ""
    assert "typo: no such file; nothing was received" in outcome.err
    assert "0 scored, 0 refused" in genomark_cli("board", "status", "board", *key).out
    (tmp_path / "c.zip").write_bytes(b"nothing")
    outcome = genomark_cli("board", "receive", "board", "a.zip", "c.zip", "b.zip", *key, "--json")
    assert outcome.code == 1
    receipts = [json.loads(line) for line in outcome.out.splitlines()]
    assert [each["accepted"] for each in receipts] == [True, False, True]


def test_receipts_are_printed_as_they_come(genomark_cli, data, hidden, tmp_path, monkeypatch):
    """What was scored is an attempt, whatever becomes of the next."""
    from genomark.errors import WriteError
    from genomark.results.submission import Board

    run(genomark_cli, data, "-m", "gc")
    for name in ("a.zip", "b.zip"):
        submit(genomark_cli, "run", out=name)
    board_of(genomark_cli, hidden, invite=[signer_of(tmp_path, "a.zip")])
    real = Board.receive

    def full(self, bundle):
        if bundle.name == "b.zip":
            raise WriteError("the disk is full")
        return real(self, bundle)

    monkeypatch.setattr(Board, "receive", full)
    outcome = genomark_cli("board", "receive", "board", "a.zip", "b.zip", "--key", "board.key")
    assert outcome.code == 1
    assert "scored GC on guanine/gpra_c: attempt 1, 4 left" in outcome.out
    assert "the disk is full" in outcome.err


def test_a_name_is_given_to_a_key(genomark_cli, hidden):
    board_of(genomark_cli, hidden)
    words = ("board", "admit", "board", "ab" * 32, "--name", "GC", "--name", "CpG")
    outcome = genomark_cli(*words, "--key", "board.key")
    assert f"{'ab' * 32} may submit as GC, CpG" in outcome.err
    other = genomark_cli(
        *("board", "admit", "board", "cd" * 32, "--name", "gc", "--key", "board.key")
    )
    assert other.code == 2
    assert f"The name 'GC' belongs to the key {'ab' * 32} on this board" in other.err
    status = genomark_cli("board", "status", "board", "--key", "board.key")
    assert "1 key invited, and nobody else" in status.out


def test_a_board_needs_a_key_of_its_own(genomark_cli, tmp_path):
    outcome = genomark_cli("board", "init", "board", "--key", "board/key")
    assert outcome.code == 2
    assert "the key lies in the board's folder" in outcome.err
    assert genomark_cli("board", "init", "board", "--key", "key").code == 0
    (tmp_path / "key").chmod(0o644)
    outcome = genomark_cli("board", "status", "board", "--key", "key")
    assert outcome.code == 2
    assert "others may read this key" in outcome.err
