"""Drawings of structures, read back as the SVG they are."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import RNA

from genomark.errors import UsageError
from genomark.rna.drawing import draw, loop_kinds
from genomark.rna.structure import pair_set, partners

SVG = "{http://www.w3.org/2000/svg}"
TRNA = "GCGGAUUUAGCUCAGUUGGGAGAGCGCCAGACUGAAGAUCUGGAGGUCCUGUGUUCGAUCCACAGAAUUCGCACCA"
CLOVERLEAF = "(((((((..((((........)))).(((((.......))))).....(((((.......))))))))))))...."
KNOT = ("GGCGCAGUGGGCUAGCGCCACUCAAAAGGCCCAU", "((((((.[[[[[[)))))).......]]]]]]..")


def read(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def circles(root: ElementTree.Element) -> np.ndarray:
    found = root.iter(f"{SVG}circle")
    return np.array([[float(each.get(axis) or 0) for axis in ("cx", "cy")] for each in found])


def letters(root: ElementTree.Element) -> str:
    return "".join(text.text or "" for group in root.iter(f"{SVG}g") for text in group[2:])


def texts(root: ElementTree.Element) -> list[str]:
    return [each.text or "" for each in root.findall(f"{SVG}text")]


def test_every_base_pair_and_tenth_number_is_there() -> None:
    root = read(draw(TRNA, CLOVERLEAF, name="tRNA-Phe", energy=-22.4))
    assert letters(root) == TRNA
    assert [
        (round(float(line.get("x1") or 0), 1), round(float(line.get("x2") or 0), 1))
        for line in root.iter(f"{SVG}line")
    ] == [
        (circles(root)[i, 0], circles(root)[j, 0])
        for i, j in sorted(pair_set(partners(CLOVERLEAF)))
    ]
    said = texts(root)
    assert said[0] == "tRNA-Phe · 76 nt · -22.40 kcal/mol"
    assert said[1:] == ["10", "20", "30", "40", "50", "60", "70", "5′", "3′"]
    title = root.find(f"{SVG}title")
    assert root[0] is title
    assert title is not None
    assert title.text == said[0]
    assert root.get("role") == "img"


@pytest.mark.parametrize("seed", range(4))
def test_no_lines_cross_and_all_is_inside(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sequence = "".join(rng.choice(list("ACGU"), 60 + 80 * seed))
    structure = RNA.fold(sequence)[0]
    root = read(draw(sequence, structure))
    places = circles(root)
    x, y, width, height = (float(each) for each in (root.get("viewBox") or "").split())
    assert (places > (x, y)).all()
    assert (places < (x + width, y + height)).all()
    near = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    assert near[~np.eye(len(places), dtype=bool)].min() > 9.5
    lines = [(i, i + 1) for i in range(len(places) - 1)] + sorted(pair_set(partners(structure)))
    for (a, b), (c, d) in combinations(lines, 2):
        if len({a, b, c, d}) == 4:
            assert not crosses(places[a], places[b], places[c], places[d])


def crosses(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> bool:
    def side(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> float:
        return float((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]))

    # Coordinates are rounded to a tenth, so that points on a line may lie a little beside it.
    return side(a, b, c) * side(a, b, d) < -1.0 and side(c, d, a) * side(c, d, b) < -1.0


def test_crossing_pairs_are_arcs_between_their_bases() -> None:
    root = read(draw(*KNOT))
    places = circles(root)
    crossing = sorted(pair_set(partners(KNOT[1].replace("(", ".").replace(")", "."))))
    assert len(crossing) == 6
    arcs = [
        [float(each) for each in re.findall(r"-?[\d.]+", path.get("d") or "")]
        for path in root.iter(f"{SVG}path")
    ]
    for (i, j), arc in zip(crossing, arcs, strict=True):
        assert arc[:2] == list(places[i])
        assert arc[4:] == list(places[j])
    assert len(list(root.iter(f"{SVG}line"))) == 6


def test_probabilities_colour_the_bases_and_are_explained() -> None:
    agreement = [1.0, 0.5, 0.0, *[0.25] * 13]
    sequence, structure = "CCGCCGAAAAAGGCGG", "(((((......)))))"
    root = read(draw(sequence, structure, agreement=agreement))
    colours = [circle.get("fill") for circle in root.iter(f"{SVG}circle")]
    assert colours[:3] == ["#56b4e9", "#f5f0dc", "#e69f00"]
    assert len(set(colours)) == 4
    assert "probability of the pair, or of being unpaired: 0 to 1" in texts(root)
    titles = [each.text for each in root.iter(f"{SVG}title")]
    assert titles[1:4] == ["C 1, 1.00", "C 2, 0.50", "G 3, 0.00"]
    plain = read(draw(sequence, structure))
    assert len({circle.get("fill") for circle in plain.iter(f"{SVG}circle")}) == 3


def test_names_of_strangers_stay_text() -> None:
    svg = draw("GGGAAACCC", "(((...)))", name='<script>alert("x")</script>\x00&\u202e')
    assert texts(read(svg))[0] == '<script>alert("x")</script> & · 9 nt'
    assert "<script" not in svg


def test_the_same_input_gives_the_same_bytes_and_no_setting_is_left_behind() -> None:
    before = RNA.cvar.rna_plot_type
    first = draw(TRNA, CLOVERLEAF)
    RNA.fold(TRNA)
    assert draw(TRNA, CLOVERLEAF) == first
    assert RNA.cvar.rna_plot_type == before


def test_text_and_lines_stand_out_from_white_and_from_black() -> None:
    svg = draw(TRNA, CLOVERLEAF, name="x", energy=-1.0)
    for colour in set(re.findall(r'<text[^>]*fill="(#\w+)"', svg)) - {"#000000"}:
        parts = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        luminance = float(linear @ (0.2126, 0.7152, 0.0722))
        # WCAG 2.2 asks for 4.5 between text and its ground.
        assert 1.05 / (luminance + 0.05) >= 4.5
        assert (luminance + 0.05) / 0.05 >= 4.5


@pytest.mark.parametrize("length", [1, 2, 9, 30])
def test_unpaired_and_tiny_sequences_are_drawn(length: int) -> None:
    root = read(draw("A" * length, "." * length))
    assert len(circles(root)) == length
    assert texts(root)[-2:] == ["5′", "3′"]


def test_a_long_one_shows_itself_small_with_hundreds_that_read() -> None:
    rng = np.random.default_rng(7)
    sequence = "".join(rng.choice(list("ACGU"), 1000))
    root = read(draw(sequence, RNA.fold(sequence)[0]))
    shown = max(float(root.get(side) or 0) for side in ("width", "height"))
    assert shown <= 1600
    _, _, width, height = (float(each) for each in (root.get("viewBox") or "").split())
    scale = shown / max(width, height)
    hundreds = [text for text in root.findall(f"{SVG}text") if (text.text or "").endswith("00")]
    assert [text.text for text in hundreds] == [str(n) for n in range(100, 1001, 100)]
    assert all(float(text.get("font-size") or 0) * scale > 9 for text in hundreds)


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(UsageError, match="no bases to draw"):
        draw("", "")
    with pytest.raises(UsageError, match="3 symbols of structure for 2 bases"):
        draw("GG", "...")
    with pytest.raises(UsageError, match="1 probabilities for 2 bases"):
        draw("GG", "..", agreement=[1.0])
    with pytest.raises(UsageError, match="is never closed"):
        draw("GG", "(.")


def test_a_real_structure_of_400_bases_is_drawn(real_data) -> None:
    path: Path = real_data("eterna100", "eterna100_vienna2.txt")
    rows = [line.split("\t") for line in path.read_text().splitlines()[1:]]
    structure, sequence = next(row[4:6] for row in rows if row[0] == "97")
    assert letters(read(draw(sequence, structure))) == sequence


def test_loops_are_told_apart() -> None:
    #                     hairpin in a bulge in a multiloop, and what crosses
    structure = "..(((.((....)).(((.((...)).)))..)))[.(((...]))).."
    kinds = loop_kinds(structure)
    letters_of = {"stem": "s", "crossing": "x"}
    told = "".join(letters_of.get(kind, kind[0]) for kind in kinds)
    assert told == "eesssmsshhhhssmsssisshhhssisssmmsssxessshhhxsssee"
