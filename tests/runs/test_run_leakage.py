"""What a run says of what its models were trained on, and what they saw of the items."""

from __future__ import annotations

import json
import weakref
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import pearsonr
from toy import Toy, count_a

import genomark
from genomark.benchmarks.material import Material
from genomark.errors import UsageError
from genomark.models import TrainingSplit, as_model
from genomark.models.training_data import (
    UNKNOWN,
    NamedTraining,
    NoTraining,
    OwnTraining,
    TrainingSequences,
)
from genomark.runs import leakage as module
from genomark.runs.leakage import LeakagePanels, Learned, learned
from genomark.scoring import read_result


class Drawn(Toy):
    """Sixty sequences of 120 letters; the truth is the number of A."""

    id = "drawn"
    max_request_items = 4096

    def __init__(self) -> None:
        super().__init__()
        random = np.random.default_rng(4)
        spelled = ["".join(random.choice(list("ACGT"), 120)) for _ in range(60)]
        self.__dict__["items"] = pl.DataFrame(
            {
                "item_id": [f"i{row}" for row in range(60)],
                "task": "a",
                "cluster": [f"c{row}" for row in range(60)],
                "truth": [float(each.count("A")) for each in spelled],
                "sequence": spelled,
            }
        )

    def material(self, limit: int | None = None) -> Material:
        return Material.of(self.selected(limit))


@pytest.fixture
def predictions(tmp_path: Path) -> Path:
    """A file whose card names a FASTA with copies of the first twenty items."""
    items = Drawn().items
    answers = items["truth"].to_numpy() + np.random.default_rng(0).normal(0, 3, 60)
    pl.DataFrame({"item_id": items["item_id"], "value": answers}).write_parquet(
        tmp_path / "preds.parquet"
    )
    lines = [f">t{row}\n{each}\n" for row, each in enumerate(items["sequence"][:20])]
    (tmp_path / "train.fasta").write_text("".join(lines))
    return tmp_path / "preds.parquet"


def card(predictions: Path, text: str) -> None:
    predictions.with_name("preds.parquet.card.toml").write_text(text)


def run(out: Path, model, **options):
    found = genomark.run([model], Drawn(), out=out, progress=False, **options)
    assert not found.failed
    assert not found.skipped
    return found.results[0]


SEQUENCES = 'training_data = { kind = "sequences", source = "train.fasta" }\n'


def test_a_model_of_which_nobody_says_anything_has_no_word_of_it(tmp_path):
    result = run(tmp_path, count_a)
    (written,) = (tmp_path / "results").rglob("*.json")
    assert "training_data" not in result.settings
    assert "leakage" not in json.loads(written.read_bytes())
    assert read_result(written).leakage is None


def test_a_card_gives_a_panel_with_numbers_of_scipy(tmp_path, predictions):
    card(predictions, SEQUENCES)
    result = run(tmp_path / "out", f"file:{predictions}")
    panel = result.leakage
    assert result.settings["training_data"] == "sequences in train.fasta"
    assert (panel.seen, panel.exact, panel.n, panel.complete) == (20, 20, 60, True)
    assert panel.share == pytest.approx(1 / 3)
    value = pl.read_parquet(predictions)["value"].to_numpy()
    truth = Drawn().items["truth"].to_numpy()
    assert panel.all.value == pytest.approx(pearsonr(value, truth)[0])
    assert panel.clean.value == pytest.approx(pearsonr(value[20:], truth[20:])[0])
    assert panel.all.value == result.metric("pearson").value
    assert [each.n for each in panel.bins] == [40, 20]


def test_what_is_kept_is_what_is_given(tmp_path, predictions):
    card(predictions, SEQUENCES)
    result = run(tmp_path / "out", f"file:{predictions}")
    (written,) = (tmp_path / "out" / "results").rglob("*.json")
    assert read_result(written) == result


def test_another_card_changes_what_is_told_and_asks_nothing_again(
    tmp_path, predictions, monkeypatch
):
    first = run(tmp_path / "out", f"file:{predictions}")
    assert first.leakage is None
    card(predictions, 'version = "7"\n' + SEQUENCES)
    from genomark.models.replay import RecordedTable

    def asked(*_):
        raise AssertionError("asked again")

    monkeypatch.setattr(RecordedTable, "predict_items", asked)
    second = run(tmp_path / "out", f"file:{predictions}")
    assert second.leakage.seen == 20
    assert second.model.version == "7"
    assert second.metrics == first.metrics
    assert second.started == first.started
    assert len(list((tmp_path / "out" / "results").rglob("*.json"))) == 1
    monkeypatch.undo()
    third = run(tmp_path / "out", f"file:{predictions}")
    assert third == second


