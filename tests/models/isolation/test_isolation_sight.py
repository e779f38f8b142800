"""What a model in a sandbox would see of a benchmark's files."""

from __future__ import annotations

from pathlib import Path

import pytest

from genomark.errors import UsageError
from genomark.models.isolation.installation import installed_places
from genomark.models.isolation.sight import local_places, where_seen
from genomark.runs.order import Order

_MODEL = "def f(sequences):\n    return [0.0] * len(sequences)\n"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Give the folder of a model, with labels in it."""
    folder = tmp_path / "own"
    (folder / "tasks").mkdir(parents=True)
    (folder / "model.py").write_text(_MODEL)
    (folder / "labels,1.csv").write_text("id,sequence,value\na,ACGT,1\n")
    return folder


def test_names_of_benchmarks_say_files_and_folders(own: Path, tmp_path: Path) -> None:
    labels = own / "labels,1.csv"
    quoted = str(labels).replace(",", "%2C")
    for name, places in {
        f"points:{labels}": [labels],
        f"tasks:{own}#a task": [own],
        f"sequences:{own}/tasks#x:fits=2": [own / "tasks"],
        f"guanine/cons30:fits=2,data={quoted}": [labels],
        f"points:{tmp_path}/none.csv": [],
        "simulated-enhancers": [],
        "suite:genes:fits=1": [],
        f"points:{'x' * 5000}": [],
        "points:a\0b": [],
    }.items():
        assert local_places(name) == places, name


def test_a_name_through_a_link_says_where_it_leads(own: Path, tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to(own / "labels,1.csv")
    assert local_places(f"points:{tmp_path}/link.csv") == [own / "labels,1.csv"]


def test_a_declaration_says_what_it_names(own: Path, tmp_path: Path) -> None:
    declaration = tmp_path / "apart" / "points.toml"
    declaration.parent.mkdir()
    declaration.write_text('table = "../own/labels,1.csv"\n[more]\nfiles = ["../own/tasks"]\n')
    expected = {own / "labels,1.csv", own / "tasks"}
    assert set(local_places(f"points:{declaration}")) == {declaration, *expected}
    assert set(local_places(f"sequences:{declaration.parent}")) == {declaration.parent, *expected}
    declaration.write_text("table = [")
    assert local_places(f"points:{declaration}") == [declaration]


def test_what_is_seen_is_the_own_folder_and_what_is_installed(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import numpy as np

    assert where_seen(own / "tasks", [own]) == own
    assert where_seen(tmp_path / "results", [own]) is None
    package = Path(np.__file__).resolve().parent
    assert where_seen(package / "results", []) in installed_places()
    # What is hidden in there is not seen.
    monkeypatch.setenv("GENOMARK_CACHE", str(package / "lib"))
    assert where_seen(package / "lib" / "results", []) is None


@pytest.mark.usefixtures("sandbox")
def test_labels_in_the_folder_of_a_model_are_refused_before_anything_runs(
    own: Path, tmp_path: Path
) -> None:
    labels = own / "labels,1.csv"
    models = (f"isolated:py:{own}/model.py:f",)
    prepared = Order(models=models, benchmarks=(f"points:{labels}",)).prepared()
    with pytest.raises(UsageError) as caught:
        prepared.keep_apart(tmp_path / "results")
    assert f"would see the labels of 'points:{labels}'" in str(caught.value)
    assert "\n" not in str(caught.value)
    # The same where the code is nobody's else.
    plain = Order(models=(f"py:{own}/model.py:f",), benchmarks=(f"points:{labels}",)).prepared()
    plain.keep_apart(tmp_path / "results")
    elsewhere = tmp_path / "labels.csv"
    labels.rename(elsewhere)
    apart = Order(models=models, benchmarks=(f"points:{elsewhere}",)).prepared()
    apart.keep_apart(tmp_path / "results")
    with pytest.raises(UsageError, match="would see the results"):
        apart.keep_apart(Path("/usr/share/results"))
    for _, model in (*prepared.models, *apart.models):
        model.close()  # type: ignore[attr-defined]
