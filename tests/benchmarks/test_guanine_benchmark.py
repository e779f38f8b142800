"""Tasks of GUANinE from files of their layout: real sequence, numbers computed apart by scipy."""

import math
import shutil
from collections import Counter

import numpy as np
import polars as pl
import pytest
from guanine_files import MARKS, gc_of, write_suite
from scipy import stats
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import Ridge
from sklearn.metrics import average_precision_score, matthews_corrcoef, roc_auc_score
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVR

import genomark
from genomark.benchmarks import expand, load_benchmark
from genomark.errors import UnknownNameError, UsageError
from genomark.scoring import ModelIdentity, predictions_digest


@pytest.fixture(scope="module")
def genome(real_data):
    return real_data("hg38_1m", "hg38_1m.fa.gz")


@pytest.fixture(scope="module")
def made(tmp_path_factory, genome):
    return write_suite(tmp_path_factory.mktemp("guanine"), genome)


@pytest.fixture
def run(made, genome, tmp_path):
    def runs(models, benchmarks, **settings):
        return genomark.run(
            models,
            benchmarks,
            out=tmp_path / "out",
            guanine={"data": made.folder, "genome": genome, **settings},
            workers=1,
            progress=False,
        )

    return runs


def bed(made, task, part):
    path = made.folder / task / "bed" / part / f"{part}.bed"
    return pl.read_csv(path, separator="\t")


def windows(made, table, context=512):
    half = context // 2
    return [made.chromosome[each - half : each + half] for each in table["center"]]


@pytest.mark.parametrize("task", ["dnase_propensity", "cons30", "cons100"])
def test_gc_content_scores_what_scipy_computes_from_plain_slices(made, run, task):
    (result,) = run(["gc"], [f"guanine/{task}"])
    table = bed(made, task, "dev")
    gc = [gc_of(each) for each in windows(made, table)]
    expected = stats.spearmanr(gc, table["y"])[0]
    assert result.metric("spearman_x100").value == pytest.approx(100 * expected, abs=1e-6)
    shares = table["y"].value_counts()["count"] / table.height
    ceiling = math.sqrt(1 - (shares**3).sum())
    assert result.metric("spearman_of_ceiling").value == pytest.approx(expected / ceiling, abs=1e-8)
    assert result.settings["ceiling"]["spearman_x100"] == pytest.approx(100 * ceiling, abs=1e-8)
    # GC content held fixed leaves nothing of GC content.
    assert abs(result.metric("gc_partial_spearman").value or 0.0) < 0.1
    low, high = result.metric("spearman_x100").interval
    assert low < 100 * expected < high


def test_promoters_come_from_csv_files(made, run):
    (result,) = run(["gc"], ["guanine/gpra_c"])
    table = pl.read_csv(made.folder / "gpra_c" / "dev" / "dev.csv")
    expected = stats.spearmanr([gc_of(each) for each in table["seq"]], table["y"])[0]
    assert result.metric("spearman_x100").value == pytest.approx(100 * expected, abs=1e-6)


def test_the_score_of_four_marks_is_their_mean_and_a_mark_without_a_row_is_left_out(made, run):
    (result,) = run(["gc"], ["guanine/ccre_propensity"])
    table = bed(made, "ccre_propensity", "dev")
    expected = {}
    for mark in MARKS:
        rows = table.filter(pl.col("task") == mark)
        gc = [gc_of(each) for each in windows(made, rows)]
        expected[mark] = 100 * stats.spearmanr(gc, rows["y"])[0]
        row = result.metric("spearman_x100", mark)
        assert row.value == pytest.approx(expected[mark], abs=1e-6)
        assert row.n == rows.height < 250
    mean = result.metric("mean_spearman_x100")
    assert mean.value == pytest.approx(np.mean(list(expected.values())), abs=1e-6)