def test_training_data_that_changed_are_looked_through_again(tmp_path, predictions):
    card(predictions, SEQUENCES)
    assert run(tmp_path / "out", f"file:{predictions}").leakage.seen == 20
    lines = (tmp_path / "train.fasta").read_text().splitlines(keepends=True)
    (tmp_path / "train.fasta").write_text("".join(lines[:10]))
    assert run(tmp_path / "out", f"file:{predictions}").leakage.seen == 5


def test_a_card_that_is_gone_takes_its_panel_with_it(tmp_path, predictions):
    card(predictions, SEQUENCES)
    assert run(tmp_path / "out", f"file:{predictions}").leakage is not None
    predictions.with_name("preds.parquet.card.toml").unlink()
    result = run(tmp_path / "out", f"file:{predictions}")
    assert result.leakage is None
    assert "training_data" not in result.settings


def test_nothing_is_looked_through_where_that_was_not_asked_for(tmp_path, predictions, monkeypatch):
    monkeypatch.setattr(module, "seen_items", None)
    card(predictions, SEQUENCES)
    result = run(tmp_path / "out", f"file:{predictions}", leakage=False)
    assert result.leakage is None
    assert result.settings["training_data"] == "sequences in train.fasta"
    monkeypatch.undo()
    assert run(tmp_path / "out", f"file:{predictions}").leakage.seen == 20


def test_an_option_tells_it_of_any_model(tmp_path, predictions):
    train = str(predictions.with_name("train.fasta"))
    result = run(tmp_path / "out", count_a, trained_on=train)
    assert result.leakage.seen == 20
    assert result.settings["training_data"] == "sequences in train.fasta"


def test_the_option_goes_before_the_card(tmp_path, predictions):
    card(predictions, 'training_data = "none"\n')
    train = str(predictions.with_name("train.fasta"))
    assert run(tmp_path / "a", f"file:{predictions}").leakage is None
    assert run(tmp_path / "b", f"file:{predictions}", trained_on=train).leakage.seen == 20


def test_the_option_is_about_one_model(tmp_path):
    with pytest.raises(UsageError, match="one model, and there are 2"):
        genomark.run(["gc", "cpg"], Drawn(), out=tmp_path, trained_on="enformer", progress=False)


def test_a_file_that_is_broken_is_told_in_the_panel_and_stops_nothing(tmp_path, predictions):
    predictions.with_name("broken.fasta").write_text("ACGT\n")
    card(predictions, 'training_data = { kind = "sequences", source = "broken.fasta" }\n')
    panel = run(tmp_path / "out", f"file:{predictions}").leakage
    assert panel.share is None
    assert "broken.fasta" in panel.reason_if_null
    assert not panel.complete


def test_sequences_behind_a_url_are_declared_and_not_fetched(tmp_path, predictions):
    source = "https://example.org/t.fa"
    card(predictions, f'training_data = {{ kind = "sequences", source = "{source}" }}\n')
    result = run(tmp_path / "out", f"file:{predictions}")
    assert result.settings["training_data"] == f"sequences in {source}"
    assert "not fetched" in result.leakage.reason_if_null


def test_regions_and_items_without_a_place_cannot_be_compared(tmp_path, predictions, real_data):
    real_data("training_regions", "enformer_human_hg38_sequences.bed")
    card(predictions, 'training_data = "enformer"\n')
    panel = run(tmp_path / "out", f"file:{predictions}").leakage
    assert "no place in a genome" in panel.reason_if_null


def test_what_is_too_much_for_a_run_is_left_to_the_command(tmp_path, predictions, monkeypatch):
    monkeypatch.setattr(module, "MOST_LETTERS", 120 * 79)
    card(predictions, SEQUENCES)
    panel = run(tmp_path / "out", f"file:{predictions}").leakage
    assert panel.reason_if_null.startswith("9,600 letters are too many")
    monkeypatch.setattr(module, "MOST_LETTERS", 120 * 80)
    assert run(tmp_path / "other", f"file:{predictions}").leakage.seen == 20


def test_several_models_of_the_same_training_data_are_looked_up_once(
    tmp_path, predictions, monkeypatch
):
    other = predictions.with_name("other.parquet")
    items = Drawn().items.select("item_id", value="truth")
    items.write_parquet(other)
    for each in (predictions, other):
        each.with_name(f"{each.name}.card.toml").write_text(SEQUENCES)
    calls = []
    real = module.seen_items
    monkeypatch.setattr(module, "seen_items", lambda *a, **k: calls.append(1) or real(*a, **k))
    found = genomark.run(
        [f"file:{predictions}", f"file:{other}"], Drawn(), out=tmp_path / "out", progress=False
    )
    assert len(calls) == 1
    assert [each.leakage.seen for each in found.results] == [20, 20]


