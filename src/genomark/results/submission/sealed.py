"""The board's key, which seals all that rests on labels; it lies outside the board's folder."""

from __future__ import annotations

import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any

from genomark.errors import GenomarkError, UsageError
from genomark.extras import import_extra
from genomark.results.submission.keys import read_secret, write_secret

_NEEDS = "A board with hidden labels"
_MAGIC = b"gmseal1\n"
_KEY, _SALT, _NONCE = 32, 16, 12


class BoardKey:
    """256 random bits from which a key for each purpose is derived (HKDF-SHA256, RFC 5869).

    Sealing is AES-256-GCM (NIST SP 800-38D) with a salt, hence a key, of its own each time; what
    it is for is authenticated with it, so that one sealed thing cannot stand in for another.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._aead = import_extra(_NEEDS, "cryptography.hazmat.primitives.ciphers.aead", "board")
        self._hashes = import_extra(_NEEDS, "cryptography.hazmat.primitives.hashes", "board")
        self._hkdf = import_extra(_NEEDS, "cryptography.hazmat.primitives.kdf.hkdf", "board")
        self._exceptions = import_extra(_NEEDS, "cryptography.exceptions", "board")

    @property
    def identity(self) -> str:
        """Tells this key from others, and nothing of it."""
        return self.derived("identity")[:16].hex()

    def derived(self, purpose: str, salt: bytes = b"") -> bytes:
        """Derive 32 bytes for one purpose."""
        kdf: Any = self._hkdf.HKDF(
            algorithm=self._hashes.SHA256(), length=32, salt=salt, info=purpose.encode()
        )
        found: bytes = kdf.derive(self._secret)
        return found

    def seed(self, purpose: str) -> int:
        """Derive a seed (63 bits) for one purpose."""
        return int.from_bytes(self.derived(purpose)[:8], "little") >> 1

    def seal(self, plain: bytes, purpose: str) -> bytes:
        """Encrypt and authenticate."""
        salt, nonce = secrets.token_bytes(_SALT), secrets.token_bytes(_NONCE)
        cipher = self._aead.AESGCM(self.derived("sealing", salt))
        sealed: bytes = cipher.encrypt(nonce, plain, purpose.encode())
        return _MAGIC + salt + nonce + sealed

    def unseal(self, sealed: bytes, purpose: str) -> bytes:
        """Give back what was sealed for this purpose.

        Raises
        ------
        GenomarkError
            If it was sealed with another key or for something else, or was changed.
        """
        head, salt = len(_MAGIC), len(_MAGIC) + _SALT
        nonce = salt + _NONCE
        if sealed[:head] != _MAGIC or len(sealed) < nonce:
            raise GenomarkError(f"What is kept as '{purpose}' is not sealed; restore the board")
        cipher = self._aead.AESGCM(self.derived("sealing", sealed[head:salt]))
        try:
            plain: bytes = cipher.decrypt(sealed[salt:nonce], sealed[nonce:], purpose.encode())
        except self._exceptions.InvalidTag as error:
            raise GenomarkError(
                f"What is kept as '{purpose}' was changed or sealed with another key; restore it"
            ) from error
        return plain


def make_board_key(path: Path, board: Path) -> BoardKey:
    """Make the key of a new board, or take the one there is.

    Parameters
    ----------
    path : Path
        64 hexadecimal characters; made with mode 0600.
    board : Path
        Folder of the board, in which the key must not lie.

    Raises
    ------
    UsageError
        As `read_board_key`.
    WriteError
        If it cannot be made.
    """
    _refuse_inside(path, board)
    with suppress(FileExistsError):
        write_secret(path, secrets.token_hex(_KEY).encode() + b"\n")
    return read_board_key(path, board)


def read_board_key(path: Path, board: Path) -> BoardKey:
    """Read the key of a board.

    Raises
    ------
    UsageError
        If it lies in the board's folder, others may read it, or it is none.
    """
    _refuse_inside(path, board)
    try:
        secret = bytes.fromhex(read_secret(path).decode("ascii").strip())
    except ValueError as error:
        raise UsageError(
            f"{path}: no key of a board; expected 64 hexadecimal characters"
        ) from error
    if len(secret) != _KEY:
        raise UsageError(f"{path}: {len(secret)} bytes; expected {_KEY}, in hexadecimal")
    return BoardKey(secret)


def _refuse_inside(path: Path, board: Path) -> None:
    if path.resolve().is_relative_to(board.resolve()):
        raise UsageError(
            f"{path}: the key lies in the board's folder, so that who copies the one has the "
            "other; name a file elsewhere"
        )