def test_what_is_fitted_scores_what_scipy_computes_from_its_predictions(made, run, tmp_path):
    (result,) = run(["kmer"], ["guanine/cons30"])
    (path,) = (tmp_path / "out" / "predictions").glob("*.parquet")
    predicted = pl.read_parquet(path)
    table = bed(made, "cons30", "dev")
    names = [f"{row['#chr']}:{row['start']}-{row['end']}" for row in table.iter_rows(named=True)]
    assert predicted["item_id"].to_list() == names
    values = predicted["value"].explode().to_numpy().astype(float)
    y = table["y"].to_numpy()
    expected = stats.spearmanr(values, y)[0]
    assert result.metric("spearman_x100").value == pytest.approx(100 * expected, abs=1e-9)
    gc = np.round([gc_of(each) for each in windows(made, table)], 3)
    ranks = [stats.rankdata(each) for each in (values, y, gc)]
    (xy, xz, yz) = (np.corrcoef(ranks[a], ranks[b])[0, 1] for a, b in ((0, 1), (0, 2), (1, 2)))
    partial = (xy - xz * yz) / math.sqrt((1 - xz**2) * (1 - yz**2))
    assert result.metric("gc_partial_spearman").value == pytest.approx(partial, abs=1e-9)
    for threshold in (1, 12, 24):
        row = result.metric("auroc", f"y >= {threshold}")
        assert row.value == pytest.approx(roc_auc_score(y >= threshold, values), abs=1e-9)
    in_middle = (stats.rankdata(values) - 0.5)[y == 12] / len(y)
    row = result.metric("mean_percentile", "y = 12")
    assert row.value == pytest.approx(in_middle.mean(), abs=1e-9)
    assert result.metric("tie_fraction").value == 0.0


def test_steps_of_gc_content_have_scores_of_their_own(made, run, monkeypatch):
    monkeypatch.setattr("genomark.benchmarks.guanine.guanine_scores._SMALLEST_GROUP", 10)
    (result,) = run(["gc"], ["guanine/cons100"])
    table = bed(made, "cons100", "dev")
    gc = np.array([gc_of(each) for each in windows(made, table)])
    steps = [row for row in result.metrics if (row.group or "").startswith("GC decile")]
    assert len(steps) == 10
    assert sum(row.n for row in steps) == 250
    first = gc < np.quantile(gc, 0.1)
    expected = stats.spearmanr(gc[first], table["y"].to_numpy()[first])[0]
    assert steps[0].value == pytest.approx(100 * expected, abs=1e-6)


def test_a_few_shot_curve_has_a_score_for_each_part_of_the_train_split(made, run):
    (result,) = run(["kmer"], ["guanine/gpra_d"], train="curve")
    told = {
        row.group: row.value
        for row in result.metrics
        if row.name == "spearman_x100" and (row.group or "").startswith("fitted on")
    }
    assert list(told) == ["fitted on 10 % of train", "fitted on 100 % of train"]
    assert told["fitted on 100 % of train"] == result.metric("spearman_x100").value
    assert any("too few rows to fit on: 0.1 %, 1 %" in each for each in result.settings["notes"])
    (alone,) = run(["kmer"], ["guanine/gpra_d"], train="10per")
    assert alone.metric("spearman_x100").value == told["fitted on 10 % of train"]


def test_another_seed_learns_from_other_rows_of_a_part(made, run):
    (result,) = run(["kmer"], ["guanine/gpra_d"], train="10per", fits=3)
    fits = result.settings["fit"]
    assert [name for name in fits if "seed" in name] == [
        f"10 % of train, seed {seed}" for seed in range(3)
    ]
    (one,) = run(["kmer"], ["guanine/gpra_d"], train="10per")
    assert one.metric("spearman_x100").value != result.metric("spearman_x100").value
    # Of the whole split, what does not depend on the seed is fitted once.
    (whole,) = run(["kmer"], ["guanine/gpra_d"], fits=3)
    assert len([name for name in whole.settings["fit"] if "seed" in name]) == 1


def test_the_published_few_shot_split_is_learned_from_alone(made, run):
    (result,) = run(["kmer"], ["guanine/cons30"], train="1per")
    assert result.benchmark.id == "guanine/cons30:train=1per"
    (report,) = [each for name, each in result.settings["fit"].items() if "seed" in name]
    assert report["rows"] == 60


