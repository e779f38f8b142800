"""The key a submitter signs with: made at first use, in a file that only they can read."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from genomark.errors import UsageError, WriteError
from genomark.extras import import_extra

_NEEDS = "A signed submission"


class SigningKey:
    """An Ed25519 key; its private half is in no message and in no `repr`.

    Attributes
    ----------
    public : str
        Public half, 64 hexadecimal characters.
    """

    def __init__(self, private: Any) -> None:
        self._private = private
        self.public: str = private.public_key().public_bytes_raw().hex()

    def sign(self, message: bytes) -> bytes:
        """Give the signature (64 bytes) of a message."""
        signature: bytes = self._private.sign(message)
        return signature


def default_key_path() -> Path:
    """Give the file of the user's key: in the folder of their settings."""
    import platformdirs

    return platformdirs.user_config_path("genomark", appauthor=False) / "submission-key.pem"


def signing_key(path: Path) -> tuple[SigningKey, bool]:
    """Read a key, or make one where there is none.

    Parameters
    ----------
    path : Path
        PEM (PKCS 8), not encrypted; made with mode 0600, whole or not at all.

    Returns
    -------
    key : SigningKey
    made : bool
        Whether there was none.

    Raises
    ------
    UsageError
        If others may read the file, or it holds no such key; if cryptography is not installed.
    WriteError
        If it cannot be made.
    """
    ed25519 = import_extra(_NEEDS, "cryptography.hazmat.primitives.asymmetric.ed25519", "board")
    serialization = import_extra(_NEEDS, "cryptography.hazmat.primitives.serialization", "board")
    made = not path.exists()
    if made:
        private = ed25519.Ed25519PrivateKey.generate()
        content = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        # Another process may have made one meanwhile: then that one is read.
        with suppress(FileExistsError):
            write_secret(path, content)
    try:
        private = serialization.load_pem_private_key(read_secret(path), password=None)
    except (ValueError, TypeError) as error:
        raise UsageError(f"{path}: no private key; expected an Ed25519 key in PEM") from error
    if not isinstance(private, ed25519.Ed25519PrivateKey):
        raise UsageError(f"{path}: a key of another kind; expected Ed25519")
    return SigningKey(private), made


def is_signed(public: str, signature: bytes, message: bytes) -> bool:
    """Whether the holder of a public key signed a message; of a weak key nobody is the holder."""
    ed25519 = import_extra(_NEEDS, "cryptography.hazmat.primitives.asymmetric.ed25519", "board")
    exceptions = import_extra(_NEEDS, "cryptography.exceptions", "board")
    raw = bytes.fromhex(public)
    if _is_weak(raw):
        return False
    try:
        key = ed25519.Ed25519PublicKey.from_public_bytes(raw)
        key.verify(signature, message)
    except (exceptions.InvalidSignature, ValueError):
        return False
    return True


def _is_weak(public: bytes) -> bool:
    """Whether eight times the point is nothing: anybody can sign for such a key (RFC 8032, 5.1).

    Doubling needs y alone, since ``-x^2 + y^2 = 1 + d x^2 y^2`` gives ``x^2``.
    """
    p = 2**255 - 19
    d = -121665 * pow(121666, -1, p)
    y = int.from_bytes(public, "little") % 2**255
    for _ in range(3):
        # Of a y that is on no point the denominator may be 0; such a key signs nothing anyway.
        xx = (y * y - 1) * pow(d * y * y + 1, p - 2, p)
        y = (y * y + xx) * pow(2 + xx - y * y, p - 2, p) % p
    return y == 1


def write_secret(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all, and replace none.

    Raises
    ------
    FileExistsError
        If there is one.
    WriteError
        If the folder refuses, or the disk is full.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Made with mode 0600.
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise WriteError(f"Cannot write the key {path}: {error.strerror}") from error
    try:
        # A link, unlike a rename, does not take the place of what is there.
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError as error:
        raise WriteError(f"Cannot write the key {path}: {error.strerror}") from error
    finally:
        temporary.unlink()


def read_secret(path: Path) -> bytes:
    """Read a file that nobody but its owner may read.

    Raises
    ------
    UsageError
        If others may, or it cannot be read.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            if mode & 0o077:
                raise UsageError(
                    f"{path}: others may read this key (mode {mode:04o}); expected 0600. "
                    f"Type: chmod 600 {path}"
                )
            return file.read(1 << 16)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
