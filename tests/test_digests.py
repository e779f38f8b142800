"""Content addresses against hashlib and json."""

from __future__ import annotations

import hashlib
import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomark.digests import digest_of, digest_of_bytes, digest_of_file

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)


def framed(parts: list[bytes]) -> str:
    """Each part after its length in eight bytes, little end first."""
    joined = b"".join(len(part).to_bytes(8, "little") + part for part in parts)
    return hashlib.sha256(joined).hexdigest()[:32]


def reordered(value: Any) -> Any:
    """The same value, its keys the other way round."""
    if isinstance(value, dict):
        return {key: reordered(each) for key, each in reversed(value.items())}
    if isinstance(value, list):
        return [reordered(each) for each in value]
    return value


@given(st.lists(st.binary(max_size=20), max_size=6))
def test_bytes_are_hashed_with_their_lengths(parts: list[bytes]) -> None:
    assert digest_of_bytes(parts) == framed(parts)
    assert digest_of_bytes(iter(parts)) == framed(parts)
    assert digest_of_bytes([memoryview(part) for part in parts]) == framed(parts)


@given(st.lists(st.binary(max_size=4), max_size=5), st.lists(st.binary(max_size=4), max_size=5))
def test_where_one_part_ends_matters(one: list[bytes], other: list[bytes]) -> None:
    assert (digest_of_bytes(one) == digest_of_bytes(other)) is (one == other)


@given(json_values)
def test_the_order_of_keys_does_not_matter(value: Any) -> None:
    assert digest_of(value) == digest_of(reordered(value))
    assert digest_of(value) == digest_of(json.loads(json.dumps(value)))


@given(json_values, json_values)
def test_other_values_have_other_digests(one: Any, other: Any) -> None:
    # JSON tells true from 1, which Python's == does not.
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (digest_of(one) == digest_of(other)) is same


def test_a_digest_is_that_of_compact_sorted_json() -> None:
    value = {"b": [1, 2.5, None, True], "a": {"ö": "x"}}
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert digest_of(value) == framed([text.encode()])


def test_known_digests_stay_what_they_are() -> None:
    # Folders of results are full of these: a change would make all of them stale.
    assert digest_of(["kmer", "1", {"k": 5}]) == framed([b'["kmer","1",{"k":5}]'])
    assert digest_of_bytes([]) == hashlib.sha256(b"").hexdigest()[:32]
    assert len(digest_of(None)) == 32


def test_a_struct_is_the_object_of_its_fields_and_a_tuple_a_list() -> None:
    class Point(msgspec.Struct):
        y: int
        x: int

    assert digest_of(Point(y=1, x=2)) == framed([b'{"y":1,"x":2}'])
    assert digest_of((1, 2)) == digest_of([1, 2])


def test_numbers_keep_their_last_bit() -> None:
    assert digest_of(0.1) != digest_of(float(np.nextafter(0.1, 1)))
    assert digest_of(1) != digest_of(1.0)
    assert digest_of(-0.0) != digest_of(0.0)
    assert digest_of(math.pi) == digest_of(float(repr(math.pi)))


def test_what_json_does_not_know_is_refused() -> None:
    with pytest.raises(TypeError):
        digest_of(object())


def test_every_process_gives_the_same_digest() -> None:
    code = (
        "import sys; from genomark.digests import digest_of; "
        "sys.stdout.write(digest_of({'b': 1, 'a': {'d': 2, 'c': [3]}}))"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2")
    }
    assert answers == {digest_of({"a": {"c": [3], "d": 2}, "b": 1})}


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20])
def test_a_file_is_hashed_whole_whatever_its_size(tmp_path: Path, size: int) -> None:
    content = np.random.default_rng(size).bytes(size)
    file = tmp_path / "file"
    file.write_bytes(content)
    assert digest_of_file(file) == hashlib.sha256(content).hexdigest()[:32]


def test_a_file_has_its_digest_under_any_name(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_bytes(b"content")
    assert digest_of_file(tmp_path / "one") == digest_of_file(tmp_path / "two")
    (tmp_path / "two").write_bytes(b"Content")
    assert digest_of_file(tmp_path / "one") != digest_of_file(tmp_path / "two")
