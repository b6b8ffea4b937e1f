import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yvaxportal.vault.keyring import (
    KeyRing,
    KeyRingError,
    SealBrokenError,
    Sealed,
    UnknownKeyError,
    secret_key_id,
)

RING = KeyRing.with_new_key()


@given(st.binary(max_size=200), st.binary(max_size=50))
def test_what_is_sealed_opens_with_what_it_is_bound_to(plain: bytes, associated: bytes) -> None:
    assert RING.open(associated, RING.seal(associated, plain)) == plain


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_it_opens_with_nothing_else(bound: bytes, other: bytes) -> None:
    sealed = RING.seal(bound, b"900000000001")
    if other != bound:
        with pytest.raises(SealBrokenError):
            RING.open(other, sealed)


def test_an_altered_ciphertext_does_not_open() -> None:
    sealed = RING.seal(b"1", b"900000000001")
    for position in range(len(sealed.ciphertext)):
        changed = bytearray(sealed.ciphertext)
        changed[position] ^= 1
        with pytest.raises(SealBrokenError):
            RING.open(b"1", Sealed(sealed.key_id, sealed.nonce, bytes(changed)))


def test_the_same_number_never_looks_the_same() -> None:
    assert len({RING.seal(b"1", b"900000000001").ciphertext for _ in range(100)}) == 100


def test_nothing_secret_is_in_a_repr(tmp_path: Path) -> None:
    ring = KeyRing.create(tmp_path / "ring.json")
    entry = json.loads((tmp_path / "ring.json").read_text())["keys"][0]
    assert entry["cipher"] not in repr(ring)
    assert "900000000001" not in repr(ring.seal(b"1", b"900000000001"))


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    KeyRing.create(tmp_path / "ring.json")
    assert (tmp_path / "ring.json").stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        KeyRing.create(tmp_path / "ring.json")


def test_a_running_process_follows_a_rotation(tmp_path: Path) -> None:
    path = tmp_path / "ring.json"
    running = KeyRing.create(path)
    running = KeyRing.load(path)
    old = running.seal(b"1", b"x")
    newer = KeyRing.load(path).renewed()
    newer.save(path)
    assert running.open(b"1", newer.seal(b"1", b"y")) == b"y"
    assert running.seal(b"1", b"z").key_id == newer.active
    assert running.open(b"1", old) == b"x"


def test_a_retired_key_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "ring.json"
    first = KeyRing.create(path)
    sealed = first.seal(b"1", b"x")
    second = KeyRing.load(path).renewed()
    second.without(first.active).save(path)
    with pytest.raises(UnknownKeyError):
        KeyRing.load(path).open(b"1", sealed)
    with pytest.raises(ValueError, match="active"):
        second.without(second.active)


@pytest.mark.parametrize(
    "content",
    ["", "{}", "[]", '{"active": "a", "keys": []}', '{"active": "a", "keys": [{"id": "a"}]}', "\u3042"],
)
def test_a_file_that_is_no_ring_is_refused_in_one_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / "ring.json"
    path.write_text(content, "utf-8")
    with pytest.raises(KeyRingError) as caught:
        KeyRing.load(path)
    assert str(caught.value).startswith("yvaxportal.vault.key_ring_file: ")
    assert "\n" not in str(caught.value)


def test_secrets_are_bound_to_their_name() -> None:
    blob = RING.seal_secret("totp:viewer", b"JBSWY3DPEHPK3PXP")
    assert RING.open_secret("totp:viewer", blob) == b"JBSWY3DPEHPK3PXP"
    assert secret_key_id(blob) == RING.active
    with pytest.raises(SealBrokenError):
        RING.open_secret("totp:admin", blob)
