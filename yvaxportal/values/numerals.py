"""Numbers written in kanji, as old certificates and town blocks (二丁目) have them."""

KANJI_DIGITS = "〇一二三四五六七八九"
KANJI_NUMERALS = KANJI_DIGITS + "十百"

_UNITS = {"十": 10, "百": 100}


def kanji_number(text: str) -> int:
    """Return the number that ``text`` writes: 十二 is 12, 二十 is 20, 百五 is 105, 一九五五 is 1955.

    Raises ValueError for anything but the characters of ``KANJI_NUMERALS``.
    """
    if not text:
        raise ValueError("no numerals")
    total = pending = 0
    for char in text:
        if char in _UNITS:
            total += (pending or 1) * _UNITS[char]
            pending = 0
        elif char in KANJI_DIGITS:
            pending = pending * 10 + KANJI_DIGITS.index(char)
        else:
            raise ValueError("not a kanji numeral")
    return total + pending
