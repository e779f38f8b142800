"""The submitter's key: made once, readable by nobody else, never shown."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from genomark.errors import UsageError, WriteError
from genomark.results.submission import default_key_path, signing_key
from genomark.results.submission.keys import _is_weak, is_signed


def pem(private):
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_a_key_is_made_at_first_use_and_then_kept(tmp_path):
    path = tmp_path / "deep" / "er" / "key.pem"
    first, made = signing_key(path)
    again, made_again = signing_key(path)
    assert (made, made_again) == (True, False)
    assert first.public == again.public
    assert len(bytes.fromhex(first.public)) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["key.pem"]


def test_its_signature_is_that_of_another_implementation_of_the_same_key(tmp_path):
    private = ed25519.Ed25519PrivateKey.generate()
    path = tmp_path / "key.pem"
    path.write_bytes(pem(private))
    path.chmod(0o600)
    key, _ = signing_key(path)
    assert key.sign(b"message") == private.sign(b"message")
    assert is_signed(key.public, key.sign(b"message"), b"message")
    assert not is_signed(key.public, key.sign(b"message"), b"massage")


def test_keys_that_are_made_are_not_weak():
    for _ in range(20):
        public = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes_raw()
        assert not _is_weak(public)


def test_many_who_make_it_at_once_get_one_key(tmp_path):
    path = tmp_path / "key.pem"
    with ThreadPoolExecutor(8) as pool:
        found = {key.public for key, _ in pool.map(lambda _: signing_key(path), range(16))}
    assert len(found) == 1


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620])
def test_a_key_that_others_can_read_or_write_is_refused(tmp_path, mode):
    path = tmp_path / "key.pem"
    signing_key(path)
    path.chmod(mode)
    with pytest.raises(UsageError, match=r"others may read this key.*chmod 600"):
        signing_key(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no private key"),
        (b"-----BEGIN PRIVATE KEY-----\nxx\n-----END PRIVATE KEY-----\n", "no private key"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "a key of another kind"),
    ],
)
def test_a_file_that_is_no_such_key(tmp_path, content, reason):
    path = tmp_path / "key.pem"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(UsageError, match=reason):
        signing_key(path)


def test_a_key_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match="Cannot write the key"):
        signing_key(tmp_path / "file" / "key.pem")


def test_the_private_half_is_in_no_representation(tmp_path):
    path = tmp_path / "key.pem"
    key, _ = signing_key(path)
    secret = path.read_text().splitlines()[1]
    assert secret not in repr(key) + str(key) + repr(vars(key))


def test_the_usual_place_is_the_users_settings(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert default_key_path().name == "submission-key.pem"
    assert default_key_path().parent.name == "genomark"


def test_without_the_library_there_is_one_line():
    program = (
        "import sys; sys.modules['cryptography'] = None\n"
        "from pathlib import Path\n"
        "from genomark.results.submission import signing_key\n"
        "signing_key(Path('key.pem'))\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    last = ended.stderr.splitlines()[-1]
    assert "A signed submission needs cryptography" in last
    assert last.endswith("pip install 'genomark[board]'")
