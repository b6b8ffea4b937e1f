"""Width and digit folding for search keys and typed input. Stored names are never passed through here."""

import re
import unicodedata

# Hyphens and dashes seen in addresses, phone and card numbers. The long-vowel marks are among them because
# Japanese input methods give them for the hyphen key.
DASHES = (
    "-\u00ad\u02d7\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212"
    "\u2500\u2501\u2e3a\u2e3b\u30fc\ufe58\ufe63\uff0d\uff70"
)
INVISIBLE = "\u180e\u200b\u200c\u200d\u2060\ufeff"
VARIATION_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"

_FULL_WIDTH = {0xFF01 + i: 0x21 + i for i in range(94)} | {0x3000: 0x20}
_HALF_WIDTH_KANA = re.compile("[\uff61-\uff9f]+")
_SELECTORS = re.compile(f"[{VARIATION_SELECTORS}]")
_OTHER_DIGIT = re.compile(r"(?![0-9])\d")
_DASH = re.compile(f"[{re.escape(DASHES)}]")


def fold_width(text: str) -> str:
    """Return ``text`` with full-width ASCII and space made half-width, half-width kana made full-width."""
    text = text.translate(_FULL_WIDTH)
    return _HALF_WIDTH_KANA.sub(lambda run: unicodedata.normalize("NFKC", run.group()), text)


def fold_digits(text: str) -> str:
    """Return ``text`` with every Unicode decimal digit (full-width and others) as an ASCII digit."""
    return text if text.isascii() else _OTHER_DIGIT.sub(_ascii_digit, text)


def _ascii_digit(found: re.Match[str]) -> str:
    return str(unicodedata.decimal(found[0]))


def fold_dashes(text: str) -> str:
    """Return ``text`` with every hyphen, dash and long-vowel mark as ``-``."""
    return _DASH.sub("-", text)


def drop_variation_selectors(text: str) -> str:
    """Return ``text`` without the selectors (IVS, SVS) that ask for one drawing of a character."""
    return _SELECTORS.sub("", text)


def display_width(text: str) -> int:
    """Return how many half-width columns ``text`` takes: two for each full-width character."""
    return sum(2 if unicodedata.east_asian_width(char) in {"F", "W", "A"} else 1 for char in text)