def test_parts_of_the_train_split_are_nested_and_begin_with_the_published_one(made, genome):
    at = f"data={made.folder},genome={genome}"
    task = load_benchmark(f"guanine/cons30:{at},train=curve").task
    published = set(bed(made, "cons30", "1per")["center"].to_list())

    def centers(name, seed=0):
        split = task.stage(name, seed)[0]
        ids = [*split.train.ids, *split.valid.ids]
        return {int(each.partition(":")[2].partition("-")[0]) + 75 for each in ids}

    tenth = centers("10per")
    assert len(tenth) == 100
    assert published < tenth < centers("train")
    assert tenth != centers("10per", seed=1) > published


def test_neighbours_on_the_genome_decide_together_or_not_at_all(made, genome):
    task = load_benchmark(f"guanine/cons30:data={made.folder},genome={genome}").task
    split = task.split()
    assert set(split.train.groups).isdisjoint(split.valid.groups)
    assert 0 < len(split.valid) <= 100
    assert len(split.train) + len(split.valid) == 1000


def test_hidden_labels_leave_predictions_and_no_score(made, run, tmp_path):
    results = run(["gc", "kmer"], ["guanine/dnase_propensity"], split="test")
    assert not results.comparisons
    for result in results:
        assert result.benchmark.id == "guanine/dnase_propensity:split=test"
        row = result.metric("spearman_x100")
        assert row.value is None
        assert row.reason_if_null == "labels are hidden: submit the predictions"
        assert result.coverage.answered == 250
    paths = list((tmp_path / "out" / "predictions").glob("*.parquet"))
    assert len(paths) == 2
    for path in paths:
        assert set(pl.read_parquet(path)["item_id"]) == set(made.hidden["dnase_propensity"])


def test_the_oracle_is_not_asked_where_labels_are_hidden(run):
    results = run(["control:oracle"], ["guanine/cons30"], split="test")
    assert not results.results
    assert "needs the labels, which are hidden" in results.skipped[0].reason
    (result,) = run(["control:oracle"], ["guanine/cons30"])
    assert result.metric("spearman_x100").value == pytest.approx(100.0)
    # Tied as the classes are, it stands above what untied predictions can reach.
    assert result.metric("spearman_of_ceiling").value > 1.0
    assert result.metric("tie_fraction").value == 1.0


def predictions_file(made, folder, task="cons30", missing=()):
    table = bed(made, task, "dev")
    names = [f"{row['#chr']}:{row['start']}-{row['end']}" for row in table.iter_rows(named=True)]
    gc = [gc_of(each) for each in windows(made, table)]
    kept = [row for row in range(len(names)) if row not in missing]
    path = folder / "predictions.csv"
    pl.DataFrame(
        {"item_id": [names[row] for row in kept], "value": [gc[row] for row in kept]}
    ).write_csv(path)
    return path, np.array(gc), table["y"].to_numpy()


def test_missing_predictions_are_refused_or_imputed_and_counted(made, genome, tmp_path):
    missing = (3, 17, 30)
    path, gc, y = predictions_file(made, tmp_path, missing=missing)

    def runs(**settings):
        return genomark.run(
            f"file:{path}",
            "guanine/cons30",
            out=tmp_path / "out",
            guanine={"data": made.folder, "genome": genome, **settings},
            allow_missing=True,
            workers=1,
            progress=False,
        )

    (failed,) = runs().failed
    assert "3 of 250 predictions are missing" in failed.reason
    assert "--impute mean" in failed.reason
    (result,) = runs(impute="mean")
    kept = np.delete(gc, missing)
    filled = gc.copy()
    filled[list(missing)] = kept.astype(np.float32).astype(float).mean()
    expected = 100 * stats.spearmanr(filled, y)[0]
    assert result.metric("spearman_x100").value == pytest.approx(expected, abs=1e-6)
    assert result.metric("imputed_fraction").value == 3 / 250
    assert result.coverage.answered == 247


