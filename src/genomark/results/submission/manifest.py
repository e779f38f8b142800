"""The manifest of a bundle: who predicts what with which model, and the digests of the rest."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec

from genomark.errors import UsageError, one_line
from genomark.results.submission.receipt import RefusedError

MANIFEST_SCHEMA: Literal["genomark-submission/1"] = "genomark-submission/1"

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"\A[ -~]+\Z")]
_Hex32 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{32}\Z")]
_Hex64 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
#: Plain letters: two names that look alike are alike.
ModelName = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9 ._+@:/()=,-]{0,99}\Z")]


class BenchmarkNamed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The question that was answered; `asked` is its id with the settings it was run with."""

    id: _Text
    version: _Text
    asked: Annotated[str, msgspec.Meta(max_length=200)] = ""


class ModelNamed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The model as its submitter names it, and what ran."""

    name: ModelName
    version: Annotated[str, msgspec.Meta(max_length=200)]
    digest: Annotated[str, msgspec.Meta(max_length=200)]


class DevScore(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A score on the development split, as the submitter computed it."""

    name: _Text
    group: Annotated[str, msgspec.Meta(max_length=200)] | None
    value: float
    interval: tuple[float, float] | None
    n: int


class Members(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    rename={
        "predictions": "predictions.parquet",
        "card": "model_card.md",
    },
):
    """SHA-256 of the other members."""

    predictions: _Hex64
    card: _Hex64


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is signed.

    Attributes
    ----------
    created : str
        UTC, ISO 8601, to the second.
    nonce : str
        128 random bits: no two bundles are the same.
    public_key : str
        Ed25519, 32 bytes.
    """

    schema: Literal["genomark-submission/1"]
    benchmark: BenchmarkNamed
    model: ModelNamed
    members: Members
    dev: Annotated[list[DevScore], msgspec.Meta(max_length=100)]
    created: Annotated[
        str, msgspec.Meta(pattern=r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z", max_length=20)
    ]
    nonce: _Hex32
    public_key: _Hex64


def read_manifest(content: bytes) -> Manifest:
    """Read the manifest of a stranger.

    Raises
    ------
    RefusedError
        If it is no JSON, or of another form.
    """
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
        moment(manifest.created)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise RefusedError(f"manifest.json: {one_line(error)}") from error
    return manifest


def check_key(text: str) -> None:
    """Refuse what is no public key, as `genomark submit` prints it.

    Raises
    ------
    UsageError
        If it is not of 64 hexadecimal digits.
    """
    try:
        msgspec.convert(text, _Hex64)
    except msgspec.ValidationError as error:
        raise UsageError(
            f"'{one_line(text)}' is no public key: expected 64 hexadecimal digits, as genomark "
            "submit prints them"
        ) from error


def check_name(text: str) -> None:
    """Refuse what no model can be called on a board.

    Raises
    ------
    UsageError
        If it has other letters, or is too long.
    """
    try:
        msgspec.convert(text, ModelName)
    except msgspec.ValidationError as error:
        raise UsageError(
            f"'{one_line(text)}' is no name of a model: expected up to 100 ASCII letters, digits, "
            "blanks and ._+@:/()=,-"
        ) from error


def sha256(content: bytes) -> str:
    """Digest of a member, 64 hexadecimal characters."""
    return hashlib.sha256(content).hexdigest()


def stamp(time: datetime) -> str:
    """Write a time as the records have it."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime:
    """Read what `stamp` wrote."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
