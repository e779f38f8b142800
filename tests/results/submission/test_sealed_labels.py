"""The board's key, and what it seals."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from genomark.errors import GenomarkError, UsageError
from genomark.results.submission.sealed import BoardKey, make_board_key, read_board_key

KEY = BoardKey(bytes(range(32)))


def test_what_was_sealed_is_given_back():
    sealed = KEY.seal(b"labels", "truth of a")
    assert b"labels" not in sealed
    assert KEY.unseal(sealed, "truth of a") == b"labels"


def test_the_same_is_sealed_differently_each_time():
    assert KEY.seal(b"labels", "truth") != KEY.seal(b"labels", "truth")


def test_it_is_aes_256_gcm_with_a_key_by_hkdf():
    sealed = KEY.seal(b"labels", "truth of a")
    salt, nonce = sealed[8:24], sealed[24:36]
    derived = HKDF(SHA256(), 32, salt, b"sealing").derive(bytes(range(32)))
    assert AESGCM(derived).decrypt(nonce, sealed[36:], b"truth of a") == b"labels"


def test_every_changed_byte_is_found():
    sealed = KEY.seal(b"labels", "truth")
    for place in range(len(sealed)):
        changed = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        with pytest.raises(GenomarkError, match=r"What is kept as 'truth'"):
            KEY.unseal(changed, "truth")
    with pytest.raises(GenomarkError):
        KEY.unseal(sealed[:20], "truth")


def test_one_sealed_thing_does_not_stand_in_for_another():
    with pytest.raises(GenomarkError, match="changed or sealed with another key"):
        KEY.unseal(KEY.seal(b"labels", "truth of a"), "truth of b")
    with pytest.raises(GenomarkError, match="changed or sealed with another key"):
        BoardKey(bytes(32)).unseal(KEY.seal(b"labels", "truth"), "truth")


def test_purposes_have_keys_and_seeds_of_their_own():
    seeds = {KEY.seed(purpose) for purpose in ("split", "bootstrap", "sketch")}
    assert len(seeds) == 3
    assert KEY.seed("split") == BoardKey(bytes(range(32))).seed("split")
    assert KEY.seed("split") != BoardKey(bytes(32)).seed("split")
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_the_key_file_is_made_once_for_its_owner_alone(tmp_path):
    path, board = tmp_path / "secrets" / "board.key", tmp_path / "board"
    made = make_board_key(path, board)
    assert path.stat().st_mode & 0o777 == 0o600
    assert make_board_key(path, board).identity == made.identity
    assert read_board_key(path, board).identity == made.identity
    assert made.identity not in path.read_text()
    assert path.read_text().strip() not in repr(made)


def test_a_key_in_the_boards_folder_is_refused(tmp_path):
    board = tmp_path / "board"
    (board / "keys").mkdir(parents=True)
    (tmp_path / "link").symlink_to(board)
    for path in (board / "key", board / "keys" / "key", tmp_path / "link" / "key"):
        with pytest.raises(UsageError, match="lies in the board's folder"):
            make_board_key(path, board)
        assert not path.exists()
    inside = board / "keys" / "key"
    inside.write_text("00" * 32)
    (tmp_path / "looks-outside").symlink_to(inside)
    with pytest.raises(UsageError, match="lies in the board's folder"):
        read_board_key(tmp_path / "looks-outside", board)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("00" * 31, "31 bytes; expected 32"), ("zz", "no key of a board"), ("é", "no key of a board")],
)
def test_a_file_that_is_no_key(tmp_path, text, reason):
    path = tmp_path / "key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(UsageError, match=reason):
        read_board_key(path, tmp_path / "board")


def test_a_key_that_others_can_read_is_refused(tmp_path):
    path = tmp_path / "key"
    make_board_key(path, tmp_path / "board")
    path.chmod(0o644)
    with pytest.raises(UsageError, match=r"others may read this key \(mode 0644\)"):
        read_board_key(path, tmp_path / "board")
    with pytest.raises(UsageError, match="cannot be read"):
        read_board_key(tmp_path / "none", tmp_path / "board")