def test_a_missing_mark_is_imputed_by_itself(made, genome, tmp_path):
    table = bed(made, "ccre_propensity", "dev")
    draw = np.random.default_rng(0)
    value = 100 + table["y"].to_numpy() + draw.normal(0, 1, table.height)
    names = [f"{row['#chr']}:{row['start']}-{row['end']}" for row in table.iter_rows(named=True)]
    frame = pl.DataFrame({"item_id": names, "task": table["task"], "value": value})
    dropped = (frame["task"] == "ctcf").to_numpy() & (np.arange(table.height) % 3 == 0)
    path = tmp_path / "some.csv"
    frame.filter(pl.Series(~dropped)).write_csv(path)
    (result,) = genomark.run(
        f"file:{path}",
        "guanine/ccre_propensity",
        out=tmp_path / "out",
        guanine={"data": made.folder, "genome": genome, "impute": "mean"},
        workers=1,
        progress=False,
    )
    y = table["y"].to_numpy()
    for mark in MARKS:
        here = (table["task"] == mark).to_numpy()
        answers = value.astype(np.float32).astype(float)
        kept = here & ~dropped
        answers[here & dropped] = answers[kept].mean()
        expected = 100 * stats.spearmanr(answers[here], y[here])[0]
        assert result.metric("spearman_x100", mark).value == pytest.approx(expected, abs=0.05)
    share = dropped.sum() / table.height
    assert result.metric("imputed_fraction").value == pytest.approx(share)
    assert result.coverage.answered == 250 - dropped.sum()


def test_jitter_is_told_beside_the_score(run):
    (result,) = run(["gc"], ["guanine/cons30"], jitter=20)
    shaken = result.metric("spearman_x100_jittered")
    # GC content varies by some hundredths, as the noise does.
    assert 0.5 * result.metric("spearman_x100").value < shaken.value
    assert shaken.value < result.metric("spearman_x100").value
    assert shaken.interval is not None
    (again,) = run(["gc"], ["guanine/cons30"], jitter=20)
    assert again.metric("spearman_x100_jittered").value == shaken.value


def test_two_models_are_compared_in_pairs(run):
    results = run(["gc", "control:random"], ["guanine/cons30"])
    (pair,) = results.comparisons
    assert pair.benchmark == "guanine/cons30"
    ranks = {each.model: each.first for each in results.ranks("guanine/cons30")}
    assert ranks == {"gc": 1, "control:random": 2}


@pytest.mark.parametrize("task", ["cadd_snv", "cadd_indel"])
def test_variants_are_learned_from_both_alleles(made, run, task, tmp_path):
    (result,) = run(["kmer"], [f"guanine/{task}"])
    table = bed(made, task, "dev")
    (path,) = (tmp_path / "out" / "predictions").glob("*.parquet")
    values = pl.read_parquet(path)["value"].explode().to_numpy().astype(float)
    y = table["y"].to_numpy()
    expected = 100 * stats.spearmanr(values, y)[0]
    assert result.metric("spearman_x100").value == pytest.approx(expected, abs=1e-9)
    assert result.metric("auroc").value == pytest.approx(roc_auc_score(y, values), abs=1e-9)
    expected = average_precision_score(y, values)
    assert result.metric("average_precision").value == pytest.approx(expected, abs=1e-9)
    called = values >= np.sort(values)[::-1][int(y.sum()) - 1]
    expected = matthews_corrcoef(y, called)
    assert result.metric("mcc").value == pytest.approx(expected, abs=1e-9)
    assert result.metric("auroc").value > 0.6


def test_variants_without_a_train_split_are_fitted_on_the_one_that_is_pointed_to(made, run):
    (result,) = run(["kmer"], ["guanine/clinvar_snv"])
    assert "fitted on guanine/cadd_snv" in result.settings["notes"]


def test_gc_content_of_the_reference_is_a_baseline_of_variants(made, run):
    (result,) = run(["gc"], ["guanine/clinvar_snv"], effect="reference", train="none")
    table = bed(made, "clinvar_snv", "dev")
    gc = [gc_of(made.chromosome[end - 256 : end + 256]) for end in table["end"]]
    expected = 100 * stats.spearmanr(gc, table["y"])[0]
    assert result.metric("spearman_x100").value == pytest.approx(expected, abs=1e-6)


