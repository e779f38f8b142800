"""A bundle: what is signed, and that nothing of it can be changed."""

from __future__ import annotations

import json
import struct

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from genomark.errors import UsageError
from genomark.results.submission import (
    BenchmarkNamed,
    Draft,
    ModelNamed,
    RefusedError,
    make_bundle,
    open_bundle,
)
from genomark.results.submission.archive import pack, unpack
from genomark.results.submission.bundle import _LARGEST
from genomark.results.submission.keys import _is_weak
from genomark.results.submission.manifest import DevScore, sha256

DEV = [DevScore("spearman_x100", None, 31.5, (30.0, 33.0), 1000)]


@pytest.fixture
def members(world):
    return unpack(world.bundle(world.noisy(1.0)), _LARGEST)


def draft(**changes):
    return Draft(
        **{
            "benchmark": BenchmarkNamed("guanine/cons30", "1", "guanine/cons30:split=test"),
            "model": ModelNamed("5-mer ridge", "1.0", "abc"),
            "predictions": b"PAR1",
            "card": "# 5-mer ridge\n",
            "dev": DEV,
            **changes,
        }
    )


def refused(members):
    with pytest.raises(RefusedError) as found:
        open_bundle(pack(members))
    return str(found.value)


def signed(world, members, manifest):
    """Sign another manifest with the right key."""
    content = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    return {**members, "manifest.json": content, "signature": world.key().sign(content)}


def test_a_bundle_holds_what_was_submitted(world):
    opened = open_bundle(make_bundle(draft(), world.key(), created=world.now))
    assert opened.manifest.model.name == "5-mer ridge"
    assert opened.manifest.benchmark.asked == "guanine/cons30:split=test"
    assert opened.manifest.dev == DEV
    assert opened.manifest.created == "2026-03-01T12:00:00Z"
    assert (opened.predictions, opened.card) == (b"PAR1", "# 5-mer ridge\n")


def test_the_signature_is_of_the_exact_bytes_of_the_manifest(members):
    told = json.loads(members["manifest.json"])
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(told["public_key"]))
    key.verify(members["signature"], members["manifest.json"])
    assert told["members"] == {
        name: sha256(members[name]) for name in ("predictions.parquet", "model_card.md")
    }


def test_bytes_depend_on_draft_key_time_and_nonce_alone(world):
    options = {"created": world.now, "nonce": "0" * 32}
    first = make_bundle(draft(), world.key(), **options)
    assert make_bundle(draft(), world.key(), **options) == first
    assert make_bundle(draft(), world.key(), created=world.now) != first
    assert make_bundle(draft(card="x"), world.key(), **options) != first


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        ("predictions.parquet", "predictions.parquet is not the file that manifest.json was"),
        ("model_card.md", "model_card.md is not the file that manifest.json was signed with"),
        ("manifest.json", "the signature is not that of manifest.json"),
        ("signature", "the signature is not that of manifest.json"),
    ],
)
def test_a_changed_member_is_refused(members, member, reason):
    if member == "manifest.json":
        changed = members[member].replace(b'"model"', b'"nodel"', 1).replace(b"nodel", b"model")
        changed = changed.replace(b'"version": "1"', b'"version": "2"', 1)
    else:
        changed = bytes([members[member][0] ^ 1]) + members[member][1:]
    assert changed != members[member]
    assert reason in refused({**members, member: changed})


def test_another_key_does_not_sign_for_the_first(world, members):
    other = world.key("other")
    assert "the signature is not" in refused(
        {**members, "signature": other.sign(members["manifest.json"])}
    )
    # Nor does its public half in the manifest, with the old signature.
    told = json.loads(members["manifest.json"])
    swapped = members["manifest.json"].replace(told["public_key"].encode(), other.public.encode())
    assert "the signature is not" in refused({**members, "manifest.json": swapped})


@pytest.mark.parametrize("length", [0, 63])
def test_a_short_signature_is_refused(members, length):
    assert "the signature is not" in refused({**members, "signature": b"\1" * length})


