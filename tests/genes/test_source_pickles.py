"""Lists out of pickles that are never unpickled."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomark.errors import UsageError
from genomark.genes.sources.pickles import read_lists

HERE = Path("genes.pickle")
GENES = {"long_range": ["ENSG00000141510", "ENSG00000012048"], "short_range": ["ENSG00000139618"]}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol_is_read(protocol):
    assert read_lists(HERE, pickle.dumps(GENES, protocol)) == GENES


def test_the_order_of_the_pickle_is_kept():
    turned = dict(reversed(GENES.items()))
    assert list(read_lists(HERE, pickle.dumps(turned))) == ["short_range", "long_range"]


def test_tuples_become_lists_and_sets_sorted_ones():
    held = {"a": ("x", "y", "z", "w"), "b": {"q", "p"}, "c": (), "d": ("x",), "e": ("x", "y")}
    assert read_lists(HERE, pickle.dumps(held, 4)) == {
        "a": ["x", "y", "z", "w"],
        "b": ["p", "q"],
        "c": [],
        "d": ["x"],
        "e": ["x", "y"],
    }


def test_strings_that_are_shared_are_read_each_time():
    gene = "ENSG00000141510"
    shared = [gene, gene]
    for protocol in range(6):
        assert read_lists(HERE, pickle.dumps({"a": shared, "b": shared}, protocol)) == {
            "a": [gene, gene],
            "b": [gene, gene],
        }


def test_long_lists_come_in_batches_and_are_read_whole():
    many = [f"ENSG{number:011d}" for number in range(2_500)]
    assert read_lists(HERE, pickle.dumps({"a": many, "b": []})) == {"a": many, "b": []}


def test_strings_of_python_2_are_read():
    assert read_lists(HERE, b"(dS'a'\n(lS'ENSG1'\nas.") == {"a": ["ENSG1"]}


class Harmful:
    def __init__(self, touched):
        self.touched = touched

    def __reduce__(self):
        return (Path.touch, (self.touched,))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_calls_something_is_refused_and_nothing_is_called(tmp_path, protocol):
    touched = tmp_path / "touched"
    harmful = pickle.dumps({"a": [Harmful(touched)]}, protocol)
    with pytest.raises(UsageError, match=r"instruction (GLOBAL|STACK_GLOBAL)"):
        read_lists(HERE, harmful)
    assert not touched.exists()


@pytest.mark.parametrize(
    ("held", "instruction"),
    [
        ({"a": [1]}, "BININT1"),
        ({"a": [2.5]}, "BINFLOAT"),
        ({"a": None}, "NONE"),
        ({"a": [True]}, "NEWTRUE"),
        ({"a": [b"ENSG1"]}, "SHORT_BINBYTES"),
        ({"a": np.array(["ENSG1"])}, "STACK_GLOBAL"),
        ({"a": frozenset({"ENSG1"})}, "FROZENSET"),
    ],
)
def test_anything_but_lists_of_strings_is_refused_by_name(held, instruction):
    with pytest.raises(UsageError) as caught:
        read_lists(HERE, pickle.dumps(held, 4))
    assert str(caught.value) == (
        f"genes.pickle: the pickle holds the instruction {instruction}, which lists of strings "
        "have no need of; it is not read any further"
    )


@pytest.mark.parametrize(
    ("held", "says"),
    [
        (["ENSG1"], "no dictionary of lists"),
        ({}, "no dictionary of lists"),
        ({"a": "ENSG1"}, "expected lists of gene ids by label"),
        ({"a": [["ENSG1"]]}, "expected lists of gene ids by label"),
        ({("a", "b"): ["ENSG1"]}, "expected lists of gene ids by label"),
    ],
)
def test_another_shape_is_refused(held, says):
    with pytest.raises(UsageError, match=says):
        read_lists(HERE, pickle.dumps(held))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"\x80\x04.",
        b"a.",
        b"]].",
        b"\x80\x04}\x94h\x05.",
        b"(t(.",
        b"}(]u.",
        b"\xff",
    ],
)
def test_what_is_no_pickle_is_one_line(content):
    with pytest.raises(UsageError) as caught:
        read_lists(HERE, content)
    assert str(caught.value).startswith("genes.pickle: ")
    assert "\n" not in str(caught.value)


def test_a_pickle_cut_short_anywhere_is_refused():
    whole = pickle.dumps(GENES, 4)
    for length in range(len(whole)):
        with pytest.raises(UsageError):
            read_lists(HERE, whole[:length])


@given(
    st.dictionaries(st.text(), st.lists(st.text(), max_size=5), min_size=1, max_size=5),
    st.integers(0, 5),
)
def test_what_pickle_reads_is_what_is_read_here(held, protocol):
    content = pickle.dumps(held, protocol)
    assert read_lists(HERE, content) == pickle.loads(content) == held  # noqa: S301 - our own


@given(st.binary(max_size=60))
def test_no_bytes_do_anything_but_be_read_or_refused(content):
    try:
        read_lists(HERE, content)
    except UsageError:
        return
