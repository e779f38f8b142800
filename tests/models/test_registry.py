"""From a spec string to a model, and what is said of one that is not well formed."""

from __future__ import annotations

from typing import Literal

import pytest

from genomark.errors import ModelError, PredictionFileError, UnknownNameError, UsageError
from genomark.models import BASELINES, FORMS, load_model, model_entry_points, registry
from genomark.models.kmer import Kmer
from genomark.models.remote import RemotePredictor
from genomark.plug_ins import PlugIn
from genomark.scoring import ModelIdentity

HERE = __name__


class Plugin:
    """What a stranger's package offers."""

    def __init__(
        self,
        cells: int,
        rate: float = 0.5,
        kind: Literal["fast", "slow"] = "fast",
        deep: bool = False,
        note: str = "",
    ) -> None:
        self.got = (cells, rate, kind, deep, note)
        self.info = ModelIdentity(id="plugin", version="1", digest="d")


def untyped(first, second="x"):  # type: ignore[no-untyped-def]
    model = Plugin(1)
    model.got = (first, second)  # type: ignore[assignment]
    return model


def failing() -> Plugin:
    raise RuntimeError("no licence found")


def unannotatable(k: NotAType) -> Plugin:  # type: ignore[name-defined]  # noqa: F821
    return Plugin(k)


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five more models beside those shipped, some of them broken."""
    offered = {
        "plugin": f"{HERE}:Plugin",
        "untyped": f"{HERE}:untyped",
        "failing": f"{HERE}:failing",
        "unannotatable": f"{HERE}:unannotatable",
        "absent": "a_package_not_there.models:Model",
        "gone": f"{HERE}:NoSuchThing",
    }
    extra = [PlugIn(name, value, registry.GROUP) for name, value in offered.items()]
    shipped = registry.model_plug_ins()
    monkeypatch.setattr(registry, "model_plug_ins", lambda: [*shipped, *extra])


def test_what_is_shipped_is_known_by_name() -> None:
    assert {"gc", "cpg", "kmer", "motif", "control"} <= set(model_entry_points())


def test_every_baseline_can_be_made() -> None:
    assert [load_model(spec).info.id for spec in BASELINES] == [
        "gc", "cpg", "kmer:k=5", "motif", "control:random",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "k", "strands"),
    [
        ("kmer", 5, "merged"),
        ("kmer:", 5, "merged"),
        ("kmer:k=6", 6, "merged"),
        ("kmer:6", 6, "merged"),
        ("kmer:6,single", 6, "single"),
        ("kmer:6,strands=single", 6, "single"),
        ("kmer:strands=single,k=3", 3, "single"),
        ("kmer:k=3,", 3, "merged"),
    ],
)
def test_settings_are_given_by_name_or_in_order(spec: str, k: int, strands: str) -> None:
    model = load_model(spec)
    assert isinstance(model, Kmer)
    assert (model.k, model.strands) == (k, strands)


def test_settings_become_what_the_model_takes(plugins: None) -> None:
    model = load_model("plugin:cells=7,rate=1e-3,kind=slow,deep=true,note=a=b:c")
    assert model.got == (7, 0.001, "slow", True, "a=b:c")
    assert load_model("plugin:3").got == (3, 0.5, "fast", False, "")
    assert load_model("untyped:3,second=4").got == ("3", "4")


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("kmer:bogus=1", r"unknown setting 'bogus'\. It takes: k=, strands=, C=, alpha=\."),
        ("gc:k=1", r"unknown setting 'k'\. It takes: none\."),
        ("kmer:5,single,3,1,7", "'7' is one setting too many"),
        ("gc:5", "'5' is one setting too many"),
        ("kmer:k=five", "setting k=five: Expected `int`"),
        ("kmer:k=", "setting k=: Expected `int`"),
        ("kmer:k=5.5", r"setting k=5\.5: Expected `int`"),
        ("kmer:strands=both", "setting strands=both: expected merged or single"),
        ("kmer:k=5,k=6", "setting 'k' is given twice"),
        ("kmer:5,k=6", "setting 'k' is given twice"),
        ("kmer:k=6,5", "setting 'k' is given twice"),
        ("kmer:k=0", "k must be from 1 to 8, not 0"),
        ("control", "needs a kind: write control:random or control:oracle"),
        ("control:zero", "setting kind=zero: expected random or oracle"),
        ("plugin", "needs a cells: write plugin:VALUE"),
        ("plugin:rate=2", "needs a cells: write plugin:VALUE"),
        ("plugin:cells=1,deep=perhaps", "setting deep=perhaps: Expected `bool`"),
    ],
)
def test_a_spec_that_is_not_well_formed_is_told_in_one_line(
    plugins: None, spec: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        load_model(spec)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("typed", "meant"), [("kmr", "kmer"), ("KMER", "kmer"), ("cgp", "cpg")])
def test_an_unknown_name_suggests_the_nearest(typed: str, meant: str) -> None:
    with pytest.raises(UnknownNameError, match=f"No model named '{typed}'.*'{meant}'"):
        load_model(typed)


def test_a_name_like_no_other_gets_the_list_and_the_other_forms() -> None:
    with pytest.raises(UnknownNameError) as caught:
        load_model("zzzzzzzzzz")
    for name in ("gc", "motif", *FORMS):
        assert name in str(caught.value)


def test_an_empty_spec_is_an_unknown_name() -> None:
    with pytest.raises(UnknownNameError, match="No model named ''"):
        load_model("")


@pytest.mark.parametrize("spec", ["http://127.0.0.1:9", "https://example.org/predictor"])
def test_a_url_is_a_remote_predictor_and_is_not_asked_yet(spec: str) -> None:
    assert isinstance(load_model(spec), RemotePredictor)


def test_a_file_is_a_file_of_predictions() -> None:
    with pytest.raises(PredictionFileError, match=r"nowhere\.csv: no such file"):
        load_model("file:nowhere.csv")


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("absent", "a_package_not_there"),
        ("gone", "NoSuchThing"),
        ("failing", "no licence found"),
        ("unannotatable:3", "NotAType"),
    ],
)
def test_a_broken_plug_in_is_told_and_hurts_nobody_else(
    plugins: None, spec: str, said: str
) -> None:
    with pytest.raises(ModelError, match=said) as caught:
        load_model(spec)
    assert f"'{spec.partition(':')[0]}" in str(caught.value)
    assert load_model("gc").info.id == "gc"
    assert spec.partition(":")[0] in model_entry_points()


def test_looking_at_names_loads_no_plug_in(plugins: None) -> None:
    assert {"absent", "gone"} <= set(model_entry_points())
    with pytest.raises(UnknownNameError, match="Did you mean 'absent'"):
        load_model("absnt")
