"""Published scores of GUANinE: what the catalogue says, and what of it stands corrected."""

from __future__ import annotations

import csv
import io
from statistics import fmean

import numpy as np
import pytest
from scipy.stats import spearmanr

from genomark.benchmarks.sequences.declared import declared_ids, read_shipped
from genomark.benchmarks.sequences.published import published_scores
from genomark.errors import UsageError
from genomark.results import Results, load_results, sections
from genomark.results.guanine_scores import (
    TASKS,
    ceiling_x100,
    declared_guanine_scores,
    read_guanine_scores,
)
from genomark.scoring import MetricRow

#: The published catalogue as it is (31 models, 12 September 2025), its misspelt column included.
CATALOGUE = """\
model,dnase,ccre,ccre-dnase,ccre-ctcf,ccre-hdk27ac,ccre-h3k4me3,cons30,cons100,gpra-c,gpra-d
GC-content,20.5533,12.9891,13.0236,12.6525,13.2115,13.069,38.1307,39.5828,52.9688,56.9824
5-mer LinSVR,36.3022,26.3708,23.3577,27.6775,27.7758,26.6722,49.3504,45.0548,69.4348,73.6469
5-mer kNN,31.9876,23.3579,22.0112,24.5605,23.853,23.0069,52.5776,44.5351,58.5608,62.1082
hspace-4.2mm large$star$ T5,33.0548,27.4643,26.8736,28.2986,27.1943,27.4908,52.5576,44.0542,\
84.6738,88.5912
DeepSEA,34.6927,23.2158,22.7526,24.0649,23.3712,22.6745,49.6163,43.4004,68.6607,72.9729
Beluga,64.9577,49.6688,44.5226,51.6006,52.5047,50.0473,58.6143,48.8816,66.5479,69.9363
Basenji2,60.5149,56.4568,56.4814,56.3126,57.3374,56.3651,71.0417,59.1229,69.5484,72.9872
Enformer,64.9164,55.3816,53.0151,55.9015,54.1682,58.4416,74.4358,62.2344,70.6259,74.1311
Enformer (Pre-output),68.0818,55.0775,52.4223,54.6072,54.9317,58.3487,74.6815,62.4178,\
70.6976,74.2039
Borzoi,70.6892,57.6904,55.2756,58.5863,56.6941,60.2057,71.5495,59.6878,71.5318,75.1785
DNABERT-2,41.6618,32.747,31.9049,33.3137,32.0785,33.6911,60.5895,50.3579,69.881,73.9089
nt-v2-50m,43.6408,37.4346,36.0646,37.8445,37.5032,38.326,65.8741,55.1823,71.4157,75.1369
nt-v2-100m,42.0778,35.7199,33.5139,36.7799,35.5785,37.0074,69.2337,57.9283,71.3679,75.1096
nt-v2-250m,43.6973,36.0699,34.3708,36.5686,35.7485,37.5915,73.2828,61.0874,72.436,76.2963
nt-v2-500m,46.6071,38.1982,36.6067,38.2818,37.7142,40.1903,75.5842,63.5168,72.6726,76.5765
gena-lm-bert-base,43.2094,36.5813,35.2246,36.8412,36.0472,37.2644,65.3625,55.0575,70.2835,74.0042
gena-lm-bert-base-yeast,32.3436,28.202,27.8107,28.5989,28.056,28.3426,51.6697,43.9358,63.9957,68.0473
gena-lm-bert-base-t2t,42.8185,39.4533,34.5074,34.2673,34.4766,36.2176,66.6483,55.9618,71.0697,74.8112
gena-lm-bert-base-t2t-enformer,54.2948,48.7415,47.5286,48.6994,48.5088,50.2292,68.175,56.5446,70.6333,74.2133
gena-lm-bert-base-t2t-multi,42.8573,34.7512,34.1537,34.6447,34.1553,36.0509,65.8067,55.5404,71.2714,74.964
gena-lm-bert-large-t2t,36.1742,44.4264,35.3316,35.1839,36.1485,38.0329,71.6328,59.8846,71.5104,75.2759
gena-lm-bigbird-base-t2t,37.3342,44.1009,35.8006,36.8634,37.5124,39.1605,73.6004,61.507,71.3673,75.0451
ESA-dna2vec,26.0047,17.4341,16.0428,18.8609,16.894,17.9387,44.086,39.7871,59.1203,62.7899
SEI,70.4688,56.3547,53.9095,57.2327,55.2832,58.9933,63.1947,51.578,68.8511,72.1761
Mistral-DNA-17m-hg38,34.5188,31.9774,30.8939,32.6777,31.1073,33.2308,53.7361,45.7752,67.1016,70.8973
Mistral-DNA-422m-hg38,39.2215,36.0627,35.361,35.7797,35.7223,37.3879,60.5367,50.731,69.4335,73.1728
Modern-BERT-37m-hg38,25.7812,20.0403,18.5395,21.4866,19.3491,20.7859,42.4283,39.2057,55.5611,59.5683
Modern-BERT-117m-hg38,35.3822,30.8061,31.0741,31.3223,30.2893,30.5387,53.5316,46.7186,66.5842,70.4314
Caduceus-PS,42.9735,41.3231,39.7175,41.0856,41.7602,42.7293,74.3749,62.3797,72.4355,76.0289
Evo2_1B_base,41.7896,40.2332,39.0054,40.8129,39.2768,41.8379,68.4935,55.2246,72.6487,76.3823
Evo2_7B_base,46.9047,45.515,44.4768,46.2969,44.7764,46.51,74.0702,61.8923,,"""
PRINTED = {row["model"]: row for row in csv.DictReader(io.StringIO(CATALOGUE))}
MARKS = {
    "dnase": "ccre-dnase",
    "ctcf": "ccre-ctcf",
    "H3K27ac": "ccre-hdk27ac",
    "H3K4me3": "ccre-h3k4me3",
}
COLUMNS = dict(
    zip(TASKS[:6], ("dnase", "ccre", "cons30", "cons100", "gpra-c", "gpra-d"), strict=True)
)
SWAPPED = {"gena-lm-bert-large-t2t", "gena-lm-bigbird-base-t2t"}
NOT_A_MEAN = {"gena-lm-bert-base-t2t", "gena-lm-bert-base", "Basenji2"}
LATEX = "hspace-4.2mm large$star$ T5"
HEADER = "model,dnase,ccre,ccre-dnase,ccre-ctcf,ccre-h3k27ac,ccre-h3k4me3\n"


