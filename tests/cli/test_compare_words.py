"""What ``genomark compare`` says in words of a pair, whatever is known of it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from rich.console import Console

from genomark.cli.compare import _print, _rests_on
from genomark.results.model_comparison import (
    Differing,
    ModelComparison,
    PairOnBenchmark,
    PairOverBenchmarks,
)

PAIR = PairOnBenchmark(
    benchmark="b",
    version="1",
    digest="0" * 32,
    metric="pearson",
    better="higher",
    model_a="kmer",
    model_b="gc",
    value_a=0.142,
    value_b=0.1,
    difference=0.042,
    interval=(0.02, 0.061),
    superiority=0.99,
    n=1234,
    tied=False,
    how="items",
)
OVER = PairOverBenchmarks("kmer", "gc", 8, 6, 1, 0.8125, 0.0391, 0.0782, False)


def said(*pairs, over=(), items=(), width=200):
    out = Console(width=width, record=True, file=None, quiet=False, force_terminal=False)
    with out.capture() as captured:
        _print(out, ModelComparison(list(pairs), list(over), list(items)))
    return captured.get()


def test_the_better_one_is_named_with_difference_share_and_items():
    told = (
        "kmer is better than gc: difference 0.042 [0.020, 0.061], ahead in 99.0 % of replicates, "
        "on 1,234 shared items"
    )
    assert told in said(PAIR)
    turned = replace(
        PAIR,
        model_a="gc",
        model_b="kmer",
        difference=-0.042,
        interval=(-0.061, -0.02),
        superiority=0.01,
    )
    assert told in said(turned)


def test_where_less_is_better_the_lower_one_wins():
    pair = replace(PAIR, metric="mse", better="lower", superiority=0.01)
    told = "gc is better than kmer: difference -0.042 [-0.061, -0.020], ahead in 99.0 %"
    assert told in said(pair)
    assert "b  mse, lower is better" in said(pair)


def test_tied_is_said_in_the_order_that_was_asked():
    pair = replace(PAIR, tied=True, difference=-0.01, interval=(-0.03, 0.01), superiority=0.2)
    told = "kmer and gc are tied: difference -0.010 [-0.030, 0.010], ahead in 20.0 % of replicates"
    assert told in said(pair)


def test_without_an_interval_there_is_no_verdict():
    pair = replace(PAIR, interval=None, superiority=None, n=0, tied=None, how="none")
    told = "kmer and gc: difference 0.042; without an interval there is no verdict"
    assert told in said(pair)
    why = "there is nothing to compare on but the two values"
    assert said(replace(pair, note=why)).count(why) == 1


def test_what_is_undefined_is_told_with_its_reason():
    pair = replace(PAIR, difference=None, note="pearson is undefined: constant prediction")
    assert "kmer and gc: pearson is undefined: constant prediction" in said(pair)
    assert said(replace(pair, how="none")).count("constant prediction") == 1


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("items", ""),
        ("none", ""),
        ("document", "paired differences as the document holds them"),
        ("same", "both gave the same answers: one digest of predictions"),
        ("independent", "of two scores taken for independent, mostly wider than of paired items"),
    ],
)
def test_what_an_interval_rests_on_is_said_once(how, told):
    pair = replace(PAIR, how=how)
    assert _rests_on(pair) == told
    assert not told or said(pair, replace(pair, model_b="cpg")).count(told) == 1
    assert _rests_on(replace(PAIR, how="independent", note="why")).endswith("items: why")


def test_over_benchmarks_counts_are_those_of_the_first():
    text = said(PAIR, replace(PAIR, benchmark="c"), over=[OVER])
    assert "over 2 benchmarks  Wilcoxon's test, adjusted by Holm for 1 pair\n" in text
    assert (
        "kmer against gc: better on 6, worse on 1 of 8 (win rate 81 %); p 0.039, adjusted 0.078: "
        "not told apart"
    ) in text
    assert "adjusted by Holm for 2 pairs" in said(PAIR, over=[OVER, OVER])
    assert said(PAIR, over=[replace(OVER, apart=True)]).rstrip().endswith(": told apart")


def test_items_stand_below_their_benchmark_and_pair():
    item = Differing("b", "kmer", "gc", "seq1", "k562", None, 0.5, -1.25, 3.14159)
    other = replace(item, model_b="cpg", item="seq2")
    text = said(PAIR, items=[item, other])
    (line,) = (line for line in text.splitlines() if "seq" in line)
    assert line.split() == ["seq1", "k562", "0.500", "-1.250", "3.1"]


def test_long_sentences_go_on_further_in_and_markup_is_text():
    text = said(replace(PAIR, model_a="[red]x[/]" + "y" * 40), width=80)
    lines = text.splitlines()
    assert "[red]x[/]" in text
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("    ") for line in lines)
    assert "\x1b" not in said(replace(PAIR, model_a="\x1b[31mx"))