def words_of(sequence, k=5):
    """Shares of words, a word and its reverse complement as one, counted one by one."""
    known = [
        min(word, word.translate(str.maketrans("ACGT", "TGCA"))[::-1])
        for word in (sequence[at : at + k] for at in range(len(sequence) - k + 1))
        if "N" not in word
    ]
    return {word: count / len(known) for word, count in Counter(known).items()}


def test_support_vectors_score_what_scikit_learn_fitted_apart_scores(made, run):
    (result,) = run(["kmer5-svr"], ["guanine/gpra_c"])
    (report,) = [each for name, each in result.settings["fit"].items() if "seed" in name]
    train, dev = (
        pl.read_csv(made.folder / "gpra_c" / part / f"{part}.csv") for part in ("train", "dev")
    )
    vectors = DictVectorizer(sparse=False)
    table = vectors.fit_transform([words_of(each) for each in train["seq"]])
    asked = vectors.transform([words_of(each) for each in dev["seq"]])
    mean = table.mean(axis=0)
    scale = np.sqrt(((table - mean) ** 2).sum(axis=1).mean())
    y = train["y"].to_numpy()
    machine = LinearSVR(
        C=report["strength"][0],
        loss="squared_epsilon_insensitive",
        epsilon=0.1,
        dual=False,
        intercept_scaling=10.0,
        tol=1e-5,
        max_iter=10_000,
    ).fit((table - mean) / scale, (y - y.mean()) / y.std())
    answers = ((asked - mean) / scale) @ machine.coef_
    expected = 100 * stats.spearmanr(answers, dev["y"])[0]
    assert result.metric("spearman_x100").value == pytest.approx(expected, abs=0.02)


@pytest.mark.slow
def test_the_whole_suite_gives_what_scipy_computes(made, run, tmp_path):
    results = run(["gc", "kmer5-svr"], ["suite:guanine"])
    assert not results.skipped
    assert not results.failed
    assert len(results) == 18
    frames = [pl.read_parquet(each) for each in (tmp_path / "out" / "predictions").glob("*")]
    by_digest = {predictions_digest(frame): frame for frame in frames}
    for result in results:
        task = result.benchmark.id.partition("/")[2]
        values = by_digest[result.predictions_digest]["value"].to_list()
        if task == "ccre_propensity":
            table = bed(made, task, "dev")
            places = table["center"].unique(maintain_order=True).to_list()
            scores = []
            for number, mark in enumerate(MARKS):
                rows = table.filter(pl.col("task") == mark)
                told = [values[places.index(center)][number] for center in rows["center"]]
                scores.append(stats.spearmanr(told, rows["y"])[0])
            expected = 100 * np.mean(scores)
        else:
            promoters = made.folder / task / "dev" / "dev.csv"
            y = (pl.read_csv(promoters) if task.startswith("gpra") else bed(made, task, "dev"))["y"]
            expected = 100 * stats.spearmanr([each[0] for each in values], y)[0]
        row = next(each for each in result.metrics if each.group is None)
        assert row.name.endswith("spearman_x100")
        assert row.value == pytest.approx(expected, abs=1e-9), task
        assert row.interval[0] < row.value < row.interval[1]


class Counts:
    """An embedder: how often each base, and CG, is in a sequence."""

    info = ModelIdentity(id="counts", version="1", digest="counts-1")

    def embed(self, sequences, progress=lambda done: None):
        found = [[each.count(part) for part in ("A", "C", "G", "T", "CG")] for each in sequences]
        return np.array(found, dtype=np.float32)

    def embed_positions(self, sequences, progress=lambda done: None):
        raise AssertionError("nobody asked for positions")


class Likelihoods:
    """A scorer to which every CG is a surprise."""

    info = ModelIdentity(id="surprised", version="1", digest="surprised-1")
    likelihood = "causal"

    def log_likelihoods(self, sequences, progress=lambda done: None):
        return np.array([-1.5 * each.count("CG") - 0.01 * each.count("A") for each in sequences])