@pytest.mark.parametrize(
    "public",
    # All encodings of points of order 1, 2, 4 and 8 (as libsodium lists them), and no point.
    [
        "00" * 32,
        "01" + "00" * 31,
        "01" + "00" * 30 + "80",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
        "ff" * 32,
    ],
)
def test_a_weak_key_signs_nothing(members, public):
    if public != "ff" * 32:
        assert _is_weak(bytes.fromhex(public))
    told = json.loads(members["manifest.json"])
    manifest = members["manifest.json"].replace(told["public_key"].encode(), public.encode())
    assert "the signature is not" in refused(
        {**members, "manifest.json": manifest, "signature": bytes(64)}
    )


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        (b"", "manifest.json: "),
        (b"{", "manifest.json: "),
        (b"\xff\xfe", "manifest.json: "),
        (b"[" * 60_000, "manifest.json: "),
        (b'{"schema":' * 6_000, "manifest.json: "),
        (b'{"schema": "genomark-submission/2"}', "Invalid enum value"),
        (b"null", "Expected `object`"),
    ],
)
def test_a_manifest_that_is_none(world, members, manifest, reason):
    assert reason in refused(signed(world, members, manifest))


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        (("more",), 1, "unknown field `more`"),
        (("model", "labels"), [1], "unknown field `labels`"),
        (("nonce",), "xyz", "$.nonce"),
        (("public_key",), "00", "$.public_key"),
        (("created",), "yesterday", "$.created"),
        (("created",), "2026-13-41T99:00:00Z", "manifest.json: time data"),
        (("members", "../predictions.parquet"), "0" * 64, "unknown field"),
        (("model", "name"), "", "$.model.name"),
        (("model", "name"), "a" * 101, "$.model.name"),
        (("model", "name"), "evil\u202egro", "$.model.name"),
        (("model", "name"), "two\nlines", "$.model.name"),
        (("model", "name"), "name\n", "$.model.name"),
        (("benchmark", "id"), "x" * 201, "$.benchmark.id"),
        (("dev",), [{"name": "a", "group": None, "value": "1", "interval": None, "n": 1}], "$.dev"),
        (("dev",), [{}] * 101, "$.dev"),
    ],
)
def test_a_manifest_of_another_form(world, members, place, value, reason):
    told = json.loads(members["manifest.json"])
    inner = told
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    assert reason in refused(signed(world, members, told))


def test_numbers_that_json_does_not_know(world, members):
    told = members["manifest.json"].replace(
        b'"dev": []',
        b'"dev": [{"name": "a", "group": null, "value": NaN, "interval": null, "n": 1}]',
    )
    assert b"NaN" in told
    assert "manifest.json: " in refused(signed(world, members, told))


def test_members_have_a_largest_size(world, members):
    assert "at most 65,536 are read" in refused({**members, "model_card.md": b"x" * 65_537})
    assert "at most 65,536 are read" in refused(
        signed(world, members, b" " * 70_000 + members["manifest.json"])
    )
    declared = bytearray(pack(members))
    start = declared.index(b"predictions.parquet", len(members["manifest.json"]) + 40) - 30 + 18
    size = (1 << 28) + 1
    declared[start : start + 8] = struct.pack("<II", size, size)
    with pytest.raises(RefusedError, match="at most 268,435,456 are read"):
        open_bundle(bytes(declared))


@pytest.mark.parametrize("card", ["", "  \n", "a\0b"])
def test_a_bundle_has_a_card(world, card):
    with pytest.raises(UsageError, match=r"No board would take.*model_card.md is empty"):
        make_bundle(draft(card=card), world.key())


def test_a_card_is_text(world, members):
    told = json.loads(members["manifest.json"])
    told["members"]["model_card.md"] = sha256(b"\xff\xfe")
    changed = signed(world, members, told)
    assert "is not UTF-8" in refused({**changed, "model_card.md": b"\xff\xfe"})


@pytest.mark.parametrize("name", ["", "Größe", "a\tb", "-x"])
def test_a_name_no_board_would_take_is_refused_when_packing(world, name):
    with pytest.raises(UsageError, match=r"\$\.model\.name"):
        make_bundle(draft(model=ModelNamed(name, "1", "d")), world.key())


def test_a_manifest_is_read_as_it_was_written(world, members):
    told = open_bundle(pack(members)).manifest
    assert msgspec.json.decode(members["manifest.json"]) == msgspec.to_builtins(told)
