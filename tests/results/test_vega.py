from __future__ import annotations

import sys
from xml.etree import ElementTree

import pytest
from kept_runs import EVIL

from genomark.errors import UsageError
from genomark.results.vega import chart

SVG = "{http://www.w3.org/2000/svg}"


def spec(name="a model", **data):
    return {
        "data": data or {"values": [{"x": 1.23456789, "y": 2.0, "m": name}, {"x": 3, "y": 1}]},
        "width": 100,
        "height": 100,
        "title": name,
        "mark": "point",
        "encoding": {
            "x": {"field": "x", "type": "quantitative"},
            "y": {"field": "y", "type": "quantitative"},
        },
    }


def test_the_same_specification_gives_the_same_bytes():
    assert chart(spec(), "two points") == chart(spec(), "two points")


def test_it_is_an_image_with_a_label_and_two_points():
    root = ElementTree.fromstring(chart(spec(), "two \\1 points"))
    assert root.tag == f"{SVG}svg"
    assert (root.get("role"), root.get("aria-label")) == ("img", "two \\1 points")
    (marks,) = (each for each in root.iter(f"{SVG}g") if "mark-symbol" in each.get("class", ""))
    # x runs from 0 to 3 over 100 pixels.
    places = [each.get("transform") for each in marks]
    assert places == ["translate(41.15,0)", "translate(100,50)"]


def test_ink_is_that_of_the_page_and_nothing_has_an_id():
    svg = chart(spec(), "label")
    root = ElementTree.fromstring(svg)
    texts = list(root.iter(f"{SVG}text"))
    assert texts
    assert {each.get("fill") for each in texts} == {"currentColor"}
    assert not [each for each in root.iter() if each.get("id")]
    assert "url(" not in svg


def test_text_of_strangers_is_escaped():
    evil = EVIL.replace("\x1b", "")
    svg = chart(spec(evil), evil)
    assert "<script" not in svg
    assert any(each.text == evil for each in ElementTree.fromstring(svg).iter(f"{SVG}text"))


def test_an_address_of_data_is_refused():
    with pytest.raises(ValueError, match="External data url not allowed"):
        chart(spec(url="http://127.0.0.1:9/x.csv"), "label")


def test_without_vl_convert_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(UsageError, match=r"pip install 'genomark\[report\]'"):
        chart(spec(), "label")
