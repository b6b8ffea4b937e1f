import errno
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

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


def spoilt(content: dict[str, Any], **changes: object) -> str:
    (entry,) = content["keys"]
    whole = {**content, "keys": [{**entry, **{k: v for k, v in changes.items() if k in entry}}]}
    return json.dumps(whole | {k: v for k, v in changes.items() if k not in entry})


def refusal(path: Path) -> str:
    with pytest.raises(KeyRingError) as caught:
        KeyRing.load(path)
    said = str(caught.value)
    assert said.startswith("yvaxportal.vault.key_ring_file: ")
    assert "\n" not in said
    return said


@pytest.mark.parametrize(
    "changes",
    [
        {"id": ""},
        {"id": 7},
        {"id": "鍵"},
        {"id": "longer than sixteen"},
        {"created_at": "yesterday"},
        {"cipher": "AAAA"},
        {"index": "no base64!"},
        {"cipher": None},
        {"active": "another"},
        {"active": ["a"]},
        {"keys": []},
        {"keys": 3},
    ],
)
def test_a_ring_with_one_fault_is_refused_and_nothing_of_it_is_said(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    path = tmp_path / "ring.json"
    KeyRing.create(path)
    content = json.loads(path.read_text())
    path.write_text(spoilt(content, **changes))
    said = refusal(path)
    assert said.endswith("the file holds no key ring")
    assert content["keys"][0]["cipher"] not in said


@pytest.mark.parametrize("content", ["", "{}", "[]", "3", "null", "[" * 100_000])
def test_a_file_that_is_no_ring_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "ring.json"
    path.touch(0o600)
    path.write_text(content)
    assert refusal(path).endswith("the file holds no key ring")


def test_a_key_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ring.json"
    KeyRing.create(path)
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"keys": content["keys"] * 2}))
    assert refusal(path).endswith("the file holds no key ring")


def test_a_file_that_cannot_be_read_or_that_everybody_can_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ring.json"
    assert refusal(path).endswith("the file cannot be read (FileNotFoundError)")
    path.touch(0o600)
    path.write_text("\u9375", "utf-8")
    assert refusal(path).endswith("the file cannot be read (UnicodeDecodeError)")
    path.unlink()
    KeyRing.create(path)
    path.chmod(0o604)
    assert refusal(path).endswith("the file is open to everybody: chmod o= it")


def test_a_replaced_ring_stays_readable_for_whom_it_was(tmp_path: Path) -> None:
    path = tmp_path / "ring.json"
    ring = KeyRing.create(path)
    path.chmod(0o640)
    ring.renewed().save(path)
    assert path.stat().st_mode & 0o777 == 0o640
    if os.geteuid() == 0:  # who else may give files away
        os.chown(path, 4711, 4712)
        ring.renewed().save(path)
        assert (path.stat().st_uid, path.stat().st_gid) == (4711, 4712)
    assert [entry.name for entry in tmp_path.iterdir()] == ["ring.json"]


def test_a_ring_that_cannot_be_saved_leaves_the_old_one_and_no_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ring.json"
    ring = KeyRing.create(path)
    before = path.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr("yvaxportal.vault.ring_file.os.fsync", full)
    with pytest.raises(OSError, match="no space"):
        ring.renewed().save(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["ring.json"]


def test_a_running_process_outlives_a_spoilt_ring(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "ring.json"
    running = KeyRing.create(path)
    sealed = running.seal(b"1", b"x")
    whole = path.read_text()
    (tmp_path / "new").touch(0o600)
    (tmp_path / "new").write_text("{}")
    (tmp_path / "new").replace(path)
    assert running.open(b"1", sealed) == b"x"
    assert running.seal(b"1", b"y").key_id == sealed.key_id
    assert "yvaxportal.vault.key_ring_file: the file holds no key ring" in caplog.text
    path.write_text(whole)
    assert running.key_ids == (sealed.key_id,)


def test_threads_that_seal_while_the_ring_changes_always_use_one_whole_ring(tmp_path: Path) -> None:
    path = tmp_path / "ring.json"
    running = KeyRing.create(path)
    stop = threading.Event()

    def seal() -> int:
        done = 0
        while not stop.is_set():
            assert running.open(b"1", running.seal(b"1", b"x")) == b"x"
            done += 1
        return done

    with ThreadPoolExecutor(4) as pool:
        workers = [pool.submit(seal) for _ in range(4)]
        for _ in range(20):
            KeyRing.load(path).renewed().save(path)
        stop.set()
    assert all(worker.result() for worker in workers)


def test_secrets_are_bound_to_their_name() -> None:
    blob = RING.seal_secret("totp:viewer", b"JBSWY3DPEHPK3PXP")
    assert RING.open_secret("totp:viewer", blob) == b"JBSWY3DPEHPK3PXP"
    assert secret_key_id(blob) == RING.active
    with pytest.raises(SealBrokenError):
        RING.open_secret("totp:admin", blob)
