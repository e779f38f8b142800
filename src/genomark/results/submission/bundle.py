"""A signed bundle: predictions, a model card, a manifest of both, and the signature of that."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from genomark.errors import UsageError
from genomark.results.submission.archive import pack, unpack
from genomark.results.submission.keys import SigningKey, is_signed
from genomark.results.submission.manifest import (
    MANIFEST_SCHEMA,
    BenchmarkNamed,
    DevScore,
    Manifest,
    Members,
    ModelNamed,
    read_manifest,
    sha256,
    stamp,
)
from genomark.results.submission.receipt import RefusedError

MANIFEST, PREDICTIONS = "manifest.json", "predictions.parquet"
CARD, SIGNATURE = "model_card.md", "signature"
LARGEST_MANIFEST = 1 << 16
#: Members in their order, and the most bytes of each.
_LARGEST = {MANIFEST: LARGEST_MANIFEST, PREDICTIONS: 1 << 28, CARD: 1 << 16, SIGNATURE: 64}
#: No bundle is larger: the rest is headers.
LARGEST_BUNDLE = sum(_LARGEST.values()) + 1024


@dataclass(frozen=True)
class Bundle:
    """A bundle whose signature and digests are right.

    Attributes
    ----------
    predictions : bytes
        Parquet; whatever it holds, the holder of the key signed it.
    card : str
        Markdown.
    digest : str
        SHA-256 of the archive.
    """

    manifest: Manifest
    predictions: bytes
    card: str
    digest: str


@dataclass(frozen=True)
class Draft:
    """What a bundle is made of."""

    benchmark: BenchmarkNamed
    model: ModelNamed
    predictions: bytes
    card: str
    dev: list[DevScore] = field(default_factory=list)


def make_bundle(
    draft: Draft, key: SigningKey, *, created: datetime | None = None, nonce: str | None = None
) -> bytes:
    """Sign and pack.

    Parameters
    ----------
    draft : Draft
    key : SigningKey
    created : datetime, optional
        Now when not given.
    nonce : str, optional
        32 hexadecimal characters; drawn when not given. Time and nonce given, the same draft is
        the same bytes.

    Returns
    -------
    bytes
        A zip file that `open_bundle` takes.

    Raises
    ------
    UsageError
        If no board would take it.
    """
    card = draft.card.encode()
    manifest = Manifest(
        schema=MANIFEST_SCHEMA,
        benchmark=draft.benchmark,
        model=draft.model,
        members=Members(predictions=sha256(draft.predictions), card=sha256(card)),
        dev=draft.dev,
        created=stamp(created or datetime.now(UTC)),
        nonce=nonce or secrets.token_hex(16),
        public_key=key.public,
    )
    signed = msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"
    content = pack(
        {
            MANIFEST: signed,
            PREDICTIONS: draft.predictions,
            CARD: card,
            SIGNATURE: key.sign(signed),
        }
    )
    try:
        open_bundle(content)
    except RefusedError as error:
        raise UsageError(f"No board would take this bundle: {error}") from error
    return content


def open_bundle(content: bytes) -> Bundle:
    """Verify a bundle: its form, its signature, and that its members are those that were signed.

    Raises
    ------
    RefusedError
        Says what is wrong.
    """
    if len(content) > LARGEST_BUNDLE:
        raise RefusedError(f"the bundle has over {LARGEST_BUNDLE:,} bytes")
    members = unpack(content, _LARGEST)
    manifest = read_manifest(members[MANIFEST])
    if not is_signed(manifest.public_key, members[SIGNATURE], members[MANIFEST]):
        raise RefusedError(
            "the signature is not that of manifest.json by the key in it: one of them was changed"
        )
    for name, told in ((PREDICTIONS, manifest.members.predictions), (CARD, manifest.members.card)):
        if sha256(members[name]) != told:
            raise RefusedError(f"{name} is not the file that manifest.json was signed with")
    try:
        card = members[CARD].decode()
    except UnicodeDecodeError as error:
        raise RefusedError("model_card.md is not UTF-8 text") from error
    if not card.strip() or "\0" in card:
        raise RefusedError("model_card.md is empty or no text; expected what the model is")
    return Bundle(manifest, members[PREDICTIONS], card, sha256(content))