@pytest.fixture
def read(tmp_path):
    def call(text, name="scores.csv"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return read_guanine_scores(tmp_path / name)

    return call


def by_model_and_task(results):
    return {(each.model.id.removeprefix("published:"), each.benchmark.id): each for each in results}


def expected():
    """Recompute from what is printed what each cell should be."""
    for model, row in PRINTED.items():
        mean = fmean(float(row[name]) for name in MARKS.values())
        for task, column in COLUMNS.items():
            value = float(row[column]) if row[column] else None
            if column == "ccre":
                value = mean
            if column == "dnase" and model in SWAPPED:
                value = float(row["ccre"])
            if value is not None:
                yield (model if model != LATEX else "T5-large", task), value


def test_every_cell_is_as_printed_or_as_its_own_row_says_it_should_be(read):
    want = dict(expected())
    assert len(want) == 31 * 6 - 2
    for results in (read(CATALOGUE), declared_guanine_scores()):
        found = {
            key: each.metrics[0].value
            for key, each in by_model_and_task(results).items()
            if key[1] in COLUMNS
        }
        assert found.keys() == want.keys()
        for key, value in found.items():
            assert value == pytest.approx(want[key], abs=1e-4), key


def test_what_stands_corrected_is_what_the_catalogue_contradicts_itself_in(read):
    """Found by hand: in five rows the score is not the mean of the four marks beside it."""
    away = {
        model: abs(fmean(float(row[name]) for name in MARKS.values()) - float(row["ccre"]))
        for model, row in PRINTED.items()
    }
    assert {model for model, far in away.items() if far > 1e-4} == SWAPPED | NOT_A_MEAN
    dnase, ccre = TASKS[:2]
    changed = {(model, dnase) for model in SWAPPED}
    changed |= {(model, ccre) for model in SWAPPED | NOT_A_MEAN}
    for results in (read(CATALOGUE), declared_guanine_scores()):
        found = by_model_and_task(results)
        corrected = {
            key
            for key, each in found.items()
            if any(remark.startswith("corrected: ") for remark in each.settings["remarks"])
        }
        assert corrected == changed
        for model, task in changed:
            (remark,) = found[model, task].settings["remarks"]
            assert f"{float(PRINTED[model][COLUMNS[task]])} was printed" in remark
            assert ("swapped" in remark) == (model in SWAPPED)
            assert remark in found[model, task].model.notes
            assert remark in found[model, task].metrics[0].method


def test_declarations_say_what_was_printed_and_only_where_it_is_not_what_they_hold():
    for task, column in COLUMNS.items():
        for score in published_scores(read_shipped(task).published):
            name = LATEX if score.model == "T5-large" else score.model
            printed = float(PRINTED[name][MARKS[score.label] if score.label else column])
            assert (score.value == printed) == (score.corrected is None), score
            assert score.corrected is None or score.corrected.startswith(f"{printed} was printed")


def test_scores_of_marks_stand_beside_their_mean(read):
    for results in (read(CATALOGUE), declared_guanine_scores()):
        found = by_model_and_task(results)["Caduceus-PS", TASKS[1]]
        assert [row.name for row in found.metrics[:2]] == ["mean_spearman_x100", "spearman_x100"]
        values = {row.group: row.value for row in found.metrics if row.name == "spearman_x100"}
        assert values == {mark: float(PRINTED["Caduceus-PS"][name]) for mark, name in MARKS.items()}


def test_they_are_marked_as_not_computed_here_and_have_no_interval(read):
    for each in read(CATALOGUE, "full.csv"):
        assert each.settings["source"] == "guanine"
        assert each.model.id.startswith("published:")
        notes = each.model.notes
        assert notes[0] == "self-reported: read from full.csv, not computed here"
        assert notes[1] == "of the test split, whose labels are private"
        assert all(row.interval is None for row in each.metrics)
    for each in declared_guanine_scores():
        assert each.model.notes[0].startswith("self-reported: ")


def test_the_row_that_latex_left_is_the_t5_baseline(read):
    each = by_model_and_task(read(CATALOGUE))["T5-large", "guanine/gpra_c"]
    assert each.metrics[0].value == 84.6738
    assert each.model.notes[-1] == f"T5-large is called '{LATEX}' there"


def test_scores_that_no_untied_prediction_reaches_are_doubted(read):
    results = read("model,clinvar-snv,dnase\na,95.1299,98\nb,86.6,97.9\n")
    remarks = {key: each.settings["remarks"] for key, each in by_model_and_task(results).items()}
    for key, ceiling in ((("a", TASKS[-1]), "86.60"), (("a", TASKS[0]), "97.98")):
        (remark,) = remarks.pop(key)
        assert remark.startswith("doubtful: ")
        assert f"above {ceiling}" in remark
    assert set(map(tuple, remarks.values())) == {()}
    doubted = {
        key[0]
        for key, each in by_model_and_task(declared_guanine_scores()).items()
        if any(remark.startswith("doubtful") for remark in each.settings["remarks"])
    }
    assert doubted == {"SEI-AG + Pangolin", "AlphaGenome-K562"}
    caveats = published_scores(read_shipped(TASKS[-1]).published)[0].caveats
    assert any(all(name in caveat for name in doubted) for caveat in caveats)


def test_the_ceiling_is_what_scipy_finds_of_predictions_in_perfect_order():
    for task in TASKS:
        declared = read_shipped(task)
        k = declared.classes or 2
        classes = np.repeat(np.arange(k), 4000)
        best = spearmanr(np.arange(classes.size), classes).statistic
        assert ceiling_x100(declared) == pytest.approx(100 * best, abs=1e-4)
    assert f"{ceiling_x100(read_shipped('guanine/clinvar_snv')):.2f}" == "86.60"


def test_the_tasks_are_those_of_the_suite():
    assert sorted(TASKS) == [name for name in declared_ids() if name.startswith("guanine/")]


def test_missing_cells_and_columns_are_no_scores(read):
    results = read("model,gpra-d,GPRA_C,cons30\nmine,–,NA,12.5\nother,,-,n/a\nlast,-3.5,1, 2 \n")
    found = {key: each.metrics[0].value for key, each in by_model_and_task(results).items()}
    assert found == {
        ("mine", "guanine/cons30"): 12.5,
        ("last", "guanine/gpra_d"): -3.5,
        ("last", "guanine/gpra_c"): 1.0,
        ("last", "guanine/cons30"): 2.0,
    }


def test_figures_with_two_decimals_are_not_corrected_for_their_rounding(read):
    # The mean is 2.0025, and 2.01 is as far from it as rounding can take it.
    exact = by_model_and_task(read(HEADER + "m,1,2.01,2,2,2,2.01\n"))["m", TASKS[1]]
    assert (exact.metrics[0].value, exact.settings["remarks"]) == (2.01, [])
    away = by_model_and_task(read(HEADER + "m,1,2.02,2,2,2,2.01\n"))["m", TASKS[1]]
    assert away.metrics[0].value == 2.0025
    assert "2.02 was printed" in away.settings["remarks"][0]


def test_a_mean_that_was_not_printed_is_that_of_the_marks_if_all_are_there(read):
    each = by_model_and_task(read(HEADER + "m,1,,2,3,4,5\n"))["m", TASKS[1]]
    assert each.metrics[0].value == 3.5
    assert "nothing was printed" in each.settings["remarks"][0]
    some = by_model_and_task(read(HEADER + "m,1,,2,3,4,\n"))["m", TASKS[1]]
    assert (some.metrics[0].value, some.metrics[0].reason_if_null) == (None, "not published")
    assert some.metric("spearman_x100", "ctcf").value == 3.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,dnase\nm,1\n", r"no column 'model'; expected model, dnase, ccre"),
        ("model\nm\n", "no column of scores"),
        ("model,dnase,size\nm,1,2\n", "column 'size' is of no task"),
        ("model,gpra-c,gpra_c\nm,1,2\n", "column 'gpra_c' is there under another spelling"),
        ("model,dnase\nm,high\n", r"row 1 \('m'\): column 'dnase': expected .* found 'high'"),
        ("model,dnase\na,1\nm,101\n", r"row 2 \('m'\): .* from -100 to 100, found '101'"),
        ("model,dnase\nm,inf\n", "found 'inf'"),
        ("model,dnase\nm,1\nm,2\n", "row 2: 'm' is in row 1 already"),
        ("model,dnase\n,1\n", "row 1: no model is named"),
        ("model,dnase\nm,\n", "no scores below the header"),
    ],
)
def test_what_is_no_such_table_is_told_where(read, text, said):
    with pytest.raises(UsageError, match=said) as caught:
        read(text)
    assert "scores.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


