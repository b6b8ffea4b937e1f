"""Message ids, and what is asked of any text before it is kept, logged or handed on."""

import re

from translationstring import TranslationStringFactory

from yvaxportal.values.checkdigits import is_personal_number
from yvaxportal.values.wareki import parse_date
from yvaxportal.values.width import DASHES, INVISIBLE, VARIATION_SELECTORS, fold_digits, fold_width

__all__ = ["_", "contains_personal_number", "cp932_problems", "fold_width", "mask_personal_numbers"]

_ = TranslationStringFactory("yvaxportal")

_LENGTH = 12
_MASK = "*" * _LENGTH

_SEPARATOR = f"[\\s{re.escape(DASHES)}{INVISIBLE}]"
_CHAIN = re.compile(rf"\d+(?:{_SEPARATOR}+\d+)*")
_RUN = re.compile(r"\d+")
_CARD_WRITING = re.compile(rf"(?<!\d)\d{{4}}{_SEPARATOR}*\d{{4}}{_SEPARATOR}*\d{{4}}(?!\d)")
_CLUSTER = re.compile(f".[{VARIATION_SELECTORS}]?", re.DOTALL)
_CARD_GROUPS = [4, 4, 4]
_MAX_UNEVEN_GROUPS = 4
# How postal codes (and mobile numbers) and telephone numbers are grouped when they stand before other digits.
_OTHER_BEGINNINGS = ([3, 4], [2, 4, 4], [3, 3, 4], [4, 2, 4], [5, 1, 4])


def contains_personal_number(text: str) -> bool:
    """Tell whether somebody typed what must be taken for a personal number.

    Digits of any width count; spaces, hyphens of any kind and invisible characters may stand between groups.
    A chain is groups of digits with only those between them. True when

    - a group has exactly 12 digits, or a chain is grouped 4-4-4: whatever the check digit, since a mistyped
      number is still somebody's number;
    - three groups of 4 inside a longer chain make a valid number (a number next to a telephone number);
    - a chain of 12 digits in at most four groups, or in groups of one length, makes a valid number, unless
      its first groups are a date, a postal code or a telephone number.

    Contiguous runs of any other length (10, 11, 13, 15, 18 digits) are not.
    """
    if len(text) < _LENGTH:
        return False
    return any(_is_suspect(_RUN.findall(chain)) for chain in _CHAIN.findall(fold_digits(text)))


def _is_suspect(groups: list[str]) -> bool:
    lengths = [len(group) for group in groups]
    if _LENGTH in lengths or lengths == _CARD_GROUPS:
        return True
    windows = (groups[i : i + 3] for i in range(len(groups) - 2) if lengths[i : i + 3] == _CARD_GROUPS)
    if any(is_personal_number("".join(window)) for window in windows):
        return True
    few = len(groups) <= _MAX_UNEVEN_GROUPS or len(set(lengths)) == 1
    return few and is_personal_number("".join(groups)) and not _begins_otherwise(groups, lengths)


def _begins_otherwise(groups: list[str], lengths: list[int]) -> bool:
    if any(lengths[: len(shape)] == shape for shape in _OTHER_BEGINNINGS):
        return True
    return any(parse_date("-".join(groups[:count])) for count in (1, 2, 3) if len(groups) > count)


def mask_personal_numbers(text: str) -> str:
    """Return ``text`` with each valid 12-digit number, contiguous or 4-4-4, replaced by twelve asterisks.

    For audit and error paths: only numbers with the right check digit go, so that other 12-digit keys stay
    readable.
    """
    if len(text) < _LENGTH:
        return text
    kept: list[str] = []
    done = at = 0
    while found := _CARD_WRITING.search(text, at):
        at = found.start() + 1
        if is_personal_number("".join(_RUN.findall(fold_digits(found.group())))):
            kept += text[done : found.start()], _MASK
            done = at = found.end()
    return "".join((*kept, text[done:]))


def cp932_problems(text: str) -> list[str]:
    """Return the characters that CP932 cannot carry, each once, in order, with their variation selector."""
    return [cluster for cluster in dict.fromkeys(_CLUSTER.findall(text)) if not _fits_cp932(cluster)]


def _fits_cp932(cluster: str) -> bool:
    try:
        cluster.encode("cp932")
    except UnicodeEncodeError:
        return False
    return True
