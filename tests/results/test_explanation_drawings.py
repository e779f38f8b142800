"""Drawings of explanations: every number is where it belongs, and the picture is a PNG."""

from __future__ import annotations

import base64
import re
import struct
import zlib
from xml.etree import ElementTree

import numpy as np
import pytest

from genomark.models.explain.mutagenesis import Mutagenesis, mutagenesis
from genomark.results.attention_map import attention_map
from genomark.results.drawing import colour_at
from genomark.results.explanation_page import Shown, explanation_page
from genomark.results.mutagenesis_map import MOST_POSITIONS, mutagenesis_map

SVG = "{http://www.w3.org/2000/svg}"


def count_of(letter: str, weight: float = 1.0):
    return lambda sequences: np.array([weight * each.count(letter) for each in sequences])


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def titles(svg: str) -> list[str]:
    return [each.text or "" for each in parsed(svg).iter(f"{SVG}title")]


def drawn(found: Mutagenesis, **more) -> str:
    return mutagenesis_map(found, measure="log2 <activity>", label="effects", **more)


def test_each_substitution_is_a_cell_and_each_base_a_letter() -> None:
    svg = drawn(mutagenesis(count_of("C"), "ACNT"))
    assert sorted(titles(svg)) == sorted(
        ["1 A>C: +1", "1 A>G: +0", "1 A>T: +0", "2 C>A: -1", "2 C>G: -1", "2 C>T: -1"]
        + ["4 T>A: +0", "4 T>C: +1", "4 T>G: +0"]
        + [f"{where}: importance {value}" for where, value in
           [("1 A", "-0.3333"), ("2 C", "+1"), ("4 T", "-0.3333")]]
    )  # fmt: skip
    dots = parsed(svg).findall(f"{SVG}circle")
    assert len(dots) == 3
    assert "change in log2 &lt;activity&gt;" in svg


def test_colours_tell_up_from_down() -> None:
    svg = drawn(mutagenesis(count_of("C"), "AC"))
    colour = {
        group.findtext(f"{SVG}title"): group.find(f"{SVG}rect").get("fill")
        for group in parsed(svg).iter(f"{SVG}g")
        if group.find(f"{SVG}rect") is not None
    }
    assert colour["1 A>C: +1"] == "#d55e00"
    assert colour["2 C>A: -1"] == "#0072b2"
    assert colour["1 A>G: +0"] == "#f7f7f7"


def heights(svg: str) -> dict[str, tuple[float, float]]:
    """Upper end and height of each letter, by its title's number and letter."""
    found = {}
    for group in parsed(svg).iter(f"{SVG}g"):
        path = group.find(f"{SVG}path")
        if path is not None:
            numbers = re.findall(r"[-\d.]+", path.get("transform", ""))
            name = str(group.findtext(f"{SVG}title")).split(":")[0]
            found[name] = (float(numbers[1]), float(numbers[3]))
    return found


def test_letters_are_as_tall_as_bases_are_important() -> None:
    # C adds one: importance 1, and of what is no C a third, downwards.
    found = heights(drawn(mutagenesis(count_of("C"), "CA")))
    top, height = found["1 C"]
    below, depth = found["2 A"]
    assert height == pytest.approx(3 * depth, abs=0.02)
    assert below == pytest.approx(top + height, abs=0.02)
    assert height + depth == pytest.approx(64, abs=0.02)


def test_only_positions_asked_for_are_drawn_and_long_ones_go_on_below() -> None:
    svg = drawn(mutagenesis(count_of("C"), "A" * 300, positions=range(40, 290)))
    cells = [title for title in titles(svg) if ">" in title]
    assert len(cells) == 3 * 250
    assert cells[0].startswith("41 A>C")
    root = parsed(svg)
    names = [each.text for each in root.findall(f"{SVG}text") if each.text in list("ACGT")]
    assert names == list("ACGT") * 3
    assert float(root.get("width", 0)) < 1300


def test_rna_has_u_and_a_sequence_without_effects_is_drawn_too() -> None:
    svg = drawn(mutagenesis(count_of("X"), "UN"))
    assert "1 U>A: +0" in titles(svg)
    assert ">U</text>" in svg
    assert len(titles(drawn(mutagenesis(count_of("X"), "NN")))) == 0


def test_one_of_several_outputs() -> None:
    both = mutagenesis(
        lambda texts: np.stack([count_of("C")(texts), count_of("G", -2)(texts)], axis=1), "A"
    )
    assert "1 A>G: -2" in titles(drawn(both, output=1))
    assert "1 A>C: +1" in titles(drawn(both, output=0))


def test_no_more_than_a_page_can_show() -> None:
    found = mutagenesis(count_of("C"), "A" * (MOST_POSITIONS + 5))
    assert len(titles(drawn(found))) == 4 * MOST_POSITIONS


def pixels(svg: str) -> np.ndarray:
    """Read the picture, chunk by chunk: uint8[height, width, 3]."""
    (image,) = parsed(svg).findall(f"{SVG}image")
    raw = base64.b64decode(image.get("href", "").partition("base64,")[2])
    assert raw[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, {}
    while at < len(raw):
        (length,) = struct.unpack(">I", raw[at : at + 4])
        name, content = raw[at + 4 : at + 8], raw[at + 8 : at + 8 + length]
        assert struct.unpack(">I", raw[at + 8 + length : at + 12 + length]) == (
            zlib.crc32(name + content),
        )
        chunks[name] = content
        at += 12 + length
    assert list(chunks) == [b"IHDR", b"PLTE", b"IDAT", b"IEND"]
    width, height, depth, kind = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (depth, kind) == (8, 3)
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, width + 1)
    assert not rows[:, 0].any()
    table = np.frombuffer(chunks[b"PLTE"], np.uint8).reshape(-1, 3)
    return table[rows[:, 1:]]


def test_a_pixel_a_pair_of_bases() -> None:
    weights = np.array([[0.0, 0.4, 0.1], [0.0, 0.0, 0.4], [0.1, 0.0, 0.0]], np.float32)
    svg = attention_map(weights, label="attention")
    found = pixels(svg)
    assert found.shape == (3, 3, 3)

    def colour(share: float) -> list[int]:
        return list(bytes.fromhex(colour_at(share)[1:]))

    assert found[0, 1].tolist() == found[1, 2].tolist() == colour(1.0)
    assert found[0, 0].tolist() == colour(0.0)
    # A quarter of the largest is half way up a scale of square roots.
    np.testing.assert_allclose(found[0, 2], colour(0.5), atol=2)
    assert ">0.1</text>" in svg
    assert ">0.4</text>" in svg


@pytest.mark.parametrize("length", [1, 2, 700])
def test_any_length(length) -> None:
    svg = attention_map(np.zeros((length, length), np.float32), label="attention")
    assert pixels(svg).shape == (length, length, 3)
    assert len(svg) < 100_000


def test_what_strangers_say_is_escaped_on_the_page() -> None:
    bad = "<script>alert(1)</script>'\"\x1b"
    shown = Shown(bad, bad, [(bad, "sequence-0001.svg")], ["sequence-0001.tsv"])
    page = explanation_page(bad, [bad], [shown])
    assert "<script" not in page
    assert "\x1b" not in page
    assert page.count("&lt;script&gt;") == 7
    assert "src='sequence-0001.svg'" in page
    assert "http" not in page
