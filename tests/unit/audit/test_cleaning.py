"""What enters the log is plain and holds no personal number; the digest of a file stays whole."""

import hashlib

import pytest

from yvaxportal.audit.trail import clean

DIGEST = "3068430da9e4b7a674184035643d9e19af3dc7483e31cc03b35f75268401df77"


def test_a_digest_stays_whole() -> None:
    assert clean({"sha256": DIGEST, "people": 3}) == {"sha256": DIGEST, "people": 3}
    for number in range(500):
        digest = hashlib.sha256(str(number).encode()).hexdigest()
        assert clean(digest) == digest


@pytest.mark.parametrize(
    "written", [DIGEST + "0", DIGEST[1:], DIGEST.upper(), f"{DIGEST} ", "123456789018", "1234 5678 9018"]
)
def test_anything_else_with_twelve_digits_is_masked(written: str) -> None:
    assert "674184035643" not in clean(written)
    assert "123456789018" not in clean(written).replace(" ", "")