# ------------------------------------------------------------------- beside what was computed here


def computed(like, model, value):
    from msgspec.structs import replace

    rows = [
        MetricRow("spearman_x100", None, value, None, (value - 1, value + 1), "bootstrap", 9, 9),
        MetricRow("spearman_of_ceiling", None, 0.5, None, None, "bootstrap", 9, 9),
    ]
    settings = {key: each for key, each in like.settings.items() if key != "source"}
    return replace(
        like,
        model=replace(like.model, id=model, notes=[]),
        metrics=rows,
        settings={**settings, "headline": ["spearman_x100", "spearman_of_ceiling"]},
    )


def test_they_are_never_ranked_among_models_that_were_asked(read):
    theirs = read("model,cons30\nbest,99\nworst,1\n")
    ours = [computed(theirs[0], "ours", 50.0), computed(theirs[0], "mine", 40.0)]
    for results in (Results([*ours, *theirs]), Results([*theirs, *ours])):
        assert sorted(each.model for each in results.ranks("guanine/cons30")) == ["mine", "ours"]
        ranked = results.table().drop_nulls("rank")["model"]
        assert sorted(ranked) == ["mine", "ours"]
        (section,) = sections(results)
        lines = {line.model: line for line in section.lines}
        assert lines["published:best"].rank == "-"
        assert lines["published:best"].cells[0] == "99.000"
        assert [line.model for line in section.lines][2:] == ["published:best", "published:worst"]
        assert any("not computed here" in note for note in section.notes)
    assert theirs.ranks("guanine/cons30") == []


def test_they_are_saved_and_read_again(read, tmp_path):
    results = read(CATALOGUE)
    assert load_results(results.save(tmp_path / "published.json")).results == results.results
    assert read(CATALOGUE).to_json() == results.to_json()