def panels_of(monkeypatch, *parts: Learned) -> tuple[list, list, LeakagePanels]:
    """Panels of several training data in turn, how often one was read, and how many are held."""
    made, alive = [], []
    real = module.training_material

    def read(*words):
        found = real(*words)
        made.append(1)
        alive.append(weakref.ref(found))
        return found

    monkeypatch.setattr(module, "training_material", read)
    panels = LeakagePanels(1, lambda told: None)
    for each in parts:
        panels._seen_items(Drawn(), None, each, each.digest())
    return made, [each for each in alive if each() is not None], panels


def fitted(letters: int, seed: int) -> Learned:
    spelled = ["ACGT"[seed % 4] * letters]
    return Learned((OwnTraining("fitted", 1, str(seed)),), lambda: spelled)


def test_one_training_set_is_held_at_a_time(monkeypatch):
    made, alive, _ = panels_of(monkeypatch, *(fitted(150, seed) for seed in range(3)))
    assert (len(made), len(alive)) == (3, 1)


def test_what_was_found_is_held_of_a_few_sets_alone(monkeypatch):
    several = [fitted(150, seed) for seed in range(12)]
    made, _, panels = panels_of(monkeypatch, *several, several[-1])
    assert len(made) == 12
    assert len(panels._seen) == 8


def test_what_is_refused_is_neither_built_nor_held(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "MOST_LETTERS", 60 * 120 + 200)
    made, alive, _ = panels_of(monkeypatch, fitted(201, 0))
    assert (made, alive) == ([], [])
    (tmp_path / "long.fa").write_text(f">a\n{'A' * 201}\n")
    long = Learned((TrainingSequences(str(tmp_path / "long.fa")),))
    made, alive, panels = panels_of(monkeypatch, long, long)
    assert (len(made), alive) == (1, [])
    assert panels._seen_items(Drawn(), None, fitted(150, 1), "other").items.height == 60


# --- What is known of a model. ---


class Fits(Drawn):
    """The same, with a training part that has ten of the items."""

    def training_split(self) -> TrainingSplit:
        spelled = self.items["sequence"].to_list()[:10]
        return TrainingSplit("ten", spelled, np.arange(10.0), [str(k) for k in range(10)])


def test_what_genomark_fits_is_known_to_the_letter():
    split = Fits().training_split()
    known = learned(Fits(), as_model(count_a), split, None, NoTraining())
    assert known.parts == (OwnTraining("ten", 10, split.digest),)
    assert known.own() == split.sequences
    assert known.words == "ten (10 sequences)"


def test_a_model_that_may_have_learned_elsewhere_before_is_known_in_part():
    split = Fits().training_split()
    known = learned(Fits(), as_model(count_a), split, None)
    assert known.parts[0] == UNKNOWN
    assert not known.is_unknown
    assert known.words == "unknown; ten (10 sequences)"


def test_what_the_training_part_of_a_task_has_of_its_test_part_is_seen(tmp_path):
    random = np.random.default_rng(0)
    folder = tmp_path / "task"
    folder.mkdir()
    spelled = ["".join(random.choice(list("ACGT"), 80)) for _ in range(90)]
    rows = [{"sequence": each, "label": str(row % 2)} for row, each in enumerate(spelled)]
    (folder / "train.json").write_text("\n".join(map(json.dumps, rows[:60])))
    (folder / "test.json").write_text("\n".join(map(json.dumps, rows[45:])))
    found = genomark.run(
        ["kmer-knn", "control:random"], f"sequences:{tmp_path}#task", out=tmp_path / "o",
        progress=False,
    )  # fmt: skip
    by_model = {each.model.id.partition(":")[0]: each for each in found.results}
    panel = by_model["kmer-knn"].leakage
    assert (panel.n, panel.seen, panel.exact) == (45, 15, 15)
    assert panel.training_data[0].endswith("(60 sequences)")
    assert panel.clean.n == 30
    assert by_model["control"].leakage is None
    assert by_model["control"].settings["training_data"] == "none"


def test_the_digest_follows_the_declaration_and_the_files(tmp_path):
    (tmp_path / "a.fa").write_text(">a\nACGT\n")
    one = Learned((TrainingSequences(str(tmp_path / "a.fa")),))
    before = one.digest()
    assert before == one.digest()
    assert before != Learned((NamedTraining("enformer"),)).digest()
    (tmp_path / "a.fa").write_text(">a\nACGG\n")
    assert one.digest() != before
