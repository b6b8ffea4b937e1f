"""Search keys of names, addresses and telephone numbers. Made of copies: what is stored stays as received.

The rules are those of the resident-register standard (住民記録システム標準仕様書, 検索): voiced marks, small
kana, spaces, long vowels, オ段 + ウ, dashes and kanji variants make no difference.
"""

import re
import unicodedata

from yvaxportal.values.numerals import KANJI_NUMERALS, kanji_number
from yvaxportal.values.variants import GROUPS
from yvaxportal.values.width import drop_variation_selectors, fold_dashes, fold_digits, fold_width

_HIRAGANA_TO_KATAKANA = {code: code + 0x60 for code in (*range(0x3041, 0x3097), 0x309D, 0x309E)}
_KATAKANA_TO_HIRAGANA = {kata: hira for hira, kata in _HIRAGANA_TO_KATAKANA.items()}
_SMALL_TO_LARGE = str.maketrans(
    "ァィゥェォッャュョヮヵヶㇰㇱㇲㇳㇴㇵㇶㇷㇸㇹㇺㇻㇼㇽㇾㇿ",
    "アイウエオツヤユヨワカケクシストヌハヒフヘホムラリルレロ",
)
_OLD_KANA = str.maketrans("ヲヰヱ", "オイエ")
_VARIANTS = {ord(variant): group[0] for group in GROUPS for variant in group[1:]}
_UNDECOMPOSED_LATIN = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)
#: One after the other in one step: many names are folded when a city is taken over.
_STEPS = (_UNDECOMPOSED_LATIN, _VARIANTS, _HIRAGANA_TO_KATAKANA, _SMALL_TO_LARGE, _OLD_KANA)
_MARKS = re.compile("[\u0300-\u036f\u3099\u309a]")
_LONG_O = re.compile("([オコソトノホモヨロ])[ウオ]+")
_REPEATED = re.compile("([^々ヽヾ])([々ヽヾ]+)")
_IGNORED = frozenset({"ー", "~", "\u2212"})
_IGNORED_CATEGORIES = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po"})
_KANA_TEXT = re.compile("[ぁ-ゖァ-ヺㇰ-ㇿゝゞヽヾー・\\s]+")
_KANA_LETTER = re.compile("[ぁ-ゖァ-ヺㇰ-ㇿ]")

_BLOCK_NUMBER = re.compile(f"(?<![{KANJI_NUMERALS}])[{KANJI_NUMERALS}]{{1,6}}(?=丁目|番地|番(?![町丁])|号)")
_BLOCK_WORD = re.compile(r"(?<=\d)(?:丁目|番地ノ?|番(?![町丁])ノ?|号[室棟]?|ノ(?=\d))")
_GAP = re.compile(r"(?<=\d)[\s、,・-]+(?=\d)")
_STRAY = re.compile(r"[\s、,・]|(?<!\d)-+|-+(?!\d)")
_PHONE_MARKS = re.compile(r"[\s().・-]")
_PHONE = re.compile(r"0\d{9,10}")


def fold_name(text: str) -> str:
    """Return the search key of a name in kanji, kana or alphabet; equal keys mean "search finds both".

    Idempotent, and the key of a prefix of kana is a prefix of the key. What is made equal:

    - width, letter case, accents, variation selectors, compatibility ideographs, kanji variants, 々 and ゝ;
    - spaces, hyphens, dashes, middle dots, apostrophes and other punctuation are left out, as are long-vowel
      marks;
    - hiragana and katakana, small and large kana, plain, voiced and semi-voiced kana (ジ is シ, ヂ is チ,
      and so ジ is not ヂ: else 千葉 would find 柴), ヲ ヰ ヱ and オ イ エ;
    - ウ and オ after a kana of the オ row are left out: オオノ, オウノ, オーノ and オノ are one.
    """
    kept = _fold_letters(text).translate(_KEPT)
    return _LONG_O.sub(r"\1", _REPEATED.sub(_repeat, kept))


def _fold_letters(text: str) -> str:
    """Fold width, drawing, case, accents and kana, character by character."""
    text = unicodedata.normalize("NFKC", drop_variation_selectors(text)).casefold()
    text = _MARKS.sub("", unicodedata.normalize("NFKD", text))
    return unicodedata.normalize("NFKC", text).translate(_FOLDED)


def _through_all_steps(code: int) -> str:
    text = chr(code)
    for step in _STEPS:
        text = text.translate(step)
    return text


class _Kept(dict[int, int | None]):
    """What of a folded name is part of its key; each character is looked at once."""

    def __missing__(self, code: int) -> int | None:
        char = chr(code)
        ignored = char in _IGNORED or unicodedata.category(char) in _IGNORED_CATEGORIES
        self[code] = None if ignored else code
        return self[code]


_FOLDED = {code: _through_all_steps(code) for step in _STEPS for code in step}
_KEPT = _Kept()


def _repeat(found: re.Match[str]) -> str:
    return found[1] * (1 + len(found[2]))


def is_kana(text: str) -> bool:
    """Tell whether ``text`` is kana of either kind and width; spaces, middle dots, ー may be in it."""
    text = unicodedata.normalize("NFC", fold_width(text))
    return bool(_KANA_TEXT.fullmatch(text) and _KANA_LETTER.search(text))


def katakana_to_hiragana(text: str) -> str:
    """Return ``text`` with full-width katakana as hiragana; ヷ and others without a hiragana stay."""
    return text.translate(_KATAKANA_TO_HIRAGANA)


def fold_address(text: str) -> str:
    """Return the search key of an address: 錦町一丁目１３９番地３ and 錦町1-139-3 are one.

    Width, letter case, kanji variants and kind of kana are folded, kanji numerals before 丁目, 番地, 番 and
    号 become digits, and what stands between two numbers (丁目 番地 番 号 の, dashes, spaces) becomes one
    hyphen. Everywhere else spaces, dashes and long-vowel marks are left out. Voiced kana stay voiced.
    """
    # Leaving out a space can bring a number and its 丁目 together: until nothing changes.
    while (folded := _fold_address_once(text)) != text:
        text = folded
    return text


def _fold_address_once(text: str) -> str:
    text = unicodedata.normalize("NFKC", drop_variation_selectors(text)).casefold().translate(_VARIANTS)
    text = fold_dashes(fold_digits(text.translate(_HIRAGANA_TO_KATAKANA).translate(_SMALL_TO_LARGE)))
    text = _BLOCK_NUMBER.sub(lambda number: str(kanji_number(number.group())), text)
    return _STRAY.sub("", _GAP.sub("-", _BLOCK_WORD.sub("-", text)))


def fold_phone(text: str) -> str | None:
    """Return the 10 or 11 digits of a telephone number, beginning with 0; None if it is none.

    Spaces, dashes, dots and parentheses are left out; ``+81`` is read as 0.
    """
    digits = _PHONE_MARKS.sub("", fold_dashes(fold_digits(fold_width(text))))
    digits = re.sub(r"^\+810?", "0", digits)
    return digits if _PHONE.fullmatch(digits) else None
