"""Passwords: argon2id through libpass, and the rules a new one must keep."""

import unicodedata
from collections.abc import Iterable

from passlib.context import CryptContext

MIN_LENGTH = 12
MAX_LENGTH = 128
REMEMBERED = 5
_MIN_DISTINCT = 5
_COMMON = frozenset(
    {
        *("password", "passw0rd", "qwerty", "qwertyuiop", "letmein", "welcome", "admin", "administrator"),
        *("1qaz2wsx", "abc123", "iloveyou", "yonago", "tottori", "vaccine", "vaccination", "yobousesshu"),
        *("kenkou", "shiyakusho"),
    }
)

_context = CryptContext(
    schemes=["argon2"],
    argon2__type="ID",
    argon2__memory_cost=19_456,
    argon2__time_cost=2,
    argon2__parallelism=1,
)
#: A hash of nothing anybody knows: verified when a login does not exist, so that time does not tell.
_DUMMY = _context.hash("no account has this password")


def hash_password(password: str) -> str:
    """Return the argon2id hash (OWASP's minimum cost: 19 MiB, 2 passes)."""
    return str(_context.hash(_plain(password)))


def verify_password(password: str, hashed: str | None) -> bool:
    """Tell whether the password fits; takes as long for an unknown account (``hashed`` None)."""
    fits = bool(_context.verify(_plain(password), hashed or _DUMMY))
    return fits and hashed is not None


def needs_rehash(hashed: str) -> bool:
    """Tell whether the hash was made with other costs than today's."""
    return bool(_context.needs_update(hashed))


def password_fault(password: str, *, login: str, earlier: Iterable[str] = ()) -> str | None:
    """Return why a new password is not accepted: ``length``, ``simple``, ``login``, ``common`` or ``used``.

    ``earlier`` are the hashes of the passwords this person had.
    """
    plain = _plain(password)
    folded = plain.casefold()
    letters = "".join(char for char in folded if char.isalpha())
    if not MIN_LENGTH <= len(plain) <= MAX_LENGTH:
        return "length"
    if len(set(plain)) < _MIN_DISTINCT:
        return "simple"
    if login.casefold() in folded:
        return "login"
    if letters in _COMMON:
        return "common"
    return "used" if any(verify_password(password, hashed) for hashed in earlier) else None


def _plain(password: str) -> str:
    # Keyboards differ in how they compose a letter; a password is compared, never shown (RFC 8265).
    return unicodedata.normalize("NFC", password)
