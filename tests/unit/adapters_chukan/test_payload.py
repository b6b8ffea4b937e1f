"""What is sealed opens for nobody else, in no other place, and not when it was changed.

The other side is the simulator's, which was written from docs/protocols/chukan.md alone.
"""

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from yvaxportal.adapters.chukan.payload import Payload, PayloadError
from yvaxportal.adapters.setup import AdapterSetup
from yvaxportal.adapters.simulator.payload import CannotBeOpened, sealed, unsealed
from yvaxportal.settings import SettingsError

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
IF_ID, NUMBER = "IF_SKI_10111", "key-1"
PLAIN = '{"atai":"髙﨑　𠮷野"}'.encode()


def written(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def answer(plain: bytes = PLAIN, key: bytes = KEY) -> bytes:
    return base64.b64decode(sealed(key, plain, IF_ID, NUMBER))


def test_the_other_side_opens_what_was_sealed_for_it() -> None:
    request = Payload(KEY).seal(PLAIN, IF_ID, NUMBER)
    assert unsealed(KEY, written(request), IF_ID, NUMBER) == PLAIN
    assert Payload(KEY).open(answer(), IF_ID, NUMBER) == PLAIN
    assert PLAIN not in request
    for key, if_id, number in (
        (OTHER, IF_ID, NUMBER),
        (KEY, "IF_SKI_10712", NUMBER),
        (KEY, IF_ID, "key-2"),
    ):
        with pytest.raises(CannotBeOpened):
            unsealed(key, written(request), if_id, number)


def test_the_same_is_never_sealed_alike() -> None:
    payload = Payload(KEY)
    assert len({payload.seal(PLAIN, IF_ID, NUMBER) for _ in range(100)}) == 100


def test_an_answer_is_the_answer_to_one_message() -> None:
    payload = Payload(KEY)
    for if_id, number in (("IF_SKI_10712", NUMBER), (IF_ID, "key-2")):
        with pytest.raises(PayloadError):
            payload.open(answer(), if_id, number)
    with pytest.raises(PayloadError):
        # The portal's own request, sent back as if it were the answer.
        payload.open(payload.seal(PLAIN, IF_ID, NUMBER), IF_ID, NUMBER)


def test_whatever_is_changed_does_not_open() -> None:
    payload, good = Payload(KEY), answer()
    for place in range(len(good)):
        changed = bytearray(good)
        changed[place] ^= 1
        with pytest.raises(PayloadError):
            payload.open(bytes(changed), IF_ID, NUMBER)
        with pytest.raises(PayloadError):
            payload.open(good[:place], IF_ID, NUMBER)


def test_either_side_can_change_its_key_first() -> None:
    payload = Payload(KEY, OTHER)
    assert payload.open(answer(key=KEY), IF_ID, NUMBER) == PLAIN
    assert payload.open(answer(key=OTHER), IF_ID, NUMBER) == PLAIN
    assert unsealed(KEY, written(payload.seal(PLAIN, IF_ID, NUMBER)), IF_ID, NUMBER) == PLAIN
    with pytest.raises(PayloadError):
        Payload(KEY).open(answer(key=OTHER), IF_ID, NUMBER)


def test_no_key_is_printed() -> None:
    for key in (KEY, OTHER):
        assert key.hex() not in f"{Payload(key)!r} {vars(Payload(key))!r}"


Read = Callable[..., Payload]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read a key file with some content."""

    def read(content: str, mode: int = 0o640, **options: str) -> Payload:
        path = tmp_path / "key"
        path.write_text(content)
        path.chmod(mode)
        said = {"payload_key_file": "key"} | options
        engine = create_engine("postgresql+psycopg://nowhere")
        return Payload.read(
            AdapterSetup("chukan", said, "312029", tmp_path, engine, lambda: datetime.now(UTC))
        )

    return read


def test_a_file_holds_one_key_or_two(read: Read) -> None:
    assert read(written(KEY) + "\n").open(answer(), IF_ID, NUMBER) == PLAIN
    assert read(f"{written(OTHER)}\n{written(KEY)}\n").open(answer(), IF_ID, NUMBER) == PLAIN


@pytest.mark.parametrize(
    "content",
    ["", "no base64!", written(KEY[:31]), written(KEY + b"x"), f"{written(KEY)}\n" * 3, KEY.hex()],
)
def test_what_is_no_key_stops_the_start(read: Read, content: str) -> None:
    with pytest.raises(SettingsError, match=r"yvaxportal\.adapters\.chukan\.payload_key_file") as caught:
        read(content)
    assert not content or content not in str(caught.value)


def test_a_key_lies_in_a_closed_file(read: Read) -> None:
    with pytest.raises(SettingsError, match="chmod 640"):
        read(written(KEY), 0o644)
    with pytest.raises(SettingsError, match="a secret does not stand in the ini file"):
        read(written(KEY), payload_key=written(KEY))