def alleles(made, task):
    table = bed(made, task, "dev")
    refs, alts = [], []
    for end, alt in zip(table["end"], table["alt"], strict=True):
        window = made.chromosome[end - 256 : end + 256]
        refs.append(window)
        alts.append(window[:255] + alt + window[256:])
    return refs, alts, table["y"].to_numpy()


def test_an_embedder_has_a_ridge_head_on_its_frozen_vectors(made, run):
    (result,) = run([Counts()], ["guanine/cons30"])
    table = {part: bed(made, "cons30", part) for part in ("train", "dev")}
    features = {part: Counts().embed(windows(made, each)) for part, each in table.items()}
    (report,) = [each for name, each in result.settings["fit"].items() if "seed" in name]
    scaled = StandardScaler().fit(features["train"])
    head = Ridge(alpha=report["strength"][0]).fit(
        scaled.transform(features["train"]), table["train"]["y"]
    )
    answers = head.predict(scaled.transform(features["dev"]))
    expected = 100 * stats.spearmanr(answers, table["dev"]["y"])[0]
    assert result.metric("spearman_x100").value == pytest.approx(expected, abs=0.05)
    # The same vectors, of both alleles, are learned from for variants.
    (pairs,) = run([Counts()], ["guanine/cadd_snv"])
    assert pairs.metric("auroc").value > 0.6


def test_without_a_fit_variants_are_told_by_distance_or_by_likelihood(made, run):
    by_distance, by_likelihood = run([Counts(), Likelihoods()], ["guanine/cadd_snv"], train="none")
    refs, alts, y = alleles(made, "cadd_snv")
    a, b = (Counts().embed(each).astype(float) for each in (refs, alts))
    cosine = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    expected = 100 * stats.spearmanr((1 - cosine).astype(np.float32), y)[0]
    assert by_distance.metric("spearman_x100").value == pytest.approx(expected, abs=0.2)
    scorer = Likelihoods()
    less_likely = scorer.log_likelihoods(refs) - scorer.log_likelihoods(alts)
    expected = 100 * stats.spearmanr(less_likely.astype(np.float32), y)[0]
    assert by_likelihood.metric("spearman_x100").value == pytest.approx(expected, abs=1e-6)
    skipped = run(["cnn"], ["guanine/cadd_snv"]).skipped
    assert "'cnn' has no features of sequences to fit to pairs of alleles" in skipped[0].reason


def test_a_suite_hands_its_settings_to_every_task(made):
    names = expand([f"suite:guanine:train=1per,data={made.folder}"])
    assert len(names) == 9
    assert all(name.endswith(f":train=1per,data={made.folder}") for name in names)
    assert expand(["suite:guanine"]) == [name.partition(":")[0] for name in names]


def test_settings_that_are_not_known_are_refused_in_one_line():
    with pytest.raises(UsageError, match=r"it takes split=, train=, context=.*fits="):
        load_benchmark("guanine/cons30:shots=5")
    with pytest.raises(UsageError, match="expected KEY=VALUE after the colon, found 'dev'"):
        load_benchmark("guanine/cons30:dev")
    with pytest.raises(UsageError, match=r"Invalid enum value 'half'.*train"):
        load_benchmark("guanine/cons30:train=half")
    with pytest.raises(UnknownNameError):
        load_benchmark("guanine/cons300:train=1per")


def test_a_folder_may_have_a_comma_in_its_name(made, tmp_path):
    folder = tmp_path / "GUANinE, 100%2C copy"
    shutil.copytree(made.folder / "gpra_c", folder / "gpra_c")
    (result,) = genomark.run(
        "gc", "guanine/gpra_c", out=tmp_path / "out", guanine={"data": folder}, progress=False
    )
    assert result.coverage.answered == 250


def test_settings_of_the_suite_need_a_task_of_it(tmp_path):
    with pytest.raises(UsageError, match="train: for benchmarks of the suite guanine"):
        genomark.run("gc", "simulated-enhancers", out=tmp_path, guanine={"train": "1per"})
