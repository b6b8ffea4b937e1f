"""Kana in the alphabet as passports write it (Hepburn without long vowels)."""

import re

from yvaxportal.sample.words import words

_ROMAJI = dict(zip(words("romaji")[::2], words("romaji")[1::2], strict=True))
_DOUBLE = "ッ"
_DOUBLED = re.compile(f"{_DOUBLE}(.)")
_LONG = (("OU", "O"), ("OO", "O"), ("UU", "U"))


def romanise(kana: str | None) -> str:
    """Return a name in kana as a passport has it: サトウ　ショウタ is SATO SHOTA; UNKNOWN for None."""
    return " ".join(_word(word) for word in kana.split()) if kana else "UNKNOWN"


def _word(kana: str) -> str:
    letters, at = [], 0
    while at < len(kana):
        size = 2 if kana[at : at + 2] in _ROMAJI else 1
        letters.append(_DOUBLE if kana[at] == _DOUBLE else _ROMAJI.get(kana[at : at + size], ""))
        at += size
    word = _DOUBLED.sub(r"\1\1", "".join(letters).replace(f"{_DOUBLE}CH", "TCH"))
    for written, short in _LONG:
        word = word.replace(written, short)
    for consonant in "BMP":
        word = word.replace(f"N{consonant}", f"M{consonant}")
    return word
