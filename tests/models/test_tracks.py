from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomark.models.tracks import (
    MatcherError,
    NoTrackError,
    Selection,
    Track,
    check_task,
    select,
)
from genomark.protocol import PredictionFailedError, PredictionTask

TRACKS = (
    Track("DNASE", ("accessibility",), "K562"),
    Track("ATAC", ("accessibility",), "K562"),
    Track("ATAC", ("accessibility",), "k562"),
    Track("ATAC", ("accessibility",), "HepG2"),
    Track("CAGE", ("expression", "expression_mRNA"), "K562"),
    Track("CHIP_ctcf", ("binding_ctcf",), "K562"),
    Track("CHIP_ctcf", ("binding_ctcf",), "HepG2"),
    Track("CHIP_ep300", ("binding_ep300",), "HepG2"),
    Track("DNASE", ("accessibility",), "liver", species="mus_musculus"),
    Track("DNASE", ("accessibility",), "K562", species="mus_musculus"),
)


def task(kind: str = "accessibility", cell: str = "K562", species: str = "homo_sapiens"):
    return PredictionTask("t", kind, cell, species)


class Stub:
    """A Matcher that knows some answers, and remembers what it was asked."""

    version = "stub"

    def __init__(self, **answers: str | None) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str, tuple[str, ...]]] = []

    def match(self, category: str, term: str, choices: Sequence[str]) -> str | None:
        self.asked.append((category, term, tuple(choices)))
        return self.answers[category]


class Down:
    version = "unknown"

    def match(self, category: str, term: str, choices: Sequence[str]) -> str | None:
        raise MatcherError("no answer")


def test_all_assays_of_a_type_are_pooled_and_case_is_nothing() -> None:
    for cell in ("K562", "k562", "K562".swapcase()):
        found = select(task(cell=cell), TRACKS, None)
        assert found == Selection(
            indices=(0, 1, 2),
            assays=("DNASE", "ATAC"),
            cell_type="K562",
            species="homo_sapiens",
            asked_matcher=False,
        )
        # Two assays, and two tracks of one of them.
        assert found.aggregation == {"tracks": "mean", "replicates": "mean"}


@pytest.mark.parametrize(
    ("assays", "aggregation"),
    [
        (["A"], {}),
        (["A", "B"], {"tracks": "mean"}),
        (["A", "A"], {"replicates": "mean"}),
        (["A", "B", "A"], {"tracks": "mean", "replicates": "mean"}),
    ],
)
def test_what_is_averaged_over(assays: list[str], aggregation: dict[str, str]) -> None:
    tracks = [Track(assay, ("accessibility",), "K562") for assay in assays]
    assert select(task(), tracks, None).aggregation == aggregation


@given(st.lists(st.sampled_from(TRACKS), min_size=1), st.sampled_from(["K562", "hepg2", "LIVER"]))
def test_a_selection_is_what_a_plain_filter_finds(tracks: list[Track], cell: str) -> None:
    expected = [
        number
        for number, track in enumerate(tracks)
        if "accessibility" in track.types
        and track.cell_type.lower() == cell.lower()
        and track.species == "homo_sapiens"
    ]
    try:
        found = select(task(cell=cell), tracks, None)
    except NoTrackError:
        assert expected == []
    else:
        assert list(found.indices) == expected
        assert set(found.assays) == {tracks[number].assay for number in expected}


def test_a_species_has_its_own_tracks() -> None:
    found = select(task(species="Mus_Musculus"), TRACKS, None)
    assert (found.indices, found.species) == ((9,), "mus_musculus")
    with pytest.raises(NoTrackError):
        select(task(cell="liver"), TRACKS, None)


def test_a_track_may_stand_for_several_types() -> None:
    for kind in ("expression", "expression_mRNA"):
        assert select(task(kind), TRACKS, None).indices == (4,)


def test_an_exact_match_asks_nobody() -> None:
    assert not select(task("binding_ctcf"), TRACKS, Down()).asked_matcher


def test_a_cell_type_is_asked_of_the_matcher_among_those_of_the_type() -> None:
    matcher = Stub(cell_type="HepG2")
    found = select(task(cell="human hepatocytes"), TRACKS, matcher)
    assert (found.indices, found.cell_type, found.asked_matcher) == ((3,), "HepG2", True)
    assert matcher.asked == [("cell_type", "human hepatocytes", ("K562", "k562", "HepG2"))]


def test_all_tracks_of_a_matched_term_are_taken() -> None:
    found = select(task(cell="erythroid"), TRACKS, Stub(cell_type="K562"))
    assert found.indices == (0, 1, 2)


def test_a_molecule_is_asked_of_the_matcher_and_then_the_cell_type_if_it_is_open() -> None:
    matcher = Stub(binding_molecule="ep300", cell_type="HepG2")
    found = select(task("binding_p300", "HepG2"), TRACKS, matcher)
    assert (found.indices, found.assays, found.asked_matcher) == ((7,), ("CHIP_ep300",), True)
    assert matcher.asked == [("binding_molecule", "p300", ("ctcf", "ep300"))]
    select(task("binding_p300", "hepatocyte"), TRACKS, matcher)
    assert matcher.asked[1:] == [
        ("binding_molecule", "p300", ("ctcf", "ep300")),
        ("cell_type", "hepatocyte", ("HepG2",)),
    ]


@pytest.mark.parametrize(
    ("kind", "cell", "matcher", "asked"),
    [
        ("accessibility", "qqqq", None, False),
        ("accessibility", "qqqq", Stub(cell_type=None), True),
        ("binding_actin", "K562", None, False),
        ("binding_actin", "K562", Stub(binding_molecule=None), True),
        ("binding_p300", "qqqq", Stub(binding_molecule="ep300", cell_type=None), True),
        ("binding_actin", "K562", Stub(binding_molecule="none of them"), True),
    ],
)
def test_what_is_not_found_is_told_in_the_words_of_the_protocol(
    kind: str, cell: str, matcher: Stub | None, asked: bool
) -> None:
    with pytest.raises(NoTrackError) as caught:
        select(task(kind, cell), TRACKS, matcher)
    assert str(caught.value) == (
        f"Request Error: No requested tracks in the requested type: {kind} and cell type: {cell} "
        "found."
    )
    assert caught.value.asked_matcher == asked


@pytest.mark.parametrize(("kind", "cell"), [("accessibility", "qqqq"), ("binding_p300", "K562")])
def test_a_matcher_that_is_down_is_told_where_only_it_could_tell(kind: str, cell: str) -> None:
    with pytest.raises(MatcherError):
        select(task(kind, cell), TRACKS, Down())


def test_a_species_the_model_does_not_have_is_refused() -> None:
    with pytest.raises(PredictionFailedError) as caught:
        check_task(task(species="danio_rerio"), TRACKS)
    assert str(caught.value) == (
        "This predictor only supports species: ['homo_sapiens', 'mus_musculus']. "
        "Received 'danio_rerio' for task 't'."
    )
    check_task(task(species="HOMO_sapiens"), TRACKS)


def test_a_type_the_model_does_not_have_is_refused() -> None:
    with pytest.raises(PredictionFailedError) as caught:
        check_task(task("conformation_chromatin"), TRACKS)
    assert str(caught.value) == (
        "This predictor does not support type: conformation_chromatin. It offers "
        "['accessibility', 'binding_ctcf', 'binding_ep300', 'expression', 'expression_mRNA']."
    )
    # A molecule may have many names; without any molecule there is nothing to match it with.
    check_task(task("binding_anything"), TRACKS)
    with pytest.raises(PredictionFailedError):
        check_task(task("binding_anything"), TRACKS[:5])
