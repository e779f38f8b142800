"""Vectors kept on disk: by several processes at once, and through damage."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from genomark.models.genes.batch_folder import BatchFolder
from genomark.models.genes.encoders import digest_of_checkpoint
from genomark.models.genes.vector_cache import VectorCache, text_key

KEYS = [text_key(name) for name in ("A", "B", "C")]
VECTORS = np.arange(12, dtype=np.float32).reshape(3, 4)


@pytest.fixture(autouse=True)
def alone(own_cache: Path) -> Path:
    return own_cache


def test_what_one_adds_another_finds() -> None:
    reader, writer = VectorCache("encoder"), VectorCache("encoder")
    assert reader.missing(KEYS) == KEYS
    writer.add(KEYS[:2], VECTORS[:2])
    assert reader.missing([KEYS[2], KEYS[1], KEYS[2]]) == [KEYS[2]]
    assert np.array_equal(reader.vectors([KEYS[1], KEYS[0], KEYS[1]]), VECTORS[[1, 0, 1]])
    assert VectorCache("another").missing(KEYS) == KEYS


def test_keys_are_of_the_text_alone() -> None:
    names = ["A", "a", "A ", "", "ä", "\ud800"]
    assert len({text_key(name) for name in names}) == len(names)
    assert len(text_key("A")) == 16


def test_a_key_of_zeros_is_a_key() -> None:
    keys = [bytes(16), bytes(15) + b"\1", b"\1" + bytes(15)]
    VectorCache("encoder").add(keys, VECTORS)
    found = VectorCache("encoder")
    assert found.missing(keys) == []
    assert np.array_equal(found.vectors(keys), VECTORS)


def test_the_first_vector_of_a_text_stays() -> None:
    first = VectorCache("encoder")
    first.add(KEYS, VECTORS)
    first.add(KEYS[:1], VECTORS[:1] + 1)
    assert np.array_equal(first.vectors(KEYS), VECTORS)


@pytest.mark.parametrize("damage", ["cut", "changed", "longer", "empty"])
def test_a_damaged_file_is_left_out_and_removed(own_cache: Path, damage: str, caplog) -> None:
    VectorCache("encoder").add(KEYS[:2], VECTORS[:2])
    VectorCache("encoder").add(KEYS[2:], VECTORS[2:])
    content = {path: path.read_bytes() for path in own_cache.rglob("*.npy")}
    victim = max(content, key=lambda path: len(content[path]))
    whole = content[victim]
    changed = bytes([whole[-1] ^ 1])
    victim.write_bytes(
        {"cut": whole[:-1], "changed": whole[:-1] + changed, "longer": whole + b"x", "empty": b""}[
            damage
        ]
    )
    found = VectorCache("encoder")
    assert found.missing(KEYS) == KEYS[:2]
    assert np.array_equal(found.vectors(KEYS[2:]), VECTORS[2:])
    assert "damaged" in caplog.text
    assert not victim.exists()
    found.add(KEYS[:2], VECTORS[:2])
    assert VectorCache("encoder").missing(KEYS) == []


def test_files_of_others_are_not_touched(own_cache: Path) -> None:
    folder = BatchFolder("some/where", ".json")
    folder.add(b"{}")
    (folder.path / "notes.txt").write_text("mine")
    (folder.path / "part.tmp").write_text("half a fi")
    assert list(BatchFolder("some/where", ".json").unread()) == [b"{}"]
    assert len(list(folder.path.iterdir())) == 3
    assert folder.path.is_relative_to(own_cache)


def test_a_file_that_cannot_be_read_is_left_out(caplog) -> None:
    folder = BatchFolder("where", ".json")
    folder.add(b"{}")
    (folder.path / "a-folder.json").mkdir()
    assert list(BatchFolder("where", ".json").unread()) == [b"{}"]
    assert "cannot be read" in caplog.text


WRITER = """
import sys
import numpy as np
from genomark.models.genes.vector_cache import VectorCache, text_key
start = int(sys.argv[1])
cache = VectorCache("shared")
for number in range(start, start + 60, 3):
    keys = [text_key(str(each)) for each in range(number, number + 3)]
    missing = cache.missing(keys)
    if missing:
        values = {text_key(str(each)): each for each in range(number, number + 3)}
        cache.add(missing, np.array([[values[key]] * 4 for key in missing], np.float32))
"""


def test_processes_that_write_at_once_lose_nothing(own_cache: Path) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", WRITER, start], env=dict(os.environ))
        for start in ("0", "30")
    ]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    keys = [text_key(str(number)) for number in range(90)]
    found = VectorCache("shared")
    assert found.missing(keys) == []
    assert np.array_equal(found.vectors(keys)[:, 0], np.arange(90))


def test_a_checkpoint_is_named_by_names_and_contents(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    files = [folder / "b.json", folder / "a.safetensors"]
    files[0].write_bytes(b"{}")
    files[1].write_bytes(bytes(3 << 20))
    first = digest_of_checkpoint(folder, files)
    assert digest_of_checkpoint(folder, files[::-1]) == first
    moved = folder.rename(tmp_path / "moved")
    files = [moved / path.name for path in files]
    assert digest_of_checkpoint(moved, files) == first
    files[1].write_bytes(bytes(3 << 20) + b"1")
    changed = digest_of_checkpoint(moved, files)
    files[0].rename(moved / "c.json")
    assert len({first, changed, digest_of_checkpoint(moved, [moved / "c.json", files[1]])}) == 3


def test_large_files_are_hashed_once(own_cache: Path, tmp_path: Path, monkeypatch) -> None:
    from genomark.models.genes import encoders

    path = tmp_path / "weights.safetensors"
    path.write_bytes(bytes(2 << 20))
    first = digest_of_checkpoint(tmp_path, [path])
    with monkeypatch.context() as patch:
        patch.setattr(encoders, "digest_of_file", lambda path: pytest.fail("it is read again"))
        assert digest_of_checkpoint(tmp_path, [path]) == first
    (note,) = (own_cache / "digests").iterdir()
    for damage in (b"", b"not a digest", b"\xff"):
        note.write_bytes(damage)
        assert digest_of_checkpoint(tmp_path, [path]) == first
    os.utime(path, ns=(1, 1))
    assert digest_of_checkpoint(tmp_path, [path]) == first
    assert len(list((own_cache / "digests").iterdir())) == 2


def test_large_files_are_hashed_without_a_cache_too(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(bytes(2 << 20))
    first = digest_of_checkpoint(tmp_path, [path])
    monkeypatch.setenv("GENOMARK_CACHE", str(path))
    assert digest_of_checkpoint(tmp_path, [path]) == first
